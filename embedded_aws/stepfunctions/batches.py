"""The batches that a Distributed Map's ItemBatcher makes. Pure.

Source: Guide, "ItemBatcher (Map)": the input of a child execution is an object with ``Items`` and,
where the state has one, ``BatchInput``; a batch ends at either limit, and a lone item above the
byte limit fails the state.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from embedded_aws.replies import Json

MAX_BYTES = 262_144


def batched(items: Sequence[Any], batcher: Json, batch_input: Json | None) -> Iterator[Json]:
    """The children's inputs. Raises ValueError for an item that fits no batch."""
    most = int(batcher.get("MaxItemsPerBatch") or len(items) or 1)
    room = min(int(batcher.get("MaxInputBytesPerBatch") or MAX_BYTES), MAX_BYTES)
    envelope: Json = {} if batch_input is None else {"BatchInput": batch_input}
    empty = _size(envelope | {"Items": []})
    batch: list[Any] = []
    size = empty
    for item in items:
        more = _size(item) + 1
        if empty + more > room:
            raise ValueError(f"an item of {more} bytes does not fit a batch of {room}")
        if batch and (len(batch) == most or size + more > room):
            yield envelope | {"Items": batch}
            batch, size = [], empty
        batch.append(item)
        size += more
    if batch:
        yield envelope | {"Items": batch}


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
