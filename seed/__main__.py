"""``python -m seed``: what a seed would write, without AWS."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from cli import output
from cli.command_line import Parser, status_of
from cli.errors import OpsError
from cli.output import count
from dynamo import values
from dynamo.writer import WRITES_PER_TRANSACTION
from model.dataset import SUFFIXES, item_of
from model.messages import RESERVED, Item, item_bytes
from model.wire import to_wire
from seed.dataset_file import read_items
from seed.document import MOST_BYTES, SeedError
from seed.templates import load_items

_FIELDS = {"from": "FromUser", "to": "ToUser", "body": "Body", "at": "SentAt", "id": "MessageId"}
# One unit writes up to 1 KB; in a transaction it takes two
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html).
_UNIT_BYTES = 1024
# On demand, us-west-2, read 2026-09-06 from the public price list.
DOLLARS_PER_UNIT = 0.625 / 1_000_000


def main(argv: list[str] | None = None) -> int:
    """Render and validate a seed; exit status 0 valid, 1 not, 2 wrong usage."""
    parser = Parser(
        prog="python -m seed", description="Render and validate a seed, and print what it costs to write. Needs no AWS."
    )
    parser.add_argument(
        "file",
        type=Path,
        nargs="?",
        default=Path(__file__).parent / "messages.yaml",
        help="messages.yaml (default), or a dataset: one JSON message a line, named *.jsonl or *.jsonl.gz",
    )
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--check", action="store_true", help="print only the summary")
    shown.add_argument("--json", action="store_true", help="print the items as JSON, one per line")
    shown.add_argument("--dataset", action="store_true", help="print the messages in the dataset format, one per line")
    arguments = parser.parse_args(argv)
    output.prepare()
    return status_of(lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    file = arguments.file
    try:
        # A file too large for a seed can still be turned into a dataset.
        most = None if arguments.dataset else MOST_BYTES
        items = read_items(file) if file.name.endswith(SUFFIXES) else load_items(file, most=most)
        if arguments.check:
            print(_summary(file, items))
        elif arguments.json:
            output.json_lines(map(to_wire, items))
        elif arguments.dataset:
            output.lines(_dataset_lines(file, items))
        else:
            print(_summary(file, map(_printed, items)), file=sys.stderr)
    except SeedError as error:
        raise OpsError(str(error)) from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt("nothing was written to any table") from None
    return 0


def _dataset_lines(file: Path, items: Iterable[Item]) -> Iterator[str]:
    """The lines of a dataset that give the items again. Raises SeedError for what a dataset cannot hold."""
    for number, item in enumerate(items, 1):
        attributes = {name: value for name, value in item.items() if name not in RESERVED}
        line = {key: item[name] for key, name in _FIELDS.items()}
        text = values.text(line | ({"attributes": attributes} if attributes else {}))
        try:
            item_of(text.encode())
        except ValueError as error:
            raise SeedError(f"{file}: message {number} cannot be a line of a dataset: {error}") from None
        yield text


def _printed(item: Item) -> Item:
    sender, recipient, body = (output.safe(item[name]) for name in ("FromUser", "ToUser", "Body"))
    print(f"{item['SentAt']}  {sender} → {recipient}: {body}")
    return item


def _summary(file: Path, items: Iterable[Item]) -> str:
    """How many messages there are, and what writing them takes; only conversations' ids are kept in memory."""
    messages = size = units = 0
    conversations = set()
    for item in items:
        one = item_bytes(item)
        messages, size, units = messages + 1, size + one, units + -(-one // _UNIT_BYTES)
        conversations.add(item["ConversationId"])
    if messages <= WRITES_PER_TRANSACTION:
        units *= 2
    return (
        f"{file}: {count(messages, 'message')} in {count(len(conversations), 'conversation')}, "
        f"{count(size, 'byte')}; {count(units, 'write unit')} into an empty table, "
        f"${units * DOLLARS_PER_UNIT:.6f} on demand"
    )


if __name__ == "__main__":
    sys.exit(main())
