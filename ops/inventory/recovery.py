"""Find every backup of a table, whoever keeps it."""

from collections.abc import Iterable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import is_denied, message
from ops.inventory import table_names, tables, vaults
from ops.inventory.found import Point, TableBackup, Unseen

# Both mean that it can be restored; which of them DynamoDB points show has changed.
RESTORABLE = frozenset({"COMPLETED", "AVAILABLE"})


@dataclass(frozen=True, kw_only=True)
class Backups:
    """The recovery points in all vaults, and the backups that DynamoDB keeps; oldest first."""

    points: tuple[Point, ...] = ()
    own: tuple[TableBackup, ...] = ()
    unseen: tuple[Unseen, ...] = ()

    @property
    def newest(self) -> Point | None:
        """The newest recovery point that can be restored."""
        usable = [point for point in self.points if point.status in RESTORABLE and point.created]
        return usable[-1] if usable else None


def of(context: Context, names: Iterable[str], *, own: bool = True) -> Backups:
    """The backups of the tables ``names``, which may be deleted since.

    Every vault is asked for the table's points: the list by resource does not
    say in which vault one is
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/API_RecoveryPointByResource.html).
    A vault that the caller may not read is in ``unseen``.
    """
    backup, dynamodb = context.clients("backup"), context.clients("dynamodb")
    listed, points, unseen = list(names), list[Point](), list[Unseen]()
    arns = [table_names.arn(context, name) for name in listed]
    for vault in vaults.every(backup):
        name = vault["BackupVaultName"]
        try:
            for arn in arns:
                points += vaults.points(backup, name, resource=arn)
        except ClientError as error:
            if not is_denied(error):
                raise
            unseen.append(Unseen(what=f"vault {name}", reason=message(error)))
    kept = tables.backups(dynamodb, listed) if own else ()
    return Backups(points=tuple(sorted(points, key=_made)), own=tuple(sorted(kept, key=_made)), unseen=tuple(unseen))


def _made(backup: Point | TableBackup) -> tuple[float, str]:
    return (backup.created.timestamp() if backup.created else 0.0, backup.arn)
