"""How deep a seed's values may be nested: as deep as the engine stores them, in both kinds of file.

DynamoDB counts the innermost value as a level, so 31 lists and maps in one another hold it.
"""

import json

import pytest
from botocore.exceptions import ClientError

from model.wire import from_wire, to_wire
from seed.dataset import read_items
from seed.document import SeedError
from seed.templates import load_items

MESSAGE = {"from": "Tom", "to": "Jerry", "body": "Hi", "at": "2026-01-01T09:00:00Z"}


@pytest.mark.parametrize("name", ["a.yaml", "a.jsonl"])
@pytest.mark.parametrize("around", [lambda value: [value], lambda value: {"k": value}], ids=["lists", "maps"])
def test_the_deepest_value_that_can_be_stored_is_read_and_a_deeper_one_refused(
    client, messages_table, tmp_path, name, around
):
    def read(value):
        file = tmp_path / name
        message = MESSAGE | {"attributes": {"v": value}}
        if file.suffix == ".jsonl":
            file.write_text(json.dumps(message))
            return next(read_items(file))
        file.write_text(json.dumps({"users": {"Tom": "Tom", "Jerry": "Jerry"}, "messages": [message]}))  # YAML, too
        return load_items(file)[0]

    value = "x"
    for _ in range(31):
        value = around(value)
    item = read(value)
    client("dynamodb").put_item(TableName=messages_table, Item=from_wire(to_wire(item)))
    with pytest.raises(SeedError, match="is nested deeper than the 32 levels of DynamoDB"):
        read(around(value))
    with pytest.raises(ClientError, match="Nesting Levels have exceeded supported limits"):
        client("dynamodb").put_item(TableName=messages_table, Item=from_wire(to_wire(item | {"v": around(value)})))
