"""What keeps recovery points and vaults from being deleted: locks, legal holds, access policies. Reads only.

None of these calls is needed to delete: without permission for one, the command says so and goes
on, and AWS's responses to the deletions decide.
"""

import fnmatch
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import code
from ops.inventory.found import Unseen, Vault
from ops.inventory.leftovers import Lookups
from ops.inventory.vaults import rows

# Why something cannot be deleted and how to change that, and until when.
Blocker = tuple[str, datetime | None]
DELETE_POINT, DELETE_VAULT = "backup:DeleteRecoveryPoint", "backup:DeleteBackupVault"


@dataclass(frozen=True, kw_only=True)
class Guards:
    """What blocks deletions: ``points`` by ARN, ``vaults`` by name.

    ``unlock``: vaults whose lock is to be removed; ``unread``: what the caller may not look for.
    """

    points: Mapping[str, Blocker] = field(default_factory=dict)
    vaults: Mapping[str, str] = field(default_factory=dict)
    unlock: frozenset[str] = frozenset()
    unread: tuple[Unseen, ...] = ()


def read(context: Context, vaults: Iterable[Vault], *, unlock: bool, now: datetime) -> Guards:
    """What guards ``vaults`` and their points; with ``unlock``, locks that can be removed do not count.

    Reads only vaults with recovery points: on an empty one only a policy has an effect, and AWS says so.
    """
    backup, look = context.clients("backup"), Lookups()
    full = {vault.name: vault for vault in vaults if vault.points}
    held = dict(look("legal holds", _held(backup, full)) if full else ())
    points, undeletable, unlocked = dict[str, Blocker](), dict[str, str](), set[str]()
    for name, vault in full.items():
        locked = look(f"the lock of {name}", _lock(backup, name, unlock=unlock, now=now))
        if locked == ("",):
            unlocked.add(name)
        denied = dict(look(f"the access policy of {name}", _denied(context, name)))
        undeletable |= {name: denied[DELETE_VAULT]} if DELETE_VAULT in denied else {}
        for point in vault.points:
            if point.status == "DELETING":
                continue
            if any(locked):
                never = "" if point.expires else "; it has no retention period, so it never expires"
                points[point.arn] = locked[0] + never, point.expires
            elif why := held.get(point.arn) or denied.get(DELETE_POINT):
                points[point.arn] = why, None
    return Guards(points=points, vaults=undeletable, unlock=frozenset(unlocked), unread=tuple(look.unseen))


def _lock(backup: Any, vault: str, *, unlock: bool, now: datetime) -> Iterator[str]:
    """Why the vault's lock, if it has one, blocks deletions; empty for one that ``unlock`` removes."""
    shown = backup.describe_backup_vault(BackupVaultName=vault)
    # A lock without this date is in governance mode
    # (https://docs.aws.amazon.com/aws-backup/latest/devguide/API_DescribeBackupVault.html).
    until = shown.get("LockDate")
    if shown.get("Locked") and until and until <= now:
        yield (
            f"vault lock in compliance mode, immutable since {until:%Y-%m-%d}: neither the lock nor "
            "the recovery point can be deleted before its retention ends"
        )
    elif shown.get("Locked"):
        mode, possible = "governance", ""
        if until:
            mode, possible = "compliance", f" (possible until {until:%Y-%m-%d %H:%M %Z})"
        yield "" if unlock else f"vault lock in {mode} mode: --unlock removes it{possible}"


def _held(backup: Any, vaults: Collection[str]) -> Iterator[tuple[str, str]]:
    """The ARNs of points in ``vaults`` that an active legal hold is on, with the reason.

    A hold may be on a million points in other vaults, so it is asked first which vaults it selects.
    """
    for listed in rows(backup, "list_legal_holds", "LegalHolds"):
        if listed["Status"] in ("CANCELED", "CANCELING"):
            continue
        hold = listed["LegalHoldId"]
        names = backup.get_legal_hold(LegalHoldId=hold).get("RecoveryPointSelection", {}).get("VaultNames")
        if names and not set(vaults) & set(names):
            continue
        reason = f"legal hold '{listed['Title']}' ({hold}): ask its owner to cancel it; this command never does"
        for point in rows(backup, "list_recovery_points_by_legal_hold", "RecoveryPoints", LegalHoldId=hold):
            if point["BackupVaultName"] in vaults:
                yield point["RecoveryPointArn"], reason


def _denied(context: Context, vault: str) -> Iterator[tuple[str, str]]:
    """The deletions that the vault's access policy denies, with the reason."""
    try:
        policy = context.clients("backup").get_backup_vault_access_policy(BackupVaultName=vault)["Policy"]
    except ClientError as error:
        if code(error) != "ResourceNotFoundException":  # it has no policy
            raise
        return
    command = f"aws backup delete-backup-vault-access-policy --backup-vault-name {vault} --region {context.region}"
    for action, statement in denials(policy, context.account).items():
        denied = f"the vault's access policy denies {action} to all principals ({statement})"
        yield action, f"{denied}: change it, or `{command}`, then run this again"


def denials(policy: str, account: str) -> dict[str, str]:
    """The actions that ``policy`` denies to everyone in ``account``, with the statement's name.

    Only what is certain: with a condition, or for some principals or points, AWS decides call by call
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/create-a-vault-access-policy.html).
    """
    found: dict[str, str] = {}
    for number, statement in enumerate(_list(json.loads(policy).get("Statement")), 1):
        if statement.get("Effect") != "Deny" or statement.get("Condition"):
            continue
        principal = statement.get("Principal")
        names = _list(principal.get("AWS") if isinstance(principal, dict) else principal)
        everyone = any(name in ("*", account) or name.endswith(f":{account}:root") for name in names)
        if not everyone or "*" not in _list(statement.get("Resource", "*")):
            continue
        for pattern in _list(statement.get("Action")):
            for action in (DELETE_POINT, DELETE_VAULT):
                if fnmatch.fnmatchcase(action.lower(), str(pattern).lower()):
                    found[action] = f"statement {statement.get('Sid') or number}"
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
