"""What a transfer needs to know of its table."""

from dataclasses import dataclass
from typing import Any

from cli.errors import OpsError
from model.messages import PARTITION_KEY, SORT_KEY

_KEYS = {PARTITION_KEY: ("HASH", "S"), SORT_KEY: ("RANGE", "S")}


@dataclass(frozen=True, kw_only=True)
class Described:
    """A table; ``id`` is never that of another one, even of the same name.

    ``items`` is some hours old: DynamoDB counts about every six.
    """

    name: str
    id: str
    items: int
    has_stream: bool


def describe(client: Any, name: str) -> Described:
    """Ask for the table. Raises OpsError unless it has the keys of the data model."""
    table = client.describe_table(TableName=name)["Table"]
    types = {a["AttributeName"]: a["AttributeType"] for a in table["AttributeDefinitions"]}
    keys = {key["AttributeName"]: (key["KeyType"], types[key["AttributeName"]]) for key in table["KeySchema"]}
    if keys != _KEYS:
        raise OpsError(
            f"table {name} has the key {', '.join(keys)}; this command is for tables with the "
            f"text keys {PARTITION_KEY} and {SORT_KEY}"
        )
    return Described(
        name=name,
        id=table["TableId"],
        items=table["ItemCount"],
        has_stream=bool(table.get("StreamSpecification", {}).get("StreamEnabled")),
    )
