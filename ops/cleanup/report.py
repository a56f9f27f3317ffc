"""A clean-up's lists, for people and as JSON."""

import json
from collections.abc import Iterable
from typing import Any

from cli.command_line import Context
from ops.cleanup.plan import Item


def lines(title: str, items: Iterable[Item]) -> list[str]:
    """``title`` and one line for each item; nothing when there is none."""
    rows = [_line(item) for item in items]
    return [f"{title}:", *rows] if rows else []


def as_json(
    context: Context,
    *,
    deleted: Iterable[Item] = (),
    left: Iterable[Item] = (),
    stays: Iterable[Item] = (),
    planned: Iterable[Item] | None = None,
) -> str:
    """One object: where it was, and the lists. ``planned`` only belongs to a dry run."""
    result: dict[str, Any] = {
        "account": context.account,
        "region": context.region,
        "stack": context.stack,
        "deleted": [_object(item) for item in deleted],
        "left": [_object(item) for item in left],
        "stays": [_object(item) for item in stays],
    }
    if planned is not None:
        result["planned"] = [_object(item) for item in planned]
    return json.dumps(result, indent=2)


def _line(item: Item) -> str:
    until = f"until {item.until:%Y-%m-%d %H:%M %Z}" if item.until else ""
    return "  " + "  ".join(part for part in (item.kind, item.id, until, item.reason) if part)


def _object(item: Item) -> dict[str, str]:
    fields = {"kind": item.kind, "id": item.id, "reason": item.reason}
    if item.until:
        fields["until"] = item.until.isoformat()
    return {key: value for key, value in fields.items() if value}
