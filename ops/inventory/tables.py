"""Find a deployment's tables that still exist, and the backups that DynamoDB keeps."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from cli.errors import code
from model.names import STACK_TAG
from ops.inventory.found import Table, TableBackup

# Carried by what `python -m ops restore` made, with the name of the table that was backed up.
RESTORED_TAG = "messages:restored"


def name_of(arn: str) -> str:
    """The table's name in its ARN; empty for anything else."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    return name if kind == "table" and ":dynamodb:" in arn else ""


def existing(dynamodb: Any, names: Iterable[str]) -> Iterator[Table]:
    """Those of ``names`` that exist, with the stack that their tag names."""
    for name in names:
        try:
            described = dynamodb.describe_table(TableName=name)["Table"]
            yield _table(dynamodb, described)
        except ClientError as error:
            if code(error) != "ResourceNotFoundException":
                raise


def encrypted_with(dynamodb: Any, keys: Collection[str]) -> Iterator[Table]:
    """The tables of the region that are encrypted with one of ``keys`` (ARNs).

    Looks at every table, because one that AWS restored carries neither tag nor
    name of the deployment, and nothing can read it once its key is deleted.
    """
    if not keys:
        return
    for page in dynamodb.get_paginator("list_tables").paginate():
        for name in page["TableNames"]:
            try:
                described = dynamodb.describe_table(TableName=name)["Table"]
                if _key(described) in keys:
                    yield _table(dynamodb, described)
            except ClientError as error:
                if code(error) != "ResourceNotFoundException":
                    raise


def backups(dynamodb: Any, tables: Iterable[str]) -> Iterator[TableBackup]:
    """The USER and SYSTEM backups of ``tables``, which may be deleted since.

    AWS Backup's own are not among them: only their vault can delete those.
    """
    for table in tables:
        # ListBackups answers USER only, unless asked for another type.
        for kind in ("USER", "SYSTEM"):
            pages = dynamodb.get_paginator("list_backups").paginate(TableName=table, BackupType=kind)
            for page in pages:
                for found in page["BackupSummaries"]:
                    if found.get("BackupType", kind) == kind and found["BackupStatus"] != "DELETED":
                        yield _backup(table, found, system=kind == "SYSTEM")


def how_to_delete(table: Table, region: str) -> str:
    """The commands that delete ``table``, for people."""
    call = f"--table-name {table.name} --region {region}"
    delete = f"`aws dynamodb delete-table {call}`"
    if table.protected:
        unprotect = f"`aws dynamodb update-table {call} --no-deletion-protection-enabled`"
        delete = f"{unprotect}, wait until it is ACTIVE, then {delete}"
    return f"wait until it is ACTIVE, then {delete}" if table.creating else delete


def _backup(table: str, found: dict[str, Any], *, system: bool) -> TableBackup:
    return TableBackup(
        arn=found["BackupArn"],
        name=found["BackupName"],
        table=table,
        system=system,
        expires=found.get("BackupExpiryDateTime"),
        status=found["BackupStatus"],
        created=found.get("BackupCreationDateTime"),
        bytes=found.get("BackupSizeBytes", 0),
    )


def _table(dynamodb: Any, described: dict[str, Any]) -> Table:
    indexes = described.get("GlobalSecondaryIndexes", [])
    # Local indexes have no throughput of their own, but they take room.
    stored = [*indexes, *described.get("LocalSecondaryIndexes", [])]
    units = [shape.get("ProvisionedThroughput", {}) for shape in (described, *indexes)]
    tags = _tags(dynamodb, described["TableArn"])
    return Table(
        name=described["TableName"],
        stack=tags.get(STACK_TAG, ""),
        restored=tags.get(RESTORED_TAG, ""),
        creating=described["TableStatus"] == "CREATING",
        key=_key(described),
        protected=described.get("DeletionProtectionEnabled", False),
        replicas=_replicas(described),
        bytes=described.get("TableSizeBytes", 0) + sum(index.get("IndexSizeBytes", 0) for index in stored),
        items=described.get("ItemCount", 0),
        read_units=sum(given.get("ReadCapacityUnits", 0) for given in units),
        write_units=sum(given.get("WriteCapacityUnits", 0) for given in units),
    )


def _replicas(described: dict[str, Any]) -> tuple[str, ...]:
    """The regions that have a replica, without the table's own."""
    found = {replica["RegionName"] for replica in described.get("Replicas", [])}
    return tuple(sorted(found - {described["TableArn"].split(":")[3]}))


def _key(described: dict[str, Any]) -> str:
    return str(described.get("SSEDescription", {}).get("KMSMasterKeyArn", ""))


def _tags(dynamodb: Any, arn: str) -> dict[str, str]:
    pages = dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
