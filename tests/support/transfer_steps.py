"""What tests of export, import and reindex have in common: the command, items, whole tables."""

import functools
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chat.__main__ import main
from cli.clients import Clients
from local.environment import client_environment
from local.process import Running
from model.messages import Item, Key, message_item
from model.wire import Typed, from_wire, to_wire

START = datetime(2026, 1, 1, 9, tzinfo=UTC)
Items = dict[Key, Typed]
Run = Callable[..., tuple[int, str, str]]


def message(minute: int, body: str = "", *, sender: str = "Tom", recipient: str = "Jerry") -> Item:
    """A message by its minute."""
    return message_item(
        sender=sender, recipient=recipient, body=body or f"minute {minute}", sent_at=START + timedelta(minutes=minute)
    )


def typed(item: Mapping[str, Any]) -> Typed:
    """An item of text, numbers, truth values, lists and maps, as the API has it."""
    return from_wire(to_wire(dict(item)))


def keyed(*items: Typed) -> Items:
    """The items by key."""
    return {(item["pk"]["S"], item["sk"]["S"]): _ordered(item) for item in items}


def environment_of(table: Any, aws: Running) -> dict[str, str]:
    """The variables by which boto3 finds the engine of a boto3 Table, and by which a child does."""
    return client_environment(table.meta.client.meta.endpoint_url, aws.ca_file, os.environ)


def command(capsys: pytest.CaptureFixture[Any], table: str) -> Run:
    """``run("export", ...)``: status, output and errors of ``python -m chat`` on one table."""

    def run(name: str, *arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main([name, *map(str, arguments), "--table", table])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return run


def everything(table: str) -> Items:
    """All items of a table by key, on the engine of this process's environment."""
    pages = _client(os.environ["AWS_ENDPOINT_URL"]).get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    found = [item for page in pages for item in page["Items"]]
    items = keyed(*found)
    assert len(items) == len(found)
    return items


def store(table: str, *items: Typed) -> None:
    """Put the items, by the engine of this process's environment."""
    client = _client(os.environ["AWS_ENDPOINT_URL"])
    for start in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
        assert not client.batch_write_item(RequestItems={table: puts})["UnprocessedItems"]


@functools.cache
def _client(_endpoint: str) -> Any:
    """The client of the environment; making one takes as long as some hundred requests."""
    return Clients()("dynamodb")


def _ordered(item: Typed) -> Typed:
    """The item with sets in one order."""
    return {
        name: {kind: sorted(content) if kind in ("SS", "NS", "BS") else content}
        for name, value in item.items()
        for kind, content in value.items()
    }
