"""Every mapping reads its stream in a thread of its own, one batch after the other.

The engine invokes all functions of all streams from one thread: a slow one held up the others, and whatever else
reads queues and streams. Order within a shard is kept, because a mapping sends its next batch when it has finished
with the last one (guide, services-dynamodb-eventsourcemapping, "Polling and batching streams").
"""

import time
from collections import deque
from typing import Any

import ministack.services.lambda_svc as engine
from ministack.core.responses import request_scope

from embedded_aws.replies import Json
from embedded_aws.settings import CURRENT
from embedded_aws.streams import failure_records, mappings, reading, states
from embedded_aws.streams.filters import passing
from embedded_aws.streams.mappings import of_stream
from embedded_aws.streams.stream_batches import (
    REPORTS,
    Batch,
    Rules,
    after,
    failed_from,
    sequence_number,
    without_expired,
)

# How often a mapping looks for more records within its batching window.
_LOOK_SECONDS = 0.05


def poll() -> bool:
    """Start a thread for every mapping that has records to send and no thread; whether one was started."""
    started = False
    for account, region, mapping in engine._iter_all_esms():
        with request_scope(account, region):
            running = engine._esm_inflight.get(mapping["UUID"])
            if of_stream(mapping) and not running and _has_work(mapping):
                engine._dispatch_esm_batch(mapping["UUID"], _work_off, mapping)
                started = True
    return started


def _active(mapping: Json) -> bool:
    """Whether the mapping exists and is read, and its function exists."""
    function, _ = _function(mapping)
    there = engine._esms.get(mapping["UUID"]) is mapping
    return there and states.read(mapping) and function is not None


def _has_work(mapping: Json) -> bool:
    stream = mapping["EventSourceArn"]
    if not _active(mapping) or not reading.records(stream, reading.checkpoint(mapping), 1):
        return False
    if mappings.may_read(_function(mapping)[1].get("Role", ""), stream):
        return True
    mapping["LastProcessingResult"] = f"PROBLEM: {mappings.reading_refusal(stream)}"
    return False


def _work_off(mapping: Json) -> None:
    """Send batches until the stream has no more records; the checkpoint follows each step."""
    try:
        while _has_work(mapping):
            _send_next(mapping)
    except Exception:
        # The poller starts the next thread immediately.
        time.sleep(CURRENT.stream_retry_seconds)
        raise


def _send_next(mapping: Json) -> None:
    position = reading.checkpoint(mapping)
    found = _gather(mapping, position)
    positions = {sequence_number(record): position + i for i, record in enumerate(found)}
    records = tuple(passing(found, mapping))
    pending = deque([Batch(records)] if records else [])
    while pending and _active(mapping):
        pending.extendleft(reversed(_send(mapping, pending.popleft())))
        if pending:
            reading.advance(mapping, positions[sequence_number(pending[0].records[0])])
    if not pending:
        reading.advance(mapping, position + len(found))


def _gather(mapping: Json, position: int) -> list[Json]:
    """The records of a batch: as many as it holds, or came until its window closed."""
    size = int(mapping["BatchSize"])
    closing = time.monotonic() + float(mapping.get("MaximumBatchingWindowInSeconds") or 0)
    while True:
        found = reading.records(mapping["EventSourceArn"], position, size)
        if len(found) == size or time.monotonic() >= closing or not _active(mapping):
            return found
        time.sleep(_LOOK_SECONDS)


def _send(mapping: Json, batch: Batch) -> tuple[Batch, ...]:
    """Invoke the function with the records that are not too old; the batches to send next."""
    rules = Rules.of(mapping)
    now = time.time() + CURRENT.stream_records_older_seconds
    expired, fresh = without_expired(batch, rules, now)
    function, config = _function(mapping)
    if expired:
        failure_records.send(mapping, config, expired, failure_records.AGE_EXCEEDED)
    if fresh is None:
        return ()
    answer: Json = engine._execute_function(function, {"Records": list(fresh.records)}) if function else {}
    if function is None or answer.get("throttle"):
        # It was not invoked, and so did not fail: retried until the records are too old.
        time.sleep(CURRENT.stream_retry_seconds)
        return (fresh,)
    failed, error = _failure(mapping, answer, fresh)
    mapping["LastProcessingResult"] = "OK" if error is None else "PROBLEM: Function call failed"
    outcome = after(fresh, failed, rules, error)
    if outcome.discarded:
        failure_records.send(mapping, config, outcome.discarded, failure_records.RETRIES_EXHAUSTED)
    elif failed == 0:
        time.sleep(CURRENT.stream_retry_seconds)
    return outcome.batches


def _failure(mapping: Json, answer: Json, batch: Batch) -> tuple[int | None, str | None]:
    """Where the batch failed, and the function's error if it ended with one."""
    if answer.get("error"):
        return 0, answer.get("function_error") or "Unhandled"
    if REPORTS not in (mapping.get("FunctionResponseTypes") or []):
        return None, None
    return failed_from(answer.get("body"), batch.records), None


def _function(mapping: Json) -> tuple[Any, Json]:
    """The mapping's function, None when it is gone, and its configuration."""
    function, config = engine._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
    return function, config or {}
