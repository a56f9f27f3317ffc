"""What keeps recovery points from being deleted: plain data, and what follows from it. Pure."""

import fnmatch
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from ops.inventory.found import Point, Unseen

DELETE_POINT, DELETE_VAULT = "backup:DeleteRecoveryPoint", "backup:DeleteBackupVault"


@dataclass(frozen=True, kw_only=True)
class Lock:
    """A vault lock. ``final``: when a compliance lock becomes unchangeable; None: governance."""

    final: datetime | None = None

    def removable(self, now: datetime) -> bool:
        """Whether it can still be taken off at all."""
        return self.final is None or now < self.final

    @property
    def name(self) -> str:
        """The lock's mode, and until when it can be removed or since when it cannot."""
        return f"vault lock in {'governance' if self.final is None else 'compliance'} mode"


@dataclass(frozen=True, kw_only=True)
class Hold:
    """An active legal hold, with the ARNs of the deployment's points that it holds."""

    id: str
    title: str
    points: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Guard:
    """What guards one vault; ``denied`` names the denied actions and the statements that do it."""

    lock: Lock | None = None
    denied: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Guards:
    """What guards the vaults of a deployment; ``unread`` what nobody may look for."""

    vaults: Mapping[str, Guard] = field(default_factory=dict)
    holds: tuple[Hold, ...] = ()
    unread: tuple[Unseen, ...] = ()

    def of(self, vault: str) -> Guard:
        """The guard of the vault of that name."""
        return self.vaults.get(vault, Guard())


class Blocker(NamedTuple):
    """Why something cannot be deleted, what to do about it, and until when."""

    reason: str
    until: datetime | None = None


def blocker(
    guards: Guards, vault: str, *, unlock: bool, now: datetime, region: str
) -> Callable[[Point], Blocker | None]:
    """A function that says what is in the way of a point of ``vault``, or None."""
    guard = guards.of(vault)
    locked = _locked(guard.lock, unlock=unlock, now=now)
    denied = denial(guard, DELETE_POINT, vault, region)

    def of(point: Point) -> Blocker | None:
        if point.status == "DELETING":  # AWS is at it already
            return None
        if locked:
            end = "" if point.expires else "; it has no retention, so it never ends"
            return Blocker(locked + end, point.expires)
        for hold in guards.holds:
            if point.arn in hold.points:
                return Blocker(
                    f"legal hold '{hold.title}' ({hold.id}): whoever placed it can cancel it, this command never does"
                )
        return Blocker(denied) if denied else None

    return of


def denial(guard: Guard, action: str, vault: str, region: str) -> str:
    """Why the vault's access policy stands in the way of ``action``; empty when it does not."""
    if action not in guard.denied:
        return ""
    command = f"aws backup delete-backup-vault-access-policy --backup-vault-name {vault}"
    return (
        f"the vault's access policy denies {action} to everybody ({guard.denied[action]}): "
        f"change it, or `{command} --region {region}`, then run this again"
    )


def _locked(lock: Lock | None, *, unlock: bool, now: datetime) -> str:
    if lock is None:
        return ""
    if not lock.removable(now):
        return (
            f"{lock.name}, final since {lock.final:%Y-%m-%d}: nobody can delete it, or remove the "
            "lock, before its retention ends"
        )
    if unlock:
        return ""
    end = f" (possible until {lock.final:%Y-%m-%d %H:%M %Z})" if lock.final else ""
    return f"{lock.name}: --unlock removes it{end}"


def denied(policy: str, account: str) -> dict[str, str]:
    """The actions that ``policy`` denies to everybody in ``account``, with the statement's name.

    Only what is certain: a Deny with a condition, for some principals or for
    some points is left for AWS to decide, call by call
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/create-a-vault-access-policy.html).
    """
    statements = _list(json.loads(policy).get("Statement", []))
    found: dict[str, str] = {}
    for number, statement in enumerate(statements, 1):
        if statement.get("Effect") != "Deny" or statement.get("Condition"):
            continue
        if not _everybody(statement.get("Principal"), account):
            continue
        if "*" not in _list(statement.get("Resource", "*")):
            continue
        patterns = [str(pattern).lower() for pattern in _list(statement.get("Action", []))]
        for action in (DELETE_POINT, DELETE_VAULT):
            if any(fnmatch.fnmatchcase(action.lower(), pattern) for pattern in patterns):
                found[action] = f"statement {statement.get('Sid') or number}"
    return found


def _everybody(principal: Any, account: str) -> bool:
    names = _list(principal.get("AWS", []) if isinstance(principal, dict) else principal or [])
    return any(name in ("*", account) or name.endswith(f":{account}:root") for name in names)


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | dict) else [value]
