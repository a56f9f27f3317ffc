"""``put``: write any item of any table, also under a condition."""

import argparse
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from chat.items import Attributes, get, item_line, item_name, key_in, print_done, put_if, put_if_absent
from chat.target import Commands, Target, add_typed, command, standard_input
from cli.errors import OpsError, UsageError
from dynamo import values
from dynamo.table import note_lost_tries, unchanged
from dynamo.values import same, value_text
from model.wire import changed

# The byte order mark, which some editors write before a text.
_MARK = "\ufeff"


def add(commands: Commands) -> None:
    """The command line of ``put``."""
    parser = command(commands, "put", "write an item to any table", writes=True)
    parser.add_argument("item", help="the item: JSON text, a file with it, or - for standard input")
    condition = parser.add_mutually_exclusive_group()
    condition.add_argument("--if-absent", action="store_true", help="write only if no item has the key")
    text = (
        "write only if the stored item equals OLD: JSON text, a file, or -, as `get --json` prints it; with "
        "--typed, as `get --typed` prints it (needed for sets and binary)"
    )
    condition.add_argument("--if-unchanged", metavar="OLD", help=text)
    add_typed(parser)


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Write the item; print its key, or the item."""
    if arguments.item == arguments.if_unchanged == "-":
        raise UsageError("ITEM and OLD cannot both be -; there is one standard input")
    item, old = _read(arguments.item, "ITEM", typed=arguments.typed), arguments.if_unchanged
    if old is not None:
        old = _read(old, "OLD", typed=arguments.typed)
    note_lost_tries(target.client)
    key = key_in(target.table, item)
    if arguments.if_absent:
        put_if_absent(target.table, item, key)
    elif old is not None:
        if not same(key_in(target.table, old), key):
            raise UsageError("ITEM and OLD have different keys; they must be the same item")
        put_if_unchanged(target.table, item, old, typed=arguments.typed)
    else:
        target.table.put_item(Item=item)
    return print_done("put", item_line(list(key), key), item, arguments)


def put_if_unchanged(table: Any, item: Attributes, old: Attributes, *, typed: bool = False) -> None:
    """Write ``item`` while the item stored under its key is exactly ``old``; else OpsError.

    Equal means the same JSON, in which a set is a list and binary is text, or with ``typed`` also the same types. A set
    or binary that stays in the item is refused without ``typed``, since plain JSON would change its type. Compares what
    a consistent reading returns; DynamoDB writes only while all of its attributes still have these values.
    """
    key = key_in(table, item)
    now = get(table, key)
    plain = now if typed else json.loads(values.text(now), parse_int=Decimal, parse_float=Decimal)
    name, nothing = item_name(table, key), "nothing written; compare it with `get`"
    if found := changed(values.typed(plain), values.typed(old)):
        raise OpsError(f"{name} differs from OLD in {value_text(found)}; {nothing}")
    if kept := [one for one in changed(values.typed(plain), values.typed(now)) if one in item]:
        raise OpsError(
            f"{name} has sets or binary, which plain JSON cannot express, in {value_text(kept)}; nothing written; "
            "pass ITEM and OLD as printed by `get --typed`, with --typed"
        )
    if not put_if(table, item, **unchanged(now, item)):
        raise OpsError(f"{name} was changed during the write; {nothing}")


def _read(given: str, name: str, *, typed: bool) -> Attributes:
    """The item that ``given`` is or names. Raises UsageError."""
    text = given.removeprefix(_MARK)
    if not text.strip():
        raise UsageError(f"{name} is empty; pass an item as JSON text, a file, or -")
    try:
        if text == "-":
            text = standard_input()
        elif not text.lstrip().startswith(("{", "[", '"')):
            text = Path(text).read_text(encoding="utf-8-sig")
        return values.parse(text, is_typed=typed)
    except UnicodeDecodeError:
        raise UsageError(f"{name}: {given} is not UTF-8 text; save it as UTF-8") from None
    except ValueError as error:
        raise UsageError(f"{name}: {error}") from None
