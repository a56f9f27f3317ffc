"""What a table's items were at an earlier time, for tables with point-in-time recovery.

Source: DynamoDB guide, "Point-in-time recovery": any second of the window can be restored. Every
write of the engine passes one of two functions; each of them notes what it replaced.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import ministack.services.dynamodb as engine

from embedded_aws.replies import Json

CHANGES = "Changes"  # on the engine's table record: (when, partition key, sort key, item before)


def install() -> None:
    """Note the changes of tables that keep them."""
    engine._set_item = _noting(engine._set_item)
    engine._remove_item = _noting(engine._remove_item)


def keep(table: Json) -> None:
    """Begin to note the table's changes, unless they are noted already."""
    table.setdefault(CHANGES, [])


def drop(table: Json) -> None:
    """Forget the table's changes and note no more."""
    table.pop(CHANGES, None)


def items_at(table: Json, moment: float) -> Any:
    """The table's items as they were at ``moment``, in the engine's own form."""
    items = {pk: dict(sorted_items) for pk, sorted_items in table["items"].items()}
    for when, pk, sk, before in reversed(table[CHANGES]):
        if when <= moment:
            break
        if before is None:
            items.get(pk, {}).pop(sk, None)
        else:
            items.setdefault(pk, {})[sk] = before
    return defaultdict(dict, {pk: found for pk, found in items.items() if found})


def _noting(write: Callable[..., Any]) -> Callable[..., Any]:
    def noted(table: Json, pk: Any, sk: Any, *item: Any) -> Any:
        before = write(table, pk, sk, *item)
        if CHANGES in table:
            # The engine replaces items and never changes one in place.
            table[CHANGES].append((time.time(), pk, sk, before))
        return before

    return noted
