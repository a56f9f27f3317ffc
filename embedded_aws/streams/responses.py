"""What a function's answer says of its batch, when it reports batch item failures. Pure.

Source: guide, services-ddb-batchfailurereporting, "Success and failure conditions"; the snapshots
test_dynamodb_report_batch_item_failure_scenarios and ..._success_scenarios.
"""

from collections.abc import Sequence
from typing import Any

from embedded_aws.replies import Json
from embedded_aws.streams.batches import sequence_number

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
