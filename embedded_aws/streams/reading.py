"""The records that a mapping reads from its stream, and its checkpoint.

A stream that was switched off, or whose table is deleted, stays readable for 24 hours (DynamoDB
guide, "Data retention limit for DynamoDB Streams"); the engine's mappings lose it immediately.
"""

from typing import Any

import ministack.services.dynamodb as dynamodb
import ministack.services.lambda_svc as engine

from embedded_aws.replies import Json


def exists(stream: str) -> bool:
    """Whether there is a stream of this ARN, on a table or closed."""
    return _table_of(stream) is not None or dynamodb.closed_stream(stream) is not None


def start(mapping: Json) -> None:
    """Set the checkpoint of a new mapping to its StartingPosition."""
    oldest, end = _extent(mapping["EventSourceArn"])
    advance(mapping, oldest if mapping["StartingPosition"] == "TRIM_HORIZON" else end)


def checkpoint(mapping: Json) -> int:
    """The position of the first record that the mapping has not finished with."""
    oldest, _ = _extent(mapping["EventSourceArn"])
    reached: int = engine._dynamodb_stream_positions.get(mapping["UUID"], oldest)
    return max(oldest, reached)


def advance(mapping: Json, position: int) -> None:
    """Set the mapping's checkpoint, unless it was deleted since."""
    with engine._dynamodb_stream_positions_lock:
        if mapping["UUID"] in engine._esms:
            engine._dynamodb_stream_positions[mapping["UUID"]] = position


def records(stream: str, position: int, limit: int) -> list[Json]:
    """Up to ``limit`` records from ``position`` on."""
    if table := _table_of(stream):
        return list(dynamodb.stream_records_since(table["TableName"], position, limit))
    closed: Any = dynamodb.closed_stream(stream) or {"records": [], "trimmed": 0}
    offset = max(0, position - closed["trimmed"])
    return list(closed["records"][offset : offset + limit])


def _extent(stream: str) -> tuple[int, int]:
    """The positions of the oldest record and after the newest one."""
    if table := _table_of(stream):
        name = table["TableName"]
        return dynamodb.stream_start_position(name), dynamodb.stream_end_position(name)
    closed: Any = dynamodb.closed_stream(stream) or {"records": [], "trimmed": 0}
    return closed["trimmed"], closed["trimmed"] + len(closed["records"])


def _table_of(stream: str) -> Json | None:
    """The table whose stream this is, while it is switched on."""
    table: Json | None = dynamodb._tables.get(stream.split("/stream/")[0].rsplit("/", 1)[-1])
    if table is None or table.get("LatestStreamArn") != stream:
        return None
    return table if (table.get("StreamSpecification") or {}).get("StreamEnabled") else None
