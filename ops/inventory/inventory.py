"""Find what remains of a deployment. Reads only.

Names narrow a search; the tag ``messages:stack`` decides, because the name of
one stack may begin with the name of another (``Messages-dev-2``).
"""

import dataclasses
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar

from botocore.exceptions import ClientError

from cli.clients import StackDescription, default_table, deleted_stacks
from cli.command_line import Context
from cli.errors import is_denied, message
from ops.inventory import leftovers, restores, tables, vaults
from ops.inventory.found import Inventory, Key, Role, Table, TableBackup, Unseen, Vault

T = TypeVar("T")
# CloudFormation names a role after its stack, of which it keeps this many characters.
_ROLE_NAME_START = 24


class Looks:
    """Runs the searches; those the caller has no permission for are noted, not fatal."""

    def __init__(self) -> None:
        self.unseen: list[Unseen] = []

    def __call__(self, what: str, find: Callable[[], Iterable[T]]) -> tuple[T, ...]:
        try:
            return tuple(find())
        except ClientError as error:
            if not is_denied(error):
                raise
            reason = f"{error.operation_name}: {message(error)}"
            self.unseen.append(Unseen(what=what, reason=reason))
            return ()

    def failed(self, what: str) -> bool:
        """Whether ``what`` could not be looked for."""
        return any(unseen.what == what for unseen in self.unseen)


def take(context: Context, *, more_tables: Iterable[str] = (), tagged: Iterable[str] = ()) -> Inventory:
    """Everything that remains of ``context.stack``.

    ``more_tables`` are names of tables that the caller says are the deployment's;
    those ``tagged`` as its are too, but backups that they have are somebody's.
    What the caller has no permission to look for is in ``unseen``.
    """
    clients, name, look = context.clients, context.stack, Looks()
    found_vaults = look("vaults", lambda: vaults.find(clients("backup"), name))
    every = look("roles", lambda: leftovers.roles(clients("iam"), name, context.region))
    roles = tuple(role for role in every if not role.elsewhere)
    earlier = look("earlier stacks", lambda: deleted_stacks(clients, name))
    keys = look("keys", lambda: leftovers.keys(clients("kms"), name, found_vaults))
    dynamodb = clients("dynamodb")
    usable = {key.arn for key in keys if not key.scheduled}
    users = look("tables", lambda: tables.encrypted_with(dynamodb, usable))
    names = table_names(name, found_vaults, roles, earlier) | set(more_tables)
    names |= {table.name for table in users if table.stack == name}
    existing = look("tables", lambda: tables.existing(dynamodb, sorted({*names, *tagged})))
    # A table that exists and is somebody else's keeps its backups, whatever its
    # name; so does one of which nobody can say whose it is.
    others = {table.name for table in existing if table.stack != name} - set(more_tables)
    if look.failed("tables"):
        others = names
    known = {table.name for table in existing}
    restored = look("restored tables", lambda: restores.untagged(context, names, known))
    backups = look("table backups", lambda: tables.backups(dynamodb, sorted(names - others)))
    since = _since(found_vaults, roles, earlier)
    older = tuple(b for b in backups if b.table not in more_tables and _is_older(b, since))
    logs, existed = clients("logs"), bool(found_vaults or roles or earlier)
    return Inventory(
        vaults=found_vaults,
        backups=tuple(backup for backup in backups if backup not in older),
        older=older,
        tables=(*(table for table in existing if table.name not in others), *restored),
        roles=roles,
        elsewhere=tuple(role for role in every if role.elsewhere),
        keys=_with_users(keys, users),
        log_groups=look("log groups", lambda: leftovers.log_groups(logs, name, existed=existed)),
        unseen=tuple(dict.fromkeys(look.unseen)),
    )


def _with_users(keys: Iterable[Key], users: Iterable[Table]) -> tuple[Key, ...]:
    used = {table.key: table.name for table in users}
    return tuple(dataclasses.replace(key, used_by=used.get(key.arn, "")) for key in keys)


def _since(
    found_vaults: Iterable[Vault], roles: Iterable[Role], earlier: Iterable[StackDescription]
) -> datetime | None:
    """When the oldest trace of the deployment was created, to the second; None when unknown."""
    traces: tuple[Vault | Role | StackDescription, ...] = (*found_vaults, *roles, *earlier)
    oldest = min((trace.created for trace in traces if trace.created), default=None)
    return oldest and oldest.replace(microsecond=0)


def _is_older(backup: TableBackup, since: datetime | None) -> bool:
    """Whether an on-demand backup is of an earlier table that had the same name."""
    return not backup.system and bool(since and backup.created and backup.created < since)


def table_names(
    name: str, found_vaults: Iterable[Vault], roles: Iterable[Role], earlier: Iterable[StackDescription]
) -> set[str]:
    """The names under which the deployment's table may have made backups of its own.

    The stack's default name counts only where something shows that the stack
    existed: a guess alone must not reach anybody's backups.
    """
    found_vaults, roles, earlier = tuple(found_vaults), tuple(roles), tuple(earlier)
    names = {vault.table for vault in found_vaults}
    # Anyone may put a backup of their own table into the vault, with a role of their own.
    own_role = f"{name}-"[:_ROLE_NAME_START]
    names |= {
        tables.name_of(point.resource)
        for vault in found_vaults
        for point in vault.points
        if point.role.startswith(own_role)
    }
    names |= {table for role in roles for table in role.tables}
    names |= {old.outputs.get("TableName", "") for old in earlier}
    if found_vaults or roles or earlier:
        names.add(default_table(name) or "")
    return names - {""}
