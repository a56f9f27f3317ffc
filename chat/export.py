"""``export``: writes the items of a table as lines, in parallel segments; ``--to`` has DynamoDB do it (s3_export).

An export is not a snapshot: items that are written meanwhile may be in it or not. Items that were there before and do
not change are in it: reads are consistent.

A file grows as FILE.part, beside FILE.part.json, which says how many of its bytes count and after which key
each segment continues. The run that continues cuts off what was appended after the last save, so that no item is
missing or comes twice. The file gets its own name when it is complete.
"""

import argparse
import base64
import contextlib
import fcntl
import json
import os
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from chat import s3_export
from chat.target import Commands, Target, command, pair
from chat.transfer import CONTINUES, FAILURES, Call, ProgressFile, bar, describe, read_segments, scans, unfinished
from cli.errors import OpsError, UsageError
from cli.output import count
from dynamo.parallel import After
from model.messages import CONVERSATION_PREFIX, MESSAGE_PREFIX, PARTITION_KEY, SORT_KEY, conversation_key
from model.wire import Typed


def add(commands: Commands) -> None:
    """The command line of ``export``."""
    parser = command(
        commands,
        "export",
        "write the table's items as JSON lines, readable by `import` and by DynamoDB import from S3",
        writes=True,
    )
    text = "default: standard output. The same command continues an interrupted export to a file"
    parser.add_argument("file", nargs="?", metavar="FILE", help=text)
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--conversation", metavar="C", type=pair, help="only the messages of one conversation")
    only.add_argument("--messages", action="store_true", help="only messages, no memberships (rows of users' lists)")
    s3_export.add(parser)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Export; print the result on standard output, unless the items are printed there."""
    s3_export.check(arguments)
    if arguments.to:
        return s3_export.run(arguments, target)
    path = None if arguments.file in (None, "-") else Path(arguments.file)
    if arguments.json and not path:
        raise UsageError(
            "--json prints the result, and needs FILE or --to: without them the items go to standard output"
        )
    client, name = target.typed_client, target.table_name
    table = describe(client, name)
    selection, calls = _selected(client, target, arguments)
    state = {"bytes": 0, "items": 0, "after": {str(segment): None for segment in range(len(calls))}}
    identity = {"table": table["TableId"], "selection of items": selection}
    with (
        continued_file(path, identity, state, force=arguments.force) if path else _stream(sys.stdout.buffer, state)
    ) as output:
        if output.state["items"]:
            target.say(f"continuing after {count(output.state['items'], 'item')}")
        with bar(f"exporting {name}", table["ItemCount"]) as advance:
            advance(output.state["items"])
            for segment, items, last_key in read_segments(name, calls, output.segments()):
                output.write(segment, list(map(line_of, items)), last_key)
                advance(len(items))
    result = f"{count(output.state['items'], 'item')} of table {name}"
    if arguments.json:
        print(json.dumps({"table": name, "file": arguments.file, "items": output.state["items"]}))
    elif path:
        print(f"{path}: {result}")
    else:
        target.say(result)
    return 0


def _selected(client: Any, target: Target, arguments: argparse.Namespace) -> tuple[str, list[Call]]:
    """What is exported, in words, and the calls that read it: one for a conversation, else one for each segment."""
    named: dict[str, Any] = {
        "ExpressionAttributeNames": {"#pk": PARTITION_KEY, "#sk": SORT_KEY},
        "ExpressionAttributeValues": {":pk": {"S": CONVERSATION_PREFIX}, ":messages": {"S": MESSAGE_PREFIX}},
    }
    if arguments.conversation is not None:
        conversation = target.conversation(arguments.conversation)
        named["ExpressionAttributeValues"][":pk"] = {"S": conversation_key(conversation)}
        condition = "#pk = :pk AND begins_with(#sk, :messages)"
        return f"conversation {conversation}", [partial(client.query, KeyConditionExpression=condition, **named)]
    if arguments.messages:
        condition = "begins_with(#pk, :pk) AND begins_with(#sk, :messages)"
        return "messages", scans(client, FilterExpression=condition, **named)
    return "all items", scans(client)


def line_of(item: Typed) -> bytes:
    """The line of an item as the API returns it, with its line end.

    DynamoDB JSON, ``{"Item": {"pk": {"S": "..."}}}``: exact for sets, binary and numbers of 38 digits, and what
    DynamoDB's own import from S3 reads as DYNAMODB_JSON
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataImport.Format.html). The same item
    always has the same line, so that sorted files can be compared.
    """
    spelled = {"Item": {name: _spelled(item[name]) for name in sorted(item)}}
    return json.dumps(spelled, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _spelled(value: Mapping[str, Any]) -> dict[str, Any]:
    """A value as JSON spells it: binary in base64, sets in one order."""
    ((kind, content),) = value.items()
    if kind == "B":
        content = base64.b64encode(bytes(content)).decode()
    elif kind == "BS":
        content = sorted(base64.b64encode(bytes(member)).decode() for member in content)
    elif kind in ("SS", "NS"):
        content = sorted(content, key=Decimal if kind == "NS" else None)
    elif kind == "L":
        content = [_spelled(member) for member in content]
    elif kind == "M":
        content = {name: _spelled(content[name]) for name in sorted(content)}
    return {kind: content}


class Output:
    """The file of an export; ``state`` has its bytes and items, and the key after which each segment continues."""

    def __init__(self, file: BinaryIO, state: dict[str, Any], progress: ProgressFile | None = None) -> None:
        self._file, self.state, self._progress = file, state, progress

    def segments(self) -> dict[int, After]:
        """The segments that are still to be read, each after a key, or from its beginning."""
        return {int(segment): key for segment, key in self.state["after"].items()}

    def write(self, segment: int, lines: list[bytes], last_key: After) -> None:
        """Append a page of a segment, and save the progress now and then."""
        content = b"".join(lines)
        self._file.write(content)
        after = {**self.state["after"], str(segment): last_key}
        if last_key is None:
            del after[str(segment)]
        # In one step: an interruption between two would count a page twice.
        self.state = {
            "bytes": self.state["bytes"] + len(content),
            "items": self.state["items"] + len(lines),
            "after": after,
        }
        if self._progress and self._progress.is_due():
            self.save()

    def save(self) -> None:
        """Make what was written count for the run that continues."""
        if self._progress:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._progress.save(self.state)


@contextlib.contextmanager
def continued_file(path: Path, identity: Mapping[str, str], state: dict[str, Any], *, force: bool) -> Iterator[Output]:
    """The output that becomes ``path`` after the ``with`` block, and can be continued if the block fails.

    ``state`` is that of a new export. Raises OpsError when ``path`` must not be replaced, when the unfinished file
    belongs to another export, and with how far it came when the block fails.
    """
    _check_replaceable(path, force=force)
    part = path.with_name(path.name + ".part")
    progress = ProgressFile(
        part.with_name(part.name + ".json"), {"version of this command": 3, **identity}, delete=part
    )
    with part.open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OpsError(f"{part} is being written by another export") from None
        if size := os.fstat(file.fileno()).st_size:
            saved = progress.load()
            if saved is None:
                raise OpsError(f"{part} exists but is not an unfinished export; delete it, or name another FILE")
            if size < saved["bytes"]:
                raise OpsError(f"{part} was truncated; delete it to start over")
            state = saved
        file.truncate(state["bytes"])
        output = Output(file, state, progress)
        output.save()
        try:
            yield output
        except FAILURES as error:
            output.save()
            raise unfinished(error, f"{part} has {count(output.state['items'], 'item')}, and {CONTINUES}") from None
        except OSError as error:  # a full disk
            raise OpsError(f"{part}: {error.strerror}; {CONTINUES}") from None
        output.save()
        _check_replaceable(path, force=force)
        part.replace(path)
    progress.remove()


@contextlib.contextmanager
def _stream(file: BinaryIO, state: dict[str, Any]) -> Iterator[Output]:
    """An output that cannot be continued."""
    try:
        yield Output(file, state)
    except FAILURES as error:
        raise unfinished(error, "the output is incomplete") from None


def _check_replaceable(path: Path, *, force: bool) -> None:
    """Raise OpsError unless a file may be put where ``path`` is."""
    if path.exists() and not path.is_file():
        raise OpsError(f"{path} is not a regular file; without FILE the items go to standard output")
    if path.exists() and not force:
        raise OpsError(f"{path} exists; pass --force to replace it, or name another file")
