"""Numbers that the table spells with more than 38 digits: every command reads and writes them."""

import json
from decimal import Decimal

import pytest

from functions.indexer import index
from tests.support.chat_steps import stdin
from tests.support.lists import message, record

# As AWS answers with them: all zeros written out.
LONG = ["1" + "0" * 50, "1." + "0" * 42]


@pytest.fixture
def stored(table, client):
    """A message whose number is spelled like that, and whose text is a number too."""
    put = client("dynamodb").put_item
    message_of = message(1)
    keys = {name: {"S": message_of[name]} for name in ("pk", "sk")}

    def store(number):
        more = {"Stars": {"N": number}, "All": {"NS": [number]}, "Body": {"N": number}}
        put(TableName=table.name, Item=keys | more)
        return message_of

    return store


@pytest.mark.parametrize("number", LONG)
def test_what_is_there_is_read_by_every_command(on, stored, number):
    message_of = stored(number)
    key = ["--key", message_of["pk"], message_of["sk"]]
    for shown in (
        on("get", *key, "--json").out,
        on("scan", "--json").out,
        on("history", "jerry#tom", "--all", "--json").out[1:-2],
    ):
        assert json.loads(shown, parse_int=Decimal)["Stars"] == Decimal(number)
    assert on("reindex").lines == ["1 conversation reindexed"]
    assert on("conversations", "tom", "--check").status == 0
    edited = on("edit", "jerry#tom", message_of["sk"].removeprefix("MESSAGE#"), "x", "--json")
    assert json.loads(edited.out, parse_int=Decimal)["Stars"] == Decimal(number)
    old = on("get", *key, "--typed").out
    assert on("put", old, "--typed", "--if-unchanged", old).status == 0
    gone = on("delete", *key, "--json")
    assert json.loads(gone.out, parse_int=Decimal)["All"] == [Decimal(number)]


@pytest.mark.parametrize("number", LONG)
def test_what_is_written_is_read_again(on, number, monkeypatch):
    item = f'{{"pk": "a", "sk": "b", "n": {number}}}'
    assert on("put", item).status == 0
    assert on("put", item, "--if-unchanged", item).status == 0
    exported = on("export").out
    stdin(monkeypatch, exported.encode())
    assert on("import", "-").status == 0
    assert json.loads(on("get", "--key", "a", "b", "--json").out, parse_int=Decimal)["n"] == (Decimal(number))


@pytest.mark.parametrize("number", LONG)
def test_the_streams_function_indexes_such_a_message(aws, stored, table, number, monkeypatch):
    from functions import indexer

    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("TABLE_NAME", table.name)
    indexer._table.cache_clear()
    try:
        answer = index(indexer._table(), [record(stored(number))])
    finally:
        indexer._table.cache_clear()
    assert answer == {"batchItemFailures": []}
    assert len(table.scan(FilterExpression="attribute_exists(LastMessageAt)")["Items"]) == 2
