"""What a clean-up leaves alone, and why. Pure."""

from collections.abc import Iterator

from ops.cleanup.choices import Choices
from ops.cleanup.copies import Copy
from ops.cleanup.items import BACKUP, COPY, KEY, ROLE, TABLE, VAULT, Item, count
from ops.inventory import tables
from ops.inventory.found import Inventory, Role, Table, TableBackup


def left_out(inventory: Inventory, choices: Choices, chosen: int) -> Iterator[Item]:
    """What a partial clean-up leaves alone, whatever becomes of the points it chose."""
    why = "the stack is deployed" if choices.deployed else "only recovery points were selected"
    total = sum(len(vault.points) for vault in inventory.vaults)
    for vault in inventory.vaults:
        yield Item(kind=VAULT, id=vault.name, reason=f"{why}; {count(total - chosen)} of the stack not selected")
    yield from (Item(kind=ROLE, id=role.name, reason=why) for role in inventory.roles)
    for backup in inventory.backups:
        if not backup.system and not choices.deployed:
            yield Item(kind=BACKUP, id=backup.arn, reason=why)


def stays(inventory: Inventory, region: str) -> Iterator[Item]:
    """What is not to go, or not yet: tables with data, system backups, others' things."""
    yield from (_retained(table, region) for table in inventory.tables)
    yield from (_system(backup) for backup in inventory.backups if backup.system)
    yield from (_older(backup) for backup in inventory.older)
    for role in inventory.elsewhere:
        why = f"of the stack of that name in {role.elsewhere}: --region {role.elsewhere} finds more"
        yield Item(kind=ROLE, id=role.name, reason=why)
    for key in inventory.keys:
        if key.scheduled:
            why = "its deletion is scheduled; `aws kms cancel-key-deletion` keeps it"
            yield Item(kind=KEY, id=key.arn, reason=why, until=key.deleted_on)
        elif key.used_by:
            yield Item(kind=KEY, id=key.arn, reason=f"table {key.used_by} is encrypted with it")


def _retained(table: Table, region: str) -> Item:
    why = table.origin or "retained"
    if table.protected:
        why += " and protected against deletion"
    delete = tables.how_to_delete(table, region)
    reason = f"{why}, it holds data; to delete it: {delete}"
    if table.replicas:
        # go-to-k/cdkd#1442
        reason += (
            f"; its replicas in {', '.join(table.replicas)} are deleted likewise, each with its "
            "own --region; DynamoDB does not delete a table for 24 hours after a replica was "
            "created from it"
        )
    return Item(kind=TABLE, id=table.name, reason=reason)


def _system(backup: TableBackup) -> Item:
    why = "DynamoDB keeps it after a table's deletion; free, and nobody can delete it"
    return Item(kind=BACKUP, id=backup.arn, reason=why, until=backup.expires)


def _older(backup: TableBackup) -> Item:
    why = (
        "older than the stack, so it is a backup of an earlier table of that name; "
        f"to delete it: `aws dynamodb delete-backup --backup-arn {backup.arn}`"
    )
    return Item(kind=BACKUP, id=backup.arn, reason=why)


def role_of_copies(role: Role, copied: Copy) -> Item:
    """The role that made copies, while there is one: AWS Backup expires them as this role."""
    why = f"AWS Backup expires the copies as this role: `{cleanup_of(copied)}`, then run this again"
    return Item(kind=ROLE, id=role.name, reason=why)


def cleanup_of(copied: Copy) -> str:
    """The command that cleans up after the stack of the copies."""
    region = copied.vault.split(":")[3]
    return f"python -m ops cleanup --stack {copied.stack} --region {region}"


def copy(copied: Copy) -> Item:
    """A point in a vault of somebody else; without a copy job AWS does not say in which."""
    if not copied.vault:
        why = "of the stack's table, in a vault that is not the stack's (Default, or a copy)"
        return Item(kind=COPY, id=copied.arn, reason=why)
    _, _, _, region, account, _, vault = copied.vault.split(":", 6)
    if copied.stack:
        why = f"a copy in region {region}; to delete all of them: `{cleanup_of(copied)}`"
        return Item(kind=COPY, id=copied.arn, reason=why)
    command = f"aws backup delete-recovery-point --backup-vault-name {vault} --recovery-point-arn"
    reason = (
        f"in vault {vault}, account {account}, region {region}, which is not the stack's; "
        f"to delete it: `{command} {copied.arn} --region {region}`"
    )
    return Item(kind=COPY, id=copied.arn, reason=f"{copied.doubt}; {reason}" if copied.doubt else reason)
