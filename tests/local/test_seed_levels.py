"""How deep a seed's values may be nested: as deep as the engine stores them, in both kinds of file.

DynamoDB counts the innermost value as a level, so 31 lists and maps in one another hold it.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from model.messages import Attribute, Item
from model.wire import from_wire, to_wire
from seed.dataset import read_items
from seed.document import SeedError
from seed.templates import load_items

AT = "2026-01-01T09:00:00Z"


def lists(value: Attribute) -> Attribute:
    return [value]


def maps(value: Attribute) -> Attribute:
    return {"k": value}


def nested(around: Callable[[Attribute], Attribute], levels: int) -> Attribute:
    value: Attribute = "x"
    for _ in range(levels):
        value = around(value)
    return value


@pytest.fixture(params=["a.yaml", "a.jsonl"])
def read(request, tmp_path):
    """``read(value)``: the item of a seed's message that has this attribute."""

    def from_file(value: Attribute) -> Item:
        file = tmp_path / request.param
        message = {"from": "Tom", "to": "Jerry", "body": "Hi", "at": AT, "attributes": {"v": value}}
        if file.suffix == ".jsonl":
            file.write_text(json.dumps(message))
            return next(read_items(file))
        users = {"Tom": "Tom", "Jerry": "Jerry"}
        file.write_text(json.dumps({"users": users, "messages": [message]}))  # is YAML, too
        return load_items(file)[0]

    return from_file


@pytest.fixture
def store(client, messages_table):
    def put(item: dict[str, Any]) -> None:
        client("dynamodb").put_item(TableName=messages_table, Item=item)

    return put


@pytest.mark.parametrize("around", [lists, maps])
def test_the_deepest_value_that_can_be_stored_is_read(read, store, around):
    store(from_wire(to_wire(read(nested(around, 31)))))


@pytest.mark.parametrize("around", [lists, maps])
def test_a_deeper_one_is_refused_here_and_there(read, store, around):
    with pytest.raises(SeedError, match="is nested deeper than the 32 levels of DynamoDB"):
        read(nested(around, 32))
    value = {**read("x"), "v": nested(around, 32)}
    with pytest.raises(ClientError, match="Nesting Levels have exceeded supported limits"):
        store(from_wire(to_wire(value)))
