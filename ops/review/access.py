"""What a change gives to whom, and takes away, a line each. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from ops.review.permissions import permissions
from ops.review.statements import Permission, calls

Template = Mapping[str, Any]
Pair = tuple[Permission, Permission]


def access_changes(before: Template, after: Template) -> list[str]:
    """The permissions that are new, changed or gone; ``!`` is what everybody may do now."""
    new, gone = permission_changes(before, after)
    pairs = list(_pairs(gone, new))
    old_ones, new_ones = ({pair[which] for pair in pairs} for which in (0, 1))
    return [
        *(f"{_sign(one, '+')} permission: {one.who}: {one.text}" for one in new if one not in new_ones),
        *(f"{_sign(now, '~')} permission: {now.who}: {_moved(was, now)}" for was, now in pairs),
        *(f"- permission: {one.who}: {one.text}" for one in gone if one not in old_ones),
    ]


def permission_changes(before: Template, after: Template) -> tuple[list[Permission], list[Permission]]:
    """The permissions that are new, and those that are gone."""
    old, new = set(permissions(before["Resources"])), set(permissions(after["Resources"]))
    return sorted(new - old), sorted(old - new)


def _pairs(gone: list[Permission], new: list[Permission]) -> Iterator[Pair]:
    """Those that only list other actions than before: each with the most like it."""
    left = list(new)
    for was in gone:
        like = [now for now in left if _is_like(was, now)]
        if like:
            now = max(like, key=lambda one: len(one.actions & was.actions))
            left.remove(now)
            yield was, now


def _is_like(one: Permission, other: Permission) -> bool:
    same = (one.who, one.lead, one.rest) == (other.who, other.lead, other.rest)
    return same and bool(one.actions & other.actions)


def _moved(was: Permission, now: Permission) -> str:
    """``now also dynamodb: DeleteTable (on MessagesTable)``."""
    more, less = now.actions - was.actions, was.actions - now.actions
    parts = [f"now also {calls(more)}"] if more else []
    parts += [f"no longer {calls(less)}"] if less else []
    return f"{now.lead}{', '.join(parts)} ({now.rest})"


def _sign(one: Permission, otherwise: str) -> str:
    return "!" if one.public else otherwise
