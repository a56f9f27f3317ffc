"""``put``: write any item of any table, also under a condition."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from boto3.dynamodb.types import Binary

from chat.items import Attributes, checked_key, held, item_line, key_text, missing, print_done, refusal, stored
from chat.target import Commands, Target, add_typed, command, standard_input
from cli.errors import OpsError, UsageError
from dynamo import values
from dynamo.table import note_lost_tries, was_lost
from dynamo.values import item_bytes, same, value_text
from model.messages import ITEM_BYTES

# The byte order mark, which some editors write before a text.
_MARK = "\ufeff"
_MOST_DIFFERENCES, _SHOWN = 3, 60


def add(commands: Commands) -> None:
    """The command line of ``put``."""
    parser = command(commands, "put", "write an item of any table", writes=True)
    parser.add_argument("item", help="the item: JSON text, a file with it, or - for standard input")
    condition = parser.add_mutually_exclusive_group()
    condition.add_argument("--if-absent", action="store_true", help="only if no item has its key")
    condition.add_argument(
        "--if-unchanged",
        metavar="OLD",
        help="only if the stored item is exactly this one: JSON text, a "
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
    note_lost_tries(target.client)
    key = checked_key(target.table, item)
    if (size := item_bytes(values.typed(item))) > ITEM_BYTES:
        raise UsageError(f"ITEM has {size} bytes; DynamoDB allows {ITEM_BYTES}")
    if arguments.if_absent:
        put_if_absent(target.table, item)
    elif old is not None:
        if not same(checked_key(target.table, old), key):
            raise UsageError("ITEM and OLD have different keys; they must be the same item")
        put_if_unchanged(target.table, item, old, typed=arguments.typed)
    else:
        target.table.put_item(Item=item)
    return print_done("put", item_line(list(key), key), item, arguments)


def put_if_absent(table: Any, item: Attributes) -> None:
    """Write ``item`` unless there is one under its key: then OpsError."""
    key = checked_key(table, item)
    error = refusal(table, item, "attribute_not_exists(#0)", {"#0": next(iter(key))}, {})
    if error and not (was_lost(error) and same(held(table, key, error), item)):
        raise OpsError(f"table {table.name} already has an item with the key {key_text(key)}; nothing written")


def put_if_unchanged(table: Any, item: Attributes, old: Attributes, *, typed: bool = False) -> None:
    """Write ``item`` while the item stored under its key is exactly ``old``; else OpsError.

    Equal means the same JSON, or with ``typed`` also the same types. A set or binary that stays in the item is
    refused without ``typed``, since plain JSON would change its type. Compares what a consistent reading
    returns; DynamoDB writes only while all of its attributes still have these values. It cannot be told to look
    for attributes with other names, which another writer could add in between.
    """
    key = checked_key(table, item)
    now = stored(table, key)
    if now is None:
        raise missing(table, key)
    if found := _differences(now, old, exact=typed):
        raise _changed(table, key, found)
    if not typed:
        _check_types(table, key, now, item)
    if error := refusal(table, item, *_unchanged(now, item)):
        now = held(table, key, error)
        if not (was_lost(error) and same(now, item)):
            raise _changed(table, key, _differences(now or {}, old, exact=typed))


def _read(given: str, name: str, *, is_typed: bool) -> Attributes:
    """The item that ``given`` is or names. Raises UsageError."""
    given = given.removeprefix(_MARK)
    if not given.strip():
        raise UsageError(f"{name} is empty; pass an item as JSON text, a file, or -")
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


def _check_types(table: Any, key: Attributes, now: Attributes, item: Attributes) -> None:
    """Raise OpsError for an attribute that stays and whose value plain JSON cannot spell."""
    for name in sorted(item.keys() & now.keys()):
        if found := _beyond_json(now[name]):
            contains = "contains" if isinstance(now[name], dict | list) else "is"
            raise OpsError(
                f"{value_text(name)[1:-1]} of item {key_text(key)} of table {table.name} "
                f"{contains} {found}; nothing written; pass ITEM and OLD as "
                "printed by `get --typed`, with --typed"
            )


def _unchanged(now: Attributes, item: Attributes) -> tuple[str, dict[str, str], Attributes]:
    """The condition that the stored item still is as it is ``now``, and its names and values."""
    equal = {f"#{n}": name for n, name in enumerate(now)}
    absent = {f"#new{n}": name for n, name in enumerate(item.keys() - now.keys())}
    condition = " AND ".join(
        [f"{place} = :{place[1:]}" for place in equal] + [f"attribute_not_exists({place})" for place in absent]
    )
    return condition, equal | absent, {f":{place[1:]}": now[name] for place, name in equal.items()}


def _changed(table: Any, key: Attributes, found: list[str]) -> OpsError:
    found = found or ["it was changed and changed back during the write"]
    listed = "; ".join(found[:_MOST_DIFFERENCES]) + ("; ..." if len(found) > _MOST_DIFFERENCES else "")
    return OpsError(f"item {key_text(key)} of table {table.name} is not as in OLD: {listed}; nothing written")


def _differences(stored: Mapping[str, Any], old: Mapping[str, Any], *, exact: bool = False) -> list[str]:
    """How ``stored`` differs from ``old``, one text for each attribute.

    Values are equal when they are the same JSON, in which a set is a list and
    binary is text; ``exact`` when their types are the same, too.
    """
    found = []
    for name in sorted(stored.keys() | old.keys()):
        left, right = ({name: item[name]} if name in item else None for item in (stored, old))
        if not (same(left, right) if exact else _compared_text(left) == _compared_text(right)):
            is_ = _compared_text(left, exact=exact) or "not there"
            was = _compared_text(right, exact=exact) or "no such attribute"
            found.append(f"{value_text(name)[1:-1]} is {_short(is_)}, OLD has {_short(was)}")
    return found


def _beyond_json(value: Any) -> str | None:
    """The part of a value that plain JSON cannot express, and its form there; else None."""
    if isinstance(value, set | frozenset):
        return "a set, which plain JSON makes a list"
    if isinstance(value, Binary | bytes | bytearray):
        return "binary, which plain JSON makes text"
    members = value.values() if isinstance(value, Mapping) else value
    if isinstance(value, Mapping | list):
        return next(filter(None, map(_beyond_json, members)), None)
    return None


def _compared_text(attribute: Mapping[str, Any] | None, *, exact: bool = False) -> str:
    """The value of the one attribute; ``exact`` as typed JSON; empty for no attribute."""
    if attribute is None:
        return ""
    (value,) = (values.typed(attribute) if exact else attribute).values()
    return value_text(value)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
