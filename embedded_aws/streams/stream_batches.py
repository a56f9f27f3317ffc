"""The next step for a batch after an invocation: checkpoint, split, retry or discard. Pure.

Source: guide, services-dynamodb-errors and services-ddb-batchfailurereporting, "Success and failure conditions";
the snapshots test_dynamodb_report_batch_item_failure_scenarios and ..._success_scenarios. That a batch which made
progress starts to count from zero, and that only the failing record is left of a split batch, was observed on AWS:
the snapshot test_dynamodb_report_batch_item_failures (one record fails with 3 retries: 5 deliveries,
approximateInvokeCount 4); splitting happens at 0 retries as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from embedded_aws.replies import Json


@dataclass(frozen=True)
class Rules:
    """How a mapping handles failures; -1 is no limit, as in its API."""

    retries: int
    age_seconds: int
    bisect: bool

    @classmethod
    def of(cls, mapping: Json) -> "Rules":
        """The rules of a mapping, in the form of the API's answer."""
        return cls(
            retries=int(mapping.get("MaximumRetryAttempts", -1)),
            age_seconds=int(mapping.get("MaximumRecordAgeInSeconds", -1)),
            bisect=bool(mapping.get("BisectBatchOnFunctionError", False)),
        )


@dataclass(frozen=True)
class Batch:
    """Records that are sent together, and how often exactly these were sent.

    ``error`` is the functionError of the last time; None when it ended without one.
    """

    records: tuple[Json, ...]
    invocations: int = 0
    error: str | None = None


@dataclass(frozen=True)
class Next:
    """What to send next, in order, and what was given up."""

    batches: tuple[Batch, ...] = ()
    discarded: Batch | None = None


def after(batch: Batch, failed_from: int | None, rules: Rules, error: str | None = None) -> Next:
    """Decide after an invocation with ``batch``, which may have ended with a function error.

    ``failed_from`` is the index of the first failed record; None when all were handled.
    """
    if failed_from is None:
        return Next()
    if failed_from > 0:
        return Next((Batch(batch.records[failed_from:]),))
    if rules.bisect and len(batch.records) > 1:
        return Next(_halves(batch.records))
    sent = Batch(batch.records, batch.invocations + 1, error)
    if 0 <= rules.retries < sent.invocations:
        return Next(discarded=sent)
    return Next((sent,))


def without_expired(batch: Batch, rules: Rules, now: float) -> tuple[Batch | None, Batch | None]:
    """The records too old to be sent, and the others; None where there are none.

    Records are discarded before they are sent, even for the first time: MaximumRecordAgeInSeconds
    is "the maximum age of a record that Lambda sends to a function" (API_CreateEventSourceMapping).
    """
    if rules.age_seconds < 0:
        return None, batch
    ages = [now - arrival(record) for record in batch.records]
    fresh = next((i for i, age in enumerate(ages) if age <= rules.age_seconds), len(ages))
    if fresh == 0:
        return None, batch
    expired = replace(batch, records=batch.records[:fresh])
    return expired, Batch(batch.records[fresh:]) if fresh < len(ages) else None


def arrival(record: Json) -> float:
    """When the record was written, in seconds since 1970."""
    return float(record["dynamodb"]["ApproximateCreationDateTime"])


def sequence_number(record: Json) -> str:
    """The record's place in its stream."""
    return str(record["dynamodb"]["SequenceNumber"])


def _halves(records: tuple[Json, ...]) -> tuple[Batch, Batch]:
    middle = len(records) // 2
    return Batch(records[:middle]), Batch(records[middle:])


REPORTS = "ReportBatchItemFailures"


def failed_from(answer: Any, records: Sequence[Json]) -> int | None:
    """The index of the first record that the answer reports as failed, or None for none.

    An answer of another form, or one that names no record of the batch, is a failure of all: 0.
    """
    if answer is None or answer in ([], {}):
        return None
    if not isinstance(answer, dict):
        return 0
    failures = answer.get("batchItemFailures")
    if failures is None or failures == []:
        return None
    if not isinstance(failures, list):
        return 0
    places = {sequence_number(record): index for index, record in enumerate(records)}
    return min(_place(failure, places) for failure in failures)


def _place(failure: Any, places: dict[str, int]) -> int:
    identifier = failure.get("itemIdentifier") if isinstance(failure, dict) else None
    return places.get(identifier, 0) if isinstance(identifier, str) else 0
