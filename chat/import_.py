"""``import``: writes the lines of a file to a table, in parallel: no two of them have the same key.

How far an import came is remembered beside its file until it is complete: the line up to which everything is
written. A run that continues may write some lines again, which changes nothing: they are puts of the same items.
"""

import argparse
import json
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from chat.item_files import ImportFile, check, item_in, lines, opened
from chat.target import Commands, Target, command
from chat.transfer import CONTINUES, FAILURES, Advance, ProgressFile, bar, describe, patiently, tries, unfinished
from cli.errors import OpsError, code, explain
from cli.output import count
from dynamo.parallel import lanes
from dynamo.values import same, untyped
from dynamo.writer import ITEMS_PER_BATCH, Table
from model.messages import is_membership, key_of
from model.wire import Typed

# More batches at once are throttled sooner (dynamo/writer.py). Conditional puts write single items, and each waits
# for one answer; ten connections are open.
_WORKERS, _WORKERS_IF_ABSENT = 4, 10
WRITTEN, UNCHANGED, LEFT_ALONE, SKIPPED = "written", "unchanged", "left_alone", "memberships_skipped"
_TEXTS = {
    WRITTEN: "written",
    UNCHANGED: "already there",
    LEFT_ALONE: "not overwritten: another item has the key",
    SKIPPED: "skipped: memberships (rows of users' lists) are written by the stream only",
}


def add(commands: Commands) -> None:
    """The command line of ``import``."""
    parser = command(
        commands,
        "import",
        "write the lines of a file to the table: DynamoDB JSON as `export` writes it, plain JSON "
        "items with pk and sk, or messages with from, to, body and at",
        writes=True,
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        help="- is standard input; it may be compressed with gzip. Every line is checked before "
        "the first one is written; the same command continues an interrupted import",
    )
    parser.add_argument("--if-absent", action="store_true", help="do not overwrite existing items")
    parser.add_argument("--check", action="store_true", help="check the file only; needs no AWS")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Check and import; the result goes to standard output."""
    with opened(arguments.file) as source:
        if arguments.check:
            _show_checked(arguments, source, _checked(source, target))
            return 0
        client = target.typed_client
        table = describe(client, target.table_name)
        progress = Progress(source, table, if_absent=arguments.if_absent, say=target.say)
        if progress.resume():
            target.say(f"continuing after line {progress.line:,} of {source.name}")
        else:
            _checked(source, target)
        with bar(f"importing {source.name}", source.size(), of_bytes=True) as advance:
            import_rest(client, target.table_name, source, progress, advance)
        _show(arguments, source, target.table_name, progress.counts)
        if not table.get("StreamSpecification", {}).get("StreamEnabled") and progress.counts[WRITTEN]:
            target.say(
                f"table {target.table_name} has no stream; `python -m chat reindex` brings the users' "
                "lists of conversations up to date"
            )
    return 0


@dataclass
class Part:
    """Consecutive lines of a file; ``end`` is the offset after them."""

    first: int = 0
    last: int = 0
    end: int = 0
    items: list[Typed] = field(default_factory=list)
    memberships: int = 0


class Progress:
    """How far one import of a file into a table came, in this run and those that it continues."""

    def __init__(
        self, source: ImportFile, table: dict[str, Any], *, if_absent: bool, say: Callable[[str], None]
    ) -> None:
        self.line, self.offset, self.counts, self.if_absent = 0, 0, Counter[str](), if_absent
        self._source, self._say = source, say
        self._file: ProgressFile | None = None
        if source.path:
            # Beside the file; another table's import of the same file has one of its own.
            path = source.path.with_name(f"{source.path.name}.{table['TableName']}.import")
            identity = {
                "version of this command": 3,
                "table of that name": table["TableId"],
                "choice of --if-absent": if_absent,
                "content of the file": source.digest(),
            }
            self._file = ProgressFile(path, identity, delete=path)

    def resume(self) -> bool:
        """Continue an interrupted run; False when there was none. Raises OpsError for another import's progress."""
        state = self._file.load() if self._file else None
        if state is None:
            return False
        self.line, self.offset, self.counts = state["line"], state["offset"], Counter(state["counts"])
        return True

    def add(self, part: Part, outcomes: Counter[str]) -> None:
        """Count the part that comes next as written; save that now and then."""
        self.counts = self.counts + outcomes + Counter({SKIPPED: part.memberships})
        self.line, self.offset = part.last, part.end
        if self._file and self._file.is_due():
            self.save()

    def save(self) -> None:
        """Let another run continue from here; if that fails, say so once."""
        if self._file is None or not self.line:
            return
        try:
            self._file.save({"line": self.line, "offset": self.offset, "counts": self.counts})
        except OSError as error:
            self._say(f"{self._file.path}: {error.strerror}; an interrupted import will start over")
            self._file = None

    def complete(self) -> None:
        """Nothing is left to continue."""
        if self._file:
            self._file.remove()
            self._file = None

    def how_far(self) -> str:
        """How far it came, and how to continue, for an error message."""
        done = f"{self._source.name} is written up to line {self.line}"
        return f"{done}, and {CONTINUES}" if self._file else done


def import_rest(client: Any, table: str, source: ImportFile, progress: Progress, advance: Advance) -> None:
    """Write what ``progress`` does not have yet. Raises OpsError, or KeyboardInterrupt, with how far it came."""
    advance(progress.offset)
    running: deque[tuple[Part, Future[Counter[str]]]] = deque()
    write = _put_absent if progress.if_absent else _put

    def finish_first() -> None:
        """In the order of the lines: everything before the first part under way is written."""
        part, written = running.popleft()
        try:
            outcomes = written.result()
        except ClientError as error:
            text = f"{source.name}: lines {part.first} to {part.last}: {explain(error)}"
            raise OpsError(f"{text}; {progress.how_far()}") from None
        advance(part.end - progress.offset)
        progress.add(part, outcomes)

    try:
        with lanes(_WORKERS_IF_ABSENT if progress.if_absent else _WORKERS) as opened_lanes:
            for part in _parts(source, progress):
                if len(running) >= 2 * opened_lanes.number:
                    finish_first()
                running.append((part, opened_lanes.submit(write, client, table, part.items)))
            while running:
                finish_first()
    except OpsError:
        progress.save()
        raise
    except FAILURES as error:
        progress.save()
        raise unfinished(error, progress.how_far()) from None
    progress.complete()


def _parts(source: ImportFile, progress: Progress) -> Iterator[Part]:
    """The lines after those in ``progress``, in parts of one batch each.

    Raises OpsError for a line that is not as it was checked.
    """
    source.file.seek(progress.offset)
    part = Part()
    for line in lines(source.file, after=progress.line):
        try:
            item = item_in(line)
        except ValueError:
            progress.complete()
            raise OpsError(
                f"{source.name} was changed during its import, and is partly written; import it again"
            ) from None
        if len(part.items) == ITEMS_PER_BATCH:
            yield part
            part = Part()
        part.first, part.last, part.end = part.first or line.number, line.number, line.end
        if is_membership(*key_of(item)):
            part.memberships += 1
        else:
            part.items.append(item)
    if part.last:
        yield part


def _put(client: Any, table: str, items: Sequence[Typed]) -> Counter[str]:
    """Write the items, whatever is there."""
    left, pauses = items, tries(f"writing {len(items)} items to {table}")
    # A seed must not write an item again when no answer says whether it was written; an import may.
    while left and (unknown := Table(client, table).put_all(left)):
        left = [item for item in left if key_of(item) in unknown]
        pauses.wait(len(left), "no good answer")
    return Counter({WRITTEN: len(items)})


def _put_absent(client: Any, table: str, items: Sequence[Typed]) -> Counter[str]:
    """Write the items whose keys are free."""
    return Counter(_put_one_absent(client, table, item) for item in items)


def _put_one_absent(client: Any, table: str, item: Typed) -> str:
    put = {"TableName": table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
    try:
        patiently(client.put_item, put, doing=f"writing an item to {table}")
    except ClientError as error:
        if code(error) != "ConditionalCheckFailedException":
            raise
        # Where an answer was lost, or a run was killed, what is there may be this very item.
        get = {"TableName": table, "Key": {name: item[name] for name in ("pk", "sk")}, "ConsistentRead": True}
        found = patiently(client.get_item, get, doing=f"reading an item of {table}").get("Item")
        return UNCHANGED if found and same(untyped(found), untyped(item)) else LEFT_ALONE
    return WRITTEN


def _checked(source: ImportFile, target: Target) -> Counter[str]:
    try:
        with bar(f"checking {source.name}", source.size(), of_bytes=True) as advance:
            return check(source, say=target.say, advance=advance)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("nothing was written") from None


def _show_checked(arguments: argparse.Namespace, source: ImportFile, checked: Counter[str]) -> None:
    messages, others, memberships = (checked[kind] for kind in ("messages", "others", "memberships"))
    if arguments.json:
        numbers = {"messages": messages, "others": others, "memberships": memberships}
        print(json.dumps({"file": source.name, "lines": checked.total(), **numbers}))
    else:
        parts = [count(messages, "message"), count(others, "other item")]
        parts.append(f"{count(memberships, 'row')} of users' lists, to be skipped")
        print(f"{source.name}: {', '.join(parts)}")


def _show(arguments: argparse.Namespace, source: ImportFile, table: str, counts: Counter[str]) -> None:
    if arguments.json:
        print(json.dumps({"table": table, "file": source.name, **{name: counts[name] for name in _TEXTS}}))
        return
    found = [f"{counts[name]:,} {text}" for name, text in _TEXTS.items() if counts[name]]
    print(f"{source.name}: {'; '.join(found)}")
