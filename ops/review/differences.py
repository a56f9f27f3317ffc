"""Where two values of a template differ, a line each. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ops.review.shortening import apart, at_end, in_words
from ops.review.spelling import spelled

# What tells the elements of a list apart, where all of them have it and no two the same.
_NAMES = (
    "Region",
    "IndexName",
    "AttributeName",
    "RuleName",
    "Sid",
    "PolicyName",
    "DestinationBackupVaultArn",
    "Key",
    "Id",
    "Name",
)
# Of a whole element so many values are shown.
_VALUES = 6


def differences(path: str, old: Any, new: Any) -> Iterator[str]:
    """``path: was → now``; of a list also ``+ path[name]`` and ``- path[name]``."""
    old, new = _beside(old, new), _beside(new, old)
    if isinstance(old, Mapping) and isinstance(new, Mapping) and not _is_function(old, new):
        for key in dict.fromkeys([*old, *new]):
            if old.get(key) != new.get(key):
                below = f"{path}.{key}" if path else key
                yield from differences(below, old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _of_lists(path, old, new)
    else:
        was, now = apart(old, new)
        yield f"{path}: {was} → {now}"


def name_of(*lists: Sequence[Any]) -> str:
    """The key whose values tell the elements of each list apart; empty where none does in all."""
    if not all(isinstance(element, Mapping) for one in lists for element in one):
        return ""
    for key in _NAMES:
        has_all = all(key in element for one in lists for element in one)
        if has_all and all(len(named(key, one)) == len(one) for one in lists):
            return key
    return ""


def named(key: str, elements: Sequence[Any]) -> dict[str, Any]:
    """The elements of a list by the values of that key."""
    return {spelled(element[key]): element for element in elements}


def _of_lists(path: str, old: list[Any], new: list[Any]) -> Iterator[str]:
    key = name_of(old, new)
    if not key:
        yield from _of_unnamed(path, old, new)
        return
    before, after = named(key, old), named(key, new)
    for name in dict.fromkeys([*before, *after]):
        where = f"{path}[{at_end(name)}]"
        if name not in after:
            yield f"- {where}{_values(before[name], key)}"
        elif name not in before:
            yield f"+ {where}{_values(after[name], key)}"
        elif before[name] != after[name]:
            yield from differences(where, before[name], after[name])


def _of_unnamed(path: str, old: list[Any], new: list[Any]) -> Iterator[str]:
    """Equal elements aside, those that are left: of as many each with the one in its place."""
    gone, come = _less(old, new), _less(new, old)
    if not gone and not come:
        yield f"{path}: in another order"
    elif len(gone) == len(come):
        for (index, was), (_, now) in zip(gone, come, strict=True):
            yield from differences(f"{path}[{index}]", was, now)
    else:
        yield from (f"- {path}: {in_words(value)}" for _, value in gone)
        yield from (f"+ {path}: {in_words(value)}" for _, value in come)


def _less(values: list[Any], others: list[Any]) -> list[tuple[int, Any]]:
    """The values, each with its place, for which there is no equal one among the others."""
    left, found = list(others), []
    for index, value in enumerate(values):
        if value in left:
            left.remove(value)
        else:
            found.append((index, value))
    return found


def _values(element: Mapping[str, Any], name: str) -> str:
    """``: Lifecycle.DeleteAfterDays 365, ...``: what a whole element has, its name aside."""
    parts = list(_leaves("", {key: value for key, value in element.items() if key != name}))
    shown = ", ".join(parts[:_VALUES])
    more = f", and {len(parts) - _VALUES} more" if len(parts) > _VALUES else ""
    return f": {shown}{more}" if parts else ""


def _leaves(path: str, value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and not _is_function(value):
        for key, member in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, member)
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        for index, member in enumerate(value):
            yield from _leaves(f"{path}[{index}]", member)
    else:
        yield f"{path} {in_words(value)}"


def _beside(value: Any, other: Any) -> Any:
    """``value``, or as much of nothing as ``other`` has members: each of them is worth a line."""
    if value is not None:
        return value
    if isinstance(other, Mapping) and not _is_function(other):
        return dict.fromkeys(other)
    return [None] * len(other) if isinstance(other, list) else None


def _is_function(*values: Mapping[str, Any]) -> bool:
    return any(key == "Ref" or key.startswith("Fn::") for value in values for key in value)
