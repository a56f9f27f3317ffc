"""Requests that are refused, and their texts, where the engine answers otherwise than AWS.

Sources: github.com/paritysuite/dynamodb-conformance, captures/2026-10-07-batch-empty-request-items.json
(BatchWriteItem) and registry/splits.json (update-item-validation-error-aggregation). An ExclusiveStartKey with which no
page of the request can have ended, where the engine refuses one with too few attributes only: floci-io/floci, pull
requests 1443 (other attributes than the keys) and 3389 (another partition); scylladb/scylladb, pull request 9270
(another segment).
"""

from collections.abc import Callable, Set
from typing import Any

import ministack.services.dynamodb as engine
from ministack.core.responses import get_region

from embedded_aws.dynamodb.pages import partition
from embedded_aws.dynamodb.sorted_keys import segment_of
from embedded_aws.replies import ApiError, Handler, Json, Reply

# AWS is moving its regions to new texts; for an empty BatchWriteItem these had moved by 2026-10-07.
_MOVED_REGIONS = frozenset(("ap-east-2", "ap-southeast-1", "eu-central-1", "eu-north-1", "eu-west-2"))
# AWS leaves out the value and the member, and writes UPDATE_NEW for UPDATED_NEW.
_INVALID_RETURN_VALUES = (
    "1 validation error detected: Failed to satisfy constraint: "
    "Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
)
_INVALID = "The provided starting key is invalid"
_OTHER_KEYS = f"{_INVALID}: The provided key element does not match the schema"
_OUTSIDE = "The provided starting key is outside query boundaries based on provided conditions"


def batch_write_item(original: Handler, data: Json) -> Reply:
    """BatchWriteItem."""
    if data.get("RequestItems") == {} and get_region() not in _MOVED_REGIONS:
        raise ApiError("ValidationException", "The requestItems parameter is required for BatchWriteItem")
    return original(data)


def check_enums(
    original: Callable[..., Any], data: Json, return_values: Set[str] | None, first_only: bool = False
) -> Reply | None:
    """The error for the first invalid enum, or None; ``first_only`` for UpdateItem, which names no other."""
    given = data.get("ReturnValues")
    invalid = given is not None and return_values is not None and given not in return_values
    if first_only and invalid and not engine._older_validation_region():
        return ApiError("ValidationException", _INVALID_RETURN_VALUES).reply()
    refusal: Reply | None = original(data, return_values, first_only)
    return refusal


def query(original: Handler, data: Json) -> Reply:
    """Query, whose start key must be one with which a page can have ended."""
    reply = original(data)
    start = data.get("ExclusiveStartKey")
    if start and reply[0] == 200:  # the engine's own refusals come first
        table = engine._tables[engine._normalize_table_name(data["TableName"])]
        hashes = _check_schema(table, data, _INVALID)
        if len(hashes) == 1 and engine._extract_key_val(start[hashes[0]]) != partition(data, hashes[0]):
            raise ApiError("ValidationException", _OUTSIDE)
    return reply


def scan(original: Handler, data: Json) -> Reply:
    """Scan, whose start key must be one with which a page can have ended."""
    reply = original(data)
    start, total = data.get("ExclusiveStartKey"), data.get("TotalSegments")
    if start and reply[0] == 200:
        table = engine._tables[engine._normalize_table_name(data["TableName"])]
        hashes = _check_schema(table, data, _OTHER_KEYS)
        if total and segment_of(start[hashes[0]], int(total)) != int(data["Segment"]):
            text = "Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment."
            place = f"TotalSegments: {total} Segment: {data['Segment']}"
            raise ApiError("ValidationException", f"{_INVALID}: {text} {place}")
    return reply


def _check_schema(table: Json, data: Json, text: str) -> list[str]:
    """Raise ApiError unless the start key has exactly the keys of what is read; return its partition keys."""
    own = [name for name in (table["pk_name"], table["sk_name"]) if name]
    hashes, ranges = [table["pk_name"]], []
    if data.get("IndexName"):
        hashes, ranges = engine._index_key_lists(engine._index_def(table, data["IndexName"]))
    start = data["ExclusiveStartKey"]
    types = {name: {engine._get_attr_type(table, name)} for name in (*own, *hashes, *ranges)}
    if {name: set(value) for name, value in start.items()} != types:
        raise ApiError("ValidationException", text)
    return list(hashes)
