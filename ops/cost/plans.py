"""What the backup plans and restore tests of a template make, and how long it is kept."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cli.errors import OpsError
from ops.cost.schedules import DAILY, runs_a_day

_VAULT = re.compile(r"arn:[^:]+:backup:([a-z0-9-]+):[^:]*:backup-vault:(.+)")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Recovery points: kept for ``days``, None for ever; in cold storage after ``cold`` days.

    Of copies, ``elsewhere`` says whether they go to another region, or may, and
    ``region`` which one that is, None where the template does not tell.
    """

    days: float | None = None
    cold: float | None = None
    elsewhere: bool = False
    region: str | None = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of a plan, with the copies that it makes of every point."""

    name: str
    runs_a_day: float
    kept: Kept
    copies: tuple[Kept, ...] = ()


def rules(plan: Mapping[str, Any], home: str | None) -> Iterator[Rule]:
    """The rules of an AWS::Backup::BackupPlan that is deployed to the region ``home``.

    Raises OpsError for a schedule or a retention that cannot be told.
    """
    for rule in plan["BackupPlan"].get("BackupPlanRule", []):
        yield Rule(
            name=rule.get("RuleName", "unnamed"),
            runs_a_day=runs_a_day(_text(rule.get("ScheduleExpression", DAILY))),
            kept=_kept(rule),
            copies=tuple(_copied(copy, home) for copy in rule.get("CopyActions", [])),
        )


def tests_a_day(plan: Mapping[str, Any]) -> float:
    """How often an AWS::Backup::RestoreTestingPlan restores."""
    return runs_a_day(_text(plan["ScheduleExpression"]))


def destinations(plan: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Region and name of every vault that an AWS::Backup::BackupPlan copies to, as far as told."""
    for rule in plan["BackupPlan"].get("BackupPlanRule", []):
        found = [_vault(copy) for copy in rule.get("CopyActions", [])]
        yield from (vault for vault in found if vault)


def _text(expression: Any) -> str:
    if not isinstance(expression, str):
        raise OpsError(f"schedule {expression!r} is not text; the estimate needs it spelled out")
    return expression


def _copied(copy: Mapping[str, Any], home: str | None) -> Kept:
    """What a copy action keeps; where it cannot be told, it is taken to be in another region."""
    vault = _vault(copy)
    region = vault[0] if vault and vault[0] != home else None
    return replace(_kept(copy), elsewhere=vault is None or region is not None, region=region)


def _kept(rule: Mapping[str, Any]) -> Kept:
    lifecycle = rule.get("Lifecycle", {})
    return Kept(days=_days(lifecycle, "DeleteAfterDays"), cold=_days(lifecycle, "MoveToColdStorageAfterDays"))


def _days(lifecycle: Mapping[str, Any], name: str) -> float | None:
    """Days; -1 and nothing at all mean never."""
    value = lifecycle.get(name, -1)
    try:
        days = float(value)
    except (TypeError, ValueError):
        raise OpsError(f"{name} is {value!r}; the estimate needs a number of days") from None
    return None if days < 0 else days


def _vault(copy: Mapping[str, Any]) -> tuple[str, str] | None:
    """Region and name of the vault of a copy action; None where they cannot be told."""
    known = _VAULT.fullmatch(_joined(copy.get("DestinationBackupVaultArn")))
    return (known[1], known[2]) if known else None


def _joined(value: Any) -> str:
    """The text of an ARN, with ``?`` for what only the deployment knows."""
    if isinstance(value, str):
        return value
    parts = value.get("Fn::Join", ["", []])[1] if isinstance(value, Mapping) else []
    return "".join(part if isinstance(part, str) else "?" for part in parts)
