"""The function that the Distributed Map calls with one batch of a dataset's lines.

Keys follow from the lines, and what is in the table is never overwritten, so a
batch may come twice, or again in a later load.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from seed.apply import WORKERS
from seed.changes import Entry, Key, Outcome, key_of
from seed.dataset_line import line_item
from seed.wire import canonical, from_wire, to_wire
from seed.writer import KEYS_PER_READ, Table

# What is sent was validated here, against more than botocore knows.
_CLIENT = Config(
    retries={"mode": "standard", "total_max_attempts": 10},
    max_pool_connections=WORKERS,
    parameter_validation=False,
)


class DatasetError(Exception):
    """A line is wrong; the text names it. Another try would end the same way."""


def load(event: Mapping[str, Any], _context: object) -> list[int]:
    """Write the items of a batch; how many were written, unchanged and preserved.

    As a list because Step Functions gathers the answers of all batches in one
    output of at most 256 KiB. At 13 bytes each that is enough for 20,000 batches:
    20 million short messages, or 5 GB of long ones. Raises DatasetError before
    anything of the batch is written.
    """
    entries, repeated = batch_entries(event["Items"])
    table = Table(_dynamodb(), event["BatchInput"]["Table"])
    parts = [entries[i : i + KEYS_PER_READ] for i in range(0, len(entries), KEYS_PER_READ)]
    outcomes = Counter({Outcome.UNCHANGED: repeated})
    with ThreadPoolExecutor(WORKERS) as pool:
        for counted in pool.map(lambda part: table.follow(part, expect_nothing=False), parts):
            outcomes.update(counted)
    return [outcomes[o] for o in (Outcome.WRITTEN, Outcome.UNCHANGED, Outcome.EDITED)]


def batch_entries(items: Sequence[Mapping[str, Any]]) -> tuple[list[Entry], int]:
    """What to write of a batch, and how many lines only repeat another one.

    Each of ``items`` has the line's ``Index``, from 0, and its ``Message``.
    Raises DatasetError for a wrong line, and for two that differ under one key.
    """
    found: dict[Key, tuple[int, Entry]] = {}
    repeated = 0
    for line in items:
        number = int(line["Index"]) + 1
        try:
            typed = from_wire(to_wire(line_item(line["Message"])))
        except ValueError as error:
            raise DatasetError(f"line {number}: {error}") from None
        key = key_of(typed)
        first, entry = found.setdefault(key, (number, Entry(key, None, typed)))
        if canonical(entry.new) != canonical(typed):
            raise DatasetError(
                f"line {number}: is another message of the same users and time as line {first}; "
                "give one of them an 'id' of its own"
            )
        repeated += first != number
    return [entry for _, entry in found.values()], repeated


@cache
def _dynamodb() -> Any:
    return boto3.client("dynamodb", config=_CLIENT)
