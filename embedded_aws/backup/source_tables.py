"""The tables that AWS Backup copies: found by ARN, copied by the engine, kept while a job runs."""

import ministack.services.dynamodb as dynamodb
from ministack.core.responses import get_account_id, get_region

from embedded_aws.backup import store
from embedded_aws.dynamodb.handlers import Handler, replace, table_name
from embedded_aws.replies import ApiError, Json, Reply, body_of

TYPE = "DynamoDB"


def install() -> None:
    """Refuse to delete a table while a job copies it.

    Source: DynamoDB guide, "Using AWS Backup": the source table cannot be deleted meanwhile.
    """
    replace("_delete_table", _guard)


def arn(name: str) -> str:
    """The ARN of the table ``name`` of this account and region."""
    return f"arn:aws:dynamodb:{get_region()}:{get_account_id()}:table/{name}"


def name_of(table_arn: str) -> str:
    """The name in a table's ARN."""
    return table_arn.rpartition("/")[2]


def check_exists(table_arn: str) -> None:
    """Raise ApiError unless the table is there."""
    name = name_of(table_arn)
    if table_arn != arn(name) or name not in dynamodb._tables:
        raise ApiError("ResourceNotFoundException", f"Cannot find resource {table_arn}")


def is_being_copied(table_arn: str) -> bool:
    """Whether a backup job of the table runs now."""
    return any(
        job.table_arn == table_arn and job.outcome == "COMPLETED" and not job.ended() for job in store.jobs.values()
    )


def copy(table_arn: str, name: str, *, keep_listed: bool) -> Json:
    """The table's items and shape as they are now; ``keep_listed`` shows it in DynamoDB."""
    request = {"TableName": name_of(table_arn), "BackupName": name}
    copy_arn = body_of(dynamodb._create_backup(request))["BackupDetails"]["BackupArn"]
    made: Json = dynamodb._backups[copy_arn]
    made["BackupDetails"]["BackupType"] = "AWS_BACKUP"
    if not keep_listed:
        dynamodb._backups.pop(copy_arn)
    return made


def tags(table_arn: str) -> dict[str, str]:
    """The table's tags, which its recovery points inherit."""
    return {tag["Key"]: tag["Value"] for tag in dynamodb._tags.get(table_arn, [])}


def _guard(original: Handler) -> Handler:
    def handler(data: Json) -> Reply:
        name = table_name(data)
        if name in dynamodb._tables and is_being_copied(arn(name)):
            raise ApiError(
                "ResourceInUseException",
                f"Attempt to change a resource which is still in use: {name} is being backed up",
            )
        return original(data)

    return handler
