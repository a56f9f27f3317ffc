"""Capacity units of writes and reads, by the rules of DynamoDB's documentation. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from model.messages import item_bytes

_WRITE_BYTES, _READ_BYTES = 1024, 4096
# An item before or after a write; None where there is none.
Image = Mapping[str, Any] | None


def write_units(before: Image, after: Image) -> int:
    """What a write costs the table: by the larger of both images, and never nothing.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """
    return max(_units(before), _units(after), 1)


def index_units(before: Image, after: Image, keys: Sequence[str]) -> int:
    """What a write costs an index with these keys, which holds the attributes of the images.

    Source, rule by rule:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
    """
    old, new = (image if image and all(key in image for key in keys) else None for image in (before, after))
    if old == new:
        return 0
    if old and new and all(old[key] == new[key] for key in keys):
        return max(_units(old), _units(new))
    return _units(old) + _units(new)  # the old entry is deleted, the new one is put


def read_units(total: float, *, consistent: bool) -> float:
    """What reading ``total`` bytes in one query costs, which is never nothing.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
    """
    return max(1, -(-total // _READ_BYTES)) * (1 if consistent else 0.5)


def _units(image: Image) -> int:
    return -(-item_bytes(dict(image)) // _WRITE_BYTES) if image else 0
