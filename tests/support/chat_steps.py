"""``python -m chat`` as a person runs it, without a process for each command; whole tables before and after it."""

import functools
import io
import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from chat.__main__ import main
from cli.clients import Clients
from model.messages import Key
from model.wire import Typed, from_wire, to_wire

Items = dict[Key, Typed]


class Ran(NamedTuple):
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """Standard output of a command that must have worked."""
        assert self.status == 0, self.err
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        """Standard output of a command that must have worked, as one JSON document."""
        assert self.status == 0, self.err
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The one line of a command that must have failed."""
        assert self.out == ""
        assert self.err.startswith("error: ")
        assert self.err.count("\n") == 1
        return self.err.removeprefix("error: ").rstrip("\n")


def run(capsys: Any, command: str, *arguments: object) -> Ran:
    """One command in this process."""
    capsys.readouterr()
    try:
        status = main([command, *map(str, arguments)])
    except SystemExit as ended:  # argparse
        status = int(ended.code or 0)
    return Ran(status, *capsys.readouterr())


def on_table(capsys: Any, name: str) -> Callable[..., Ran]:
    """``on_table(capsys, "T")("scan", ...)``: a command on one table."""
    return lambda command, *arguments: run(capsys, command, "--table", name, *arguments)


def stdin(monkeypatch: Any, data: bytes) -> None:
    """What the next command reads from standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def typed(item: Mapping[str, Any]) -> Typed:
    """An item of text, numbers, truth values, lists and maps, as the API has it."""
    return from_wire(to_wire(dict(item)))


def keyed(*items: Typed) -> Items:
    """The items by key, their sets in one order."""
    return {
        (item["pk"]["S"], item["sk"]["S"]): {
            name: {kind: sorted(content) if kind in ("SS", "NS", "BS") else content}
            for name, value in item.items()
            for kind, content in value.items()
        }
        for item in items
    }


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
