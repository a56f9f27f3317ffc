"""How the systems before this one kept lists current, call by call (docs/seed-systems.md).

Each participant has a row whose sort key is the time of the last message. For
every record of a message, and each invocation has one, the handler finds the
conversation's rows through an index, and moves each by deleting it and putting
it again. Nothing filters the records that it causes itself.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from boto3.dynamodb.conditions import Key

from bench.units import images
from tests.support.tables import schema

INDEX = "message-group-sk-index"
INDEX_KEYS = ("message_group_uuid", "sk")
_GROUP = "5ae290ed-55d1-47a0-bc6d-fe2bc2700399"
_OWNERS = ("4d5e0d5c-7d0f-4d4b-8d0e-0a1f5b0f2c11", "9f1c2b3a-5e6d-4c7b-8a9f-1b2c3d4e5f60")


@contextmanager
def table(dynamodb: Any, name: str) -> Iterator[Any]:
    """An empty table of theirs, with a stream of new images."""
    made = dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=schema("pk", "sk"),
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk", "message_group_uuid")
        ],
        GlobalSecondaryIndexes=[
            {"IndexName": INDEX, "KeySchema": schema(*INDEX_KEYS), "Projection": {"ProjectionType": "ALL"}}
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    try:
        yield made
    finally:
        made.delete()


def rows(sent_at: str) -> list[dict[str, str]]:
    """Both participants' rows of a conversation."""
    return [
        {
            "pk": f"GRP#{owner}",
            "sk": sent_at,
            "message_group_uuid": _GROUP,
            "message": "this is a filler message",
            "user_uuid": other,
            "user_display_name": "Somebody Else",
            "user_handle": "somebody",
        }
        for owner, other in zip(_OWNERS, reversed(_OWNERS), strict=True)
    ]


def message(sent_at: str, body: str) -> dict[str, str]:
    """A message of that conversation."""
    return {
        "pk": f"MSG#{_GROUP}",
        "sk": sent_at,
        "message_uuid": "00000000-0000-4000-8000-000000000000",
        "message": body,
        "user_uuid": _OWNERS[0],
        "user_display_name": "Somebody",
        "user_handle": "somebody",
    }


def handle(table: Any, record: Mapping[str, Any]) -> None:
    """What one invocation does."""
    if record["eventName"] == "REMOVE":
        return
    new = images(record, "NewImage")
    if not new["pk"].startswith("MSG#"):
        return
    group = new["pk"].removeprefix("MSG#")
    found = table.query(IndexName=INDEX, KeyConditionExpression=Key("message_group_uuid").eq(group))
    for row in found["Items"]:
        table.delete_item(Key={"pk": row["pk"], "sk": row["sk"]})
        table.put_item(Item=row | {"sk": new["sk"], "message": new["message"]})
