"""``export``: writes the items of a table as lines, several segments at once.

An export is not a snapshot: what is written to the table meanwhile may be in it or not. What was there before,
and stays unchanged, is in it: reads are consistent.

A file grows as FILE.part, beside FILE.part.json, which says how many of its bytes count and after which key
each segment continues. The run that continues cuts off what was appended after the last save, so that no item is
missing or comes twice. The file gets its own name when it is complete.
"""

import argparse
import contextlib
import fcntl
import json
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from chat.item_files import line_of
from chat.target import Commands, Target, command, pair
from chat.transfer import CONTINUES, FAILURES, Advance, ProgressFile, bar, describe, patiently, unfinished
from cli.errors import OpsError, UsageError
from cli.output import count
from dynamo.parallel import After, in_segments, lanes
from model.messages import CONVERSATION_PREFIX, MESSAGE_PREFIX, PARTITION_KEY, SORT_KEY, conversation_key

_SEGMENTS = 4


@dataclass(frozen=True)
class Selection:
    """Which items: all of them, all messages, or the messages of one conversation, an id."""

    messages_only: bool = False
    conversation: str | None = None

    @property
    def segments(self) -> int:
        """In how many parts it can be read at once."""
        return 1 if self.conversation is not None else _SEGMENTS

    def __str__(self) -> str:
        if self.conversation is not None:
            return f"conversation {self.conversation}"
        return "messages" if self.messages_only else "all items"


class Output:
    """The lines written so far, and after which key each segment continues.

    With a ``progress`` file it can be continued by another run.
    """

    def __init__(self, file: BinaryIO, state: dict[str, Any], progress: ProgressFile | None = None) -> None:
        self._file, self._state, self._progress = file, state, progress

    @property
    def items(self) -> int:
        """How many items it has."""
        return int(self._state["items"])

    def left(self) -> dict[int, After]:
        """The segments that are still to be read, each after a key, or from its beginning."""
        return {n: segment["after"] for n, segment in enumerate(self._state["segments"]) if not segment["done"]}

    def write(self, segment: int, lines: list[bytes], last_key: After) -> None:
        """Append a page of a segment, and save the progress now and then."""
        content = b"".join(lines)
        self._file.write(content)
        segments = list(self._state["segments"])
        segments[segment] = {"after": last_key, "done": last_key is None}
        # In one step: an interruption between two would count a page twice.
        self._state = {
            "bytes": self._state["bytes"] + len(content),
            "items": self.items + len(lines),
            "segments": segments,
        }
        if self._progress and self._progress.is_due():
            self.save()

    def save(self) -> None:
        """Make what was written count for the run that continues."""
        if self._progress:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._progress.save(self._state)


def add(commands: Commands) -> None:
    """The command line of ``export``."""
    parser = command(
        commands,
        "export",
        "write the table's items as JSON lines, readable by `import` and by DynamoDB import from S3",
        writes=True,
    )
    parser.add_argument(
        "file",
        nargs="?",
        metavar="FILE",
        help="default: standard output. The same command continues an interrupted export to a file",
    )
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--conversation", metavar="C", type=pair, help="only the messages of one conversation")
    only.add_argument("--messages", action="store_true", help="only messages, no memberships (rows of users' lists)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Export; the result goes to standard output, unless the items do."""
    to_file = arguments.file not in (None, "-")
    if arguments.json and not to_file:
        raise UsageError("--json prints the result, and needs FILE: without it the items go to standard output")
    selection = Selection(
        messages_only=arguments.messages,
        conversation=None if arguments.conversation is None else target.conversation(arguments.conversation),
    )
    client = target.typed_client
    table = describe(client, target.table_name)
    with (
        continued_file(Path(arguments.file), table, selection, force=arguments.force)
        if to_file
        else _stream(sys.stdout.buffer, selection)
    ) as output:
        if output.items:
            target.say(f"continuing after {count(output.items, 'item')}")
        with bar(f"exporting {target.table_name}", table["ItemCount"]) as advance:
            _export(client, target.table_name, selection, output, advance)
    if arguments.json:
        print(json.dumps({"table": target.table_name, "file": arguments.file, "items": output.items}))
    elif to_file:
        print(f"{arguments.file}: {count(output.items, 'item')} of table {target.table_name}")
    else:
        target.say(f"{count(output.items, 'item')} of table {target.table_name}")
    return 0


@contextlib.contextmanager
def continued_file(path: Path, table: dict[str, Any], selection: Selection, *, force: bool) -> Iterator[Output]:
    """The output that becomes ``path`` after the ``with`` block, and can be continued if the block fails.

    Raises OpsError when ``path`` exists and is not to be replaced (``force``), when the unfinished file belongs to
    another export, and with how far it came when the block fails.
    """
    _check_replaceable(path, force=force)
    part = path.with_name(path.name + ".part")
    identity = {"version of this command": 2, "table": table["TableId"], "selection of items": str(selection)}
    progress = ProgressFile(part.with_name(part.name + ".json"), identity, delete=part)
    with _opened(part) as file:
        state = _continued(file, part, progress) or _beginning(selection)
        file.truncate(state["bytes"])
        file.seek(state["bytes"])
        output = Output(file, state, progress)
        output.save()
        try:
            yield output
        except FAILURES as error:
            output.save()
            raise unfinished(error, f"{part} has {count(output.items, 'item')}, and {CONTINUES}") from None
        except OSError as error:  # a full disk
            raise OpsError(f"{part}: {error.strerror}; {CONTINUES}") from None
        output.save()
        _check_replaceable(path, force=force)
        part.replace(path)
    progress.remove()


@contextlib.contextmanager
def _stream(file: BinaryIO, selection: Selection) -> Iterator[Output]:
    """An output that cannot be continued."""
    try:
        yield Output(file, _beginning(selection))
    except FAILURES as error:
        raise unfinished(error, "what was written is not complete") from None


def _export(client: Any, table: str, selection: Selection, output: Output, advance: Advance) -> None:
    """Write every item of the selection that ``output`` does not have yet.

    Memory does not depend on the table: one page of each segment is under way at a time.
    """

    def read(segment: int, after: After) -> tuple[tuple[list[bytes], After], After]:
        call, request = _request(client, selection, segment)
        request |= {"TableName": table, "ConsistentRead": True}
        if after is not None:
            request["ExclusiveStartKey"] = after
        page = patiently(call, request, doing=f"reading {table}")
        last_key = page.get("LastEvaluatedKey")
        return (list(map(line_of, page["Items"])), last_key), last_key

    advance(output.items)
    with lanes(selection.segments) as opened:
        for segment, (lines, last_key) in in_segments(opened, read, output.left()):
            output.write(segment, lines, last_key)
            advance(len(lines))


def _request(client: Any, selection: Selection, segment: int) -> tuple[Any, dict[str, Any]]:
    """The method and the request that read a segment of the selection."""
    chosen = selection.conversation
    partition = CONVERSATION_PREFIX if chosen is None else conversation_key(chosen)
    named = {
        "ExpressionAttributeNames": {"#pk": PARTITION_KEY, "#sk": SORT_KEY},
        "ExpressionAttributeValues": {":pk": {"S": partition}, ":messages": {"S": MESSAGE_PREFIX}},
    }
    if chosen is not None:
        return client.query, {"KeyConditionExpression": "#pk = :pk AND begins_with(#sk, :messages)", **named}
    request: dict[str, Any] = {"Segment": segment, "TotalSegments": selection.segments}
    if selection.messages_only:
        request |= {"FilterExpression": "begins_with(#pk, :pk) AND begins_with(#sk, :messages)", **named}
    return client.scan, request


def _check_replaceable(path: Path, *, force: bool) -> None:
    """Raise OpsError unless a file may be put where ``path`` is."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise OpsError(f"{path} is not a regular file; without FILE the items go to standard output")
    if not force:
        raise OpsError(f"{path} exists; pass --force to replace it, or name another file")


def _beginning(selection: Selection) -> dict[str, Any]:
    """The state of an export that has nothing yet."""
    return {"bytes": 0, "items": 0, "segments": [{"after": None, "done": False} for _ in range(selection.segments)]}


@contextlib.contextmanager
def _opened(part: Path) -> Iterator[BinaryIO]:
    """The unfinished file, locked against other exports."""
    with open(os.open(part, os.O_RDWR | os.O_CREAT, 0o666), "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OpsError(f"{part} is being written by another export") from None
        yield file


def _continued(file: BinaryIO, part: Path, progress: ProgressFile) -> dict[str, Any] | None:
    """The state of an interrupted export of the same kind; None where there is none.

    Raises OpsError when the file is something else.
    """
    size = os.fstat(file.fileno()).st_size
    if not size:
        return None
    state = progress.load()
    if state is None:
        raise OpsError(f"{part} exists but is not an unfinished export; delete it, or name another FILE")
    if size < state["bytes"]:
        raise OpsError(f"{part} was truncated; delete it to start over")
    return state
