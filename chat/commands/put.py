"""``put``: write any item of any table, also under a condition."""

import argparse
from pathlib import Path
from typing import Any

from chat import items, keys, show
from chat.options import Commands, add_typed, command, standard_input
from chat.target import Target
from cli import output
from cli.errors import UsageError
from dynamo import values
from dynamo.values import item_bytes, same
from model.messages import ITEM_BYTES

# The byte order mark, which some editors write before a text.
_MARK = "\ufeff"


def add(commands: Commands) -> None:
    """The command line of ``put``."""
    parser = command(commands, "put", "write an item of any table", writes=True)
    parser.add_argument("item", help="the item: JSON text, a file of it, or - for standard input")
    condition = parser.add_mutually_exclusive_group()
    condition.add_argument("--if-absent", action="store_true", help="only while there is no item with its key")
    condition.add_argument(
        "--if-unchanged",
        metavar="OLD",
        help="only while the stored item is exactly this one: JSON text, a "
        "file, or -, as `get --json` prints it, or with --typed "
        "`get --typed`, which an item with sets or binary needs",
    )
    add_typed(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Write the item; print its key, or the item."""
    if arguments.item == arguments.if_unchanged == "-":
        raise UsageError("ITEM and OLD cannot both be -; there is one standard input")
    item = _read(arguments.item, "ITEM", is_typed=arguments.typed)
    old = arguments.if_unchanged
    if old is not None:
        old = _read(old, "OLD", is_typed=arguments.typed)
    key = keys.checked_key(target.table, item)
    if (size := item_bytes(values.typed(item))) > ITEM_BYTES:
        raise UsageError(f"ITEM has {size} bytes; DynamoDB allows {ITEM_BYTES}")
    if arguments.if_absent:
        items.put_if_absent(target.table, item)
    elif old is not None:
        if not same(keys.checked_key(target.table, old), key):
            raise UsageError("ITEM and OLD have different keys; they must be the same item")
        items.put_if_unchanged(target.table, item, old, typed=arguments.typed)
    else:
        items.put(target.table, item)
    name = show.item_line(list(key), key)
    with output.after(f"put {name}"):
        if arguments.typed:
            output.document(values.typed(item))
        elif arguments.json:
            output.document(item)
        else:
            output.lines([name])
    return 0


def _read(given: str, name: str, *, is_typed: bool) -> dict[str, Any]:
    """The item that ``given`` is or names. Raises UsageError for what is none."""
    given = given.removeprefix(_MARK)
    if not given.strip():
        raise UsageError(f"{name} is empty; give an item as JSON, a file of it, or -")
    if given == "-":
        text = standard_input()
    elif given.lstrip().startswith(("{", "[", '"')):
        text = given
    else:
        try:
            text = Path(given).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise UsageError(f"{name}: {given} is not UTF-8 text; save it as UTF-8") from None
    try:
        return values.parse(text, is_typed=is_typed)
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from None
