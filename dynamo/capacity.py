"""What DynamoDB counts: the read and write units of all requests of a client."""

import threading
from typing import Any

_READS = frozenset({"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"})


class Capacity:
    """The units that every watched client consumed, from all threads.

    Of an answer that is an error DynamoDB tells no units, though a condition
    that does not hold costs the write it prevented.
    """

    def __init__(self) -> None:
        self.read = self.write = 0.0
        self._lock = threading.Lock()

    def watch(self, client: Any) -> None:
        """Have ``client``, or a boto3 resource's, ask for the units of each request; sum them."""
        client.meta.events.register("before-parameter-build.dynamodb", _ask)
        client.meta.events.register("after-call.dynamodb", self._add)

    def __str__(self) -> str:
        return f"consumed capacity: {self.read:g} read units, {self.write:g} write units"

    def _add(self, parsed: dict[str, Any], model: Any, **_: object) -> None:
        consumed = parsed.get("ConsumedCapacity") or []
        # Requests for several items answer with one entry for each table.
        entries = consumed if isinstance(consumed, list) else [consumed]
        units = sum(float(entry.get("CapacityUnits", 0)) for entry in entries)
        with self._lock:
            if model.name in _READS:
                self.read += units
            else:
                self.write += units


def _ask(params: dict[str, Any], model: Any, **_: object) -> None:
    if "ReturnConsumedCapacity" in model.input_shape.members:
        params.setdefault("ReturnConsumedCapacity", "TOTAL")
