"""``import``: writes the lines of a file to a table, in parallel: no two of them have the same key.

How far an import came is remembered beside its file until it is complete: the line up to which everything is
written. A run that continues may write some lines again, which changes nothing: they are puts of the same items.
"""

import argparse
import hashlib
import json
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from chat.item_files import ImportFile, Line, check, item_of, lines, opened
from chat.target import Commands, Target, command
from chat.transfer import CONTINUES, FAILURES, ProgressFile, bar, describe, unfinished
from cli.errors import OpsError, explain
from cli.output import count
from dynamo.parallel import Tries, lanes, patiently
from dynamo.table import unless_refused
from dynamo.values import same, untyped
from model.messages import is_membership, key_of
from model.wire import Typed

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
_ITEMS_PER_BATCH = 25
# More batches at once are throttled sooner (dynamo/writer.py). Conditional puts write single items, and each waits
# for one answer; ten connections are open.
_WORKERS, _WORKERS_IF_ABSENT = 4, 10
Say = Callable[[str], None]
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
    text = (
        "- is standard input; it may be compressed with gzip. Every line is checked before the first one is written; "
        "the same command continues an interrupted import"
    )
    parser.add_argument("file", metavar="FILE", help=text)
    parser.add_argument("--if-absent", action="store_true", help="do not overwrite existing items")
    parser.add_argument("--check", action="store_true", help="check the file only; needs no AWS")


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Check and import; print the result."""
    with opened(arguments.file) as source:
        if arguments.check:
            _show_checked(source.name, check(source, target.say), as_json=arguments.json)
            return 0
        client, name = target.typed_client, target.table_name
        table = describe(client, name)
        progress = ImportProgress(source, table, if_absent=arguments.if_absent, say=target.say)
        if progress.line:
            target.say(f"continuing after line {progress.line:,} of {source.name}")
        else:
            check(source, target.say)
        import_rest(client, name, source, progress)
    counts = {outcome: progress.counts[outcome] for outcome in _TEXTS}
    if arguments.json:
        print(json.dumps({"table": name, "file": source.name, **counts}))
    else:
        print(f"{source.name}: {'; '.join(f'{n:,} {_TEXTS[outcome]}' for outcome, n in counts.items() if n)}")
    if not table.get("StreamSpecification", {}).get("StreamEnabled") and counts[WRITTEN]:
        target.say(
            f"table {name} has no stream; `python -m chat reindex` brings the users' lists of conversations up to date"
        )
    return 0


class ImportProgress:
    """How far one import of a file into a table came, in this run and those that it continues."""

    def __init__(self, source: ImportFile, table: dict[str, Any], *, if_absent: bool, say: Say) -> None:
        self.line, self.offset, self.counts, self.if_absent = 0, 0, Counter[str](), if_absent
        self._name, self._say = source.name, say
        self._file: ProgressFile | None = None
        if source.path:
            source.file.seek(0)
            identity = {
                "version of this command": 3,
                "table of that name": table["TableId"],
                "choice of --if-absent": if_absent,
                "content of the file": hashlib.file_digest(source.file, "sha256").hexdigest(),  # type: ignore[arg-type]
            }
            # Beside the file; another table's import of the same file has one of its own.
            path = source.path.with_name(f"{source.path.name}.{table['TableName']}.import")
            self._file = ProgressFile(path, identity, delete=path)
            if state := self._file.load():
                self.line, self.offset, self.counts = state["line"], state["offset"], Counter(state["counts"])

    def add(self, last: Line, outcomes: Counter[str]) -> None:
        """Count the lines up to ``last`` as written; save that now and then."""
        self.line, self.offset, self.counts = last.number, last.end, self.counts + outcomes
        if self._file and self._file.is_due():
            self.save()

    def save(self) -> None:
        """Let another run continue from here; if that fails, say so once."""
        if self._file and self.line:
            try:
                self._file.save({"line": self.line, "offset": self.offset, "counts": self.counts})
            except OSError as error:
                self._say(f"{self._file.path}: {error.strerror}; an interrupted import will start over")
                self._file = None

    def forget(self) -> None:
        """Let no other run continue from here."""
        if self._file:
            self._file.remove()
            self._file = None

    def how_far(self) -> str:
        """How far it came, and how to continue, for an error message."""
        done = f"{self._name} is written up to line {self.line}"
        return f"{done}, and {CONTINUES}" if self._file else done


def import_rest(client: Any, table: str, source: ImportFile, progress: ImportProgress) -> None:
    """Write what ``progress`` does not have yet. Raises OpsError, or KeyboardInterrupt, with how far it came."""
    running: deque[tuple[list[Line], Future[Counter[str]]]] = deque()

    def finish_first() -> None:
        """In the order of the lines: everything before the first batch under way is written."""
        batch, written = running.popleft()
        try:
            outcomes = written.result()
        except ClientError as error:
            text = f"{source.name}: lines {batch[0].number} to {batch[-1].number}: {explain(error)}"
            raise OpsError(f"{text}; {progress.how_far()}") from None
        advance(batch[-1].end - progress.offset)
        progress.add(batch[-1], outcomes)

    def write(items: Sequence[Typed]) -> Counter[str]:
        left = [item for item in items if not is_membership(*key_of(item))]
        skipped = Counter({SKIPPED: len(items) - len(left)})
        if progress.if_absent:
            return skipped + Counter(_put_absent(client, table, item) for item in left)
        return skipped + _put(client, table, left)

    workers = _WORKERS_IF_ABSENT if progress.if_absent else _WORKERS
    try:
        with bar(f"importing {source.name}", source.size) as advance, lanes(workers) as opened_lanes:
            advance(progress.offset)
            for batch, items in _batches(source, progress):
                if len(running) >= 2 * workers:
                    finish_first()
                running.append((batch, opened_lanes.submit(write, items)))
            while running:
                finish_first()
    except OpsError:
        progress.save()
        raise
    except FAILURES as error:
        progress.save()
        raise unfinished(error, progress.how_far()) from None
    progress.forget()


def _batches(source: ImportFile, progress: ImportProgress) -> Iterator[tuple[list[Line], list[Typed]]]:
    """The lines after those in ``progress``, and their items. Raises OpsError where one is not as it was checked."""
    source.file.seek(progress.offset)
    rest = lines(source.file, after=progress.line)
    while batch := list(islice(rest, _ITEMS_PER_BATCH)):
        try:
            items = [item_of(line.text) for line in batch]
        except ValueError:
            progress.forget()
            raise OpsError(
                f"{source.name} was changed during its import, and is partly written; import it again"
            ) from None
        yield batch, items


def _put(client: Any, table: str, items: Sequence[Typed]) -> Counter[str]:
    """Write the items, whatever is there."""
    doing, left = f"writing {len(items)} items to {table}", [{"PutRequest": {"Item": item}} for item in items]
    pauses = Tries(doing)
    while left:
        answer = patiently(doing, client.batch_write_item, RequestItems={table: left})
        if left := answer["UnprocessedItems"].get(table, []):
            pauses.wait(len(left), "unprocessed items")
    return Counter({WRITTEN: len(items)})


def _put_absent(client: Any, table: str, item: Typed) -> str:
    """Write the item if its key is free; the outcome."""
    put = {"TableName": table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
    if unless_refused(partial(patiently, f"writing an item to {table}", client.put_item), **put):
        return WRITTEN
    # Where an answer was lost, or a run was killed, what is there may be this very item.
    get = {"TableName": table, "Key": {name: item[name] for name in ("pk", "sk")}, "ConsistentRead": True}
    found = patiently(f"reading an item of {table}", client.get_item, **get).get("Item")
    return UNCHANGED if found and same(untyped(found), untyped(item)) else LEFT_ALONE


def _show_checked(name: str, checked: Counter[str], *, as_json: bool) -> None:
    numbers = {kind: checked[kind] for kind in ("messages", "others", "memberships")}
    if as_json:
        print(json.dumps({"file": name, "lines": checked.total(), **numbers}))
    else:
        items = f"{count(numbers['messages'], 'message')}, {count(numbers['others'], 'other item')}"
        print(f"{name}: {items}, {count(numbers['memberships'], 'row')} of users' lists, to be skipped")
