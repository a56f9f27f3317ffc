"""The function that the Distributed Map calls with one batch of a dataset's lines; a batch may come twice."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import boto3

from dynamo.changes import Outcome, SeedEntry
from dynamo.writer import CLIENT, Table, in_parts
from model.dataset import DatasetError, line_item, repeated
from model.messages import Key, key_of
from model.wire import from_wire, to_wire


def load(event: Mapping[str, Any], _context: object) -> list[int]:
    """Write the items of a batch; how many were written, unchanged and preserved.

    As a list because Step Functions gathers the results of all batches in one output of at most 256 KiB, enough for
    20,000 batches: 20 million short messages. Raises DatasetError before anything of the batch is written.
    """
    entries = batch_entries(event["Items"])
    outcomes = in_parts(entries, Table(_dynamodb(), event["BatchInput"]["Table"]).follow)
    return [outcomes[o] for o in (Outcome.WRITTEN, Outcome.UNCHANGED, Outcome.EDITED)]


def batch_entries(items: Sequence[Mapping[str, Any]]) -> list[SeedEntry]:
    """The entries of a batch: of each line the ``Index``, from 0, and the ``Message``. Raises DatasetError."""
    found: dict[Key, tuple[int, SeedEntry]] = {}
    for line in items:
        number = int(line["Index"]) + 1
        try:
            typed = from_wire(to_wire(line_item(line["Message"])))
        except ValueError as error:
            raise DatasetError(error, number) from None
        key = key_of(typed)
        if key in found:
            # The dataset was checked, but an object in S3 may have changed since.
            raise repeated(number, found[key][0])
        found[key] = (number, SeedEntry(key, None, typed))
    return [entry for _, entry in found.values()]


@cache
def _dynamodb() -> Any:
    return boto3.client("dynamodb", config=CLIENT)
