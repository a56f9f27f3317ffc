"""A table's stream: switched on and off as on AWS, and records of every kind of write.

Sources: API_UpdateTable ("You receive a ValidationException if you try to enable a stream on a
table that already has a stream"); its texts from terraform-provider-aws#18402 and
aws-controllers-k8s/community#2782; API_streams_StreamRecord (SizeBytes).
"""

import contextvars
from collections.abc import Callable
from typing import Any

import ministack.services.dynamodb as engine

from embedded_aws.dynamodb.recovery import table_name
from embedded_aws.replies import ApiError, Handler, Json, Reply

# Whether the write under way is of a PartiQL statement, for which the engine writes no record.
_PARTIQL: contextvars.ContextVar[bool] = contextvars.ContextVar("partiql", default=False)
# The changes of the transaction of statements under way, which may still be cancelled; None outside of one.
_HELD: contextvars.ContextVar[list[tuple[Any, ...]] | None] = contextvars.ContextVar("held", default=None)


def update_table(original: Handler, data: Json) -> Reply:
    """UpdateTable, which switches a stream on and off only once."""
    name = table_name(data)
    table, wanted = engine._tables.get(name), data.get("StreamSpecification")
    if table is None or wanted is None:
        return original(data)
    has_stream = bool((table.get("StreamSpecification") or {}).get("StreamEnabled"))
    if wanted.get("StreamEnabled") and has_stream:
        raise ApiError("ValidationException", f"Table already has an enabled stream: TableName: {name}")
    if not wanted.get("StreamEnabled") and not has_stream:
        raise ApiError("ValidationException", f"Table has no stream to disable: TableName: {name}")
    return original(data)


def build_record(build: Callable[..., Json], *arguments: Any) -> Json:
    """Set the size of a record: keys and images, with the names of their attributes; give id and time AWS's form.

    Source of the latter: Lambda guide, with-ddb-example, and LocalStack's tests on AWS, which get a time like 1.0.
    """
    record = build(*arguments)
    change = record["dynamodb"]
    record["eventID"] = record["eventID"].replace("-", "")
    change["ApproximateCreationDateTime"] = float(change["ApproximateCreationDateTime"])
    parts = [change.get(part) or {} for part in ("Keys", "NewImage", "OldImage")]
    change["SizeBytes"] = sum(engine._item_size_bytes(part) for part in parts)
    return record


def run_statement(statement: Callable[..., Reply], *arguments: Any) -> Reply:
    """Run a PartiQL statement whose writes are to be in the stream."""
    token = _PARTIQL.set(True)
    try:
        return statement(*arguments)
    finally:
        _PARTIQL.reset(token)


def execute_transaction(original: Handler, data: Json) -> Reply:
    """Emit what the transaction changed once it is not cancelled."""
    changes: list[tuple[Any, ...]] = []
    token = _HELD.set(changes)
    try:
        reply = original(data)
    finally:
        _HELD.reset(token)
    if reply[0] == 200:
        for change in changes:
            engine._emit_stream_event(*change)
    return reply


def write_item(write: Callable[..., Any], table: Json, pk: Any, sk: Any, *item: Any) -> Any:
    """Write an item, or remove it if none is given; write the record that the engine leaves out."""
    before = write(table, pk, sk, *item)
    if _PARTIQL.get() and (item or before):
        kind = "REMOVE" if not item else "MODIFY" if before else "INSERT"
        change = (table["TableName"], kind, before, *(item or (None,)))
        held = _HELD.get()
        if held is None:
            engine._emit_stream_event(*change)
        else:
            held.append(change)
    return before
