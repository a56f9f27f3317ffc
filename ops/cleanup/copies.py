"""Find recovery points of the deployment's tables that are not in its vaults. Reads only.

Copies in other regions, and points that somebody put into another vault: they
are somebody's, and billed, so a clean-up names them and leaves them alone.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.command_line import Context
from cli.errors import code, is_denied
from ops.inventory.found import Vault
from ops.inventory.vaults import exists, role_of

# A client of AWS Backup in another region.
Elsewhere = Callable[[str], Any]
_GONE = frozenset({"ResourceNotFoundException"})


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A point outside the deployment's vaults; ``doubt`` says why it may be gone already.

    ``vault`` is the ARN of the vault it is in, empty when AWS does not tell;
    ``stack`` the stack of that vault, where it is the stage's own for copies;
    ``role`` the name of the role that made it, empty when AWS does not tell.
    """

    arn: str
    vault: str = ""
    doubt: str = ""
    stack: str = ""
    role: str = ""


def find(
    context: Context, vaults: Iterable[Vault], elsewhere: Elsewhere, *, tables: Iterable[str] = ()
) -> tuple[Copy, ...]:
    """What ListCopyJobs and ListRecoveryPointsByResource know of outside ``vaults``.

    They are asked for the tables of ``vaults`` and those of the names ``tables``.
    Both know only what the account lets the caller see; a refusal is no error
    here. AWS forgets copy jobs after a while, so no rows prove nothing.
    """
    vaults = tuple(vaults)
    own = {point.arn for vault in vaults for point in vault.points}
    own_vaults = {vault.arn for vault in vaults}
    found: dict[str, Copy] = {}
    for table in sorted(_tables(context, vaults, tables)):
        for copied in _copied(context, table, elsewhere):
            if copied.vault not in own_vaults:
                found[copied.arn] = copied
        for arn in _by_resource(context, table):
            if arn not in own:
                found.setdefault(arn, Copy(arn=arn))
    return tuple(found.values())


def _tables(context: Context, vaults: Iterable[Vault], names: Iterable[str]) -> set[str]:
    """The ARNs of the tables that the vaults are of, by their points and tags, and of ``names``."""
    found = {point.resource for vault in vaults for point in vault.points if point.resource}
    where = f"arn:{context.clients.partition}:dynamodb:{context.region}:{context.account}"
    named = {*names, *(vault.table for vault in vaults)} - {""}
    return found | {f"{where}:table/{name}" for name in named}


def _copied(context: Context, table: str, elsewhere: Elsewhere) -> Iterator[Copy]:
    pages = context.clients("backup").get_paginator("list_copy_jobs").paginate(ByResourceArn=table)
    for job in _rows(pages, "CopyJobs"):
        arn, vault = job.get("DestinationRecoveryPointArn"), job.get("DestinationBackupVaultArn")
        if job.get("State") == "COMPLETED" and arn and vault and vault.count(":") >= 6:
            doubt = _doubt(context, arn, vault, elsewhere)
            if doubt is not None:
                stack, role = _stack(context, vault), role_of(job)
                yield Copy(arn=arn, vault=vault, doubt=doubt, stack=stack, role=role)


def _stack(context: Context, vault: str) -> str:
    """The stack of the stage's copies that ``vault`` is of; empty for any other vault.

    The setting copy_region makes it: its vault has the stack's name and a letter.
    """
    name = vault.rsplit(":", 1)[-1]
    own = name.startswith(f"{context.stack}-Copies-") and f":{context.account}:" in vault
    return name.rpartition("-")[0] if own else ""


def _doubt(context: Context, arn: str, vault: str, elsewhere: Elsewhere) -> str | None:
    """None when the copy is gone; otherwise why that is not certain, or nothing."""
    _, _, _, region, account, _, name = vault.split(":", 6)
    if account != context.account:
        return "in another account, so nobody here knows whether it is still there"
    backup = context.clients("backup") if region == context.region else elsewhere(region)
    try:
        backup.describe_recovery_point(BackupVaultName=name, RecoveryPointArn=arn)
    except ClientError as error:
        gone = code(error) in _GONE or (is_denied(error) and _is_missing(backup, name))
        return None if gone else f"{code(error)} when asked whether it is there"
    except BotoCoreError as error:
        return f"{type(error).__name__} when asked whether it is there"
    return ""


def _is_missing(backup: Any, vault: str) -> bool:
    """Whether the list of vaults lacks ``vault``: AWS denies access to one that is gone."""
    try:
        return not exists(backup, vault)
    except (ClientError, BotoCoreError):
        return False


def _by_resource(context: Context, table: str) -> Iterator[str]:
    backup = context.clients("backup")
    pages = backup.get_paginator("list_recovery_points_by_resource").paginate(ResourceArn=table)
    for point in _rows(pages, "RecoveryPoints"):
        yield point["RecoveryPointArn"]


def _rows(pages: Iterable[dict[str, Any]], field: str) -> Iterator[dict[str, Any]]:
    try:
        for page in pages:
            yield from page.get(field, [])
    except ClientError as error:
        if not is_denied(error) and code(error) not in _GONE:
            raise
