"""DeleteTable: protection's real text, the system backup, and nothing left behind."""

import ministack.services.dynamodb as engine

from embedded_aws.dynamodb import backups, continuous_backups
from embedded_aws.dynamodb.handlers import Handler, replace, table_name
from embedded_aws.replies import ApiError, Json, Reply

# ACK, table quirks; CloudFormation shows the same text.
PROTECTED = (
    "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."
)


def install() -> None:
    """Replace DeleteTable."""
    replace("_delete_table", _delete_table)


def _delete_table(original: Handler) -> Handler:
    def handler(data: Json) -> Reply:
        name = table_name(data)
        table = engine._tables.get(name)
        if table is None:
            return original(data)
        if table.get("DeletionProtectionEnabled"):
            raise ApiError("ValidationException", PROTECTED)
        system_backup = None
        if continuous_backups.enabled(name):
            system_backup = backups.create_system_backup(name)
        reply = original(data)
        if reply[0] == 200:
            _forget(name, table["TableArn"])
        elif system_backup:
            engine._backups.pop(system_backup, None)
        return reply

    return handler


def _forget(name: str, arn: str) -> None:
    """Drop what belonged to the table, so that a successor of its name starts clean."""
    engine._resource_policies.pop(arn, None)
    for key in list(engine._contributor_insights):
        if key == name or key.startswith(f"{name}/index/"):
            engine._contributor_insights.pop(key, None)
