"""Refuse an ExclusiveStartKey with which no page of the request can have ended.

The engine refuses a key with too few attributes only, and otherwise begins somewhere. Sources, which quote AWS:
floci-io/floci, pull requests 1443 (other attributes than the keys) and 3389 (another partition); scylladb/scylladb,
pull request 9270 (another segment).
"""

import ministack.services.dynamodb as engine

from embedded_aws.dynamodb.pages import partition
from embedded_aws.dynamodb.sorted_keys import segment_of
from embedded_aws.replies import ApiError, Handler, Json, Reply

_INVALID = "The provided starting key is invalid"
_OTHER_KEYS = f"{_INVALID}: The provided key element does not match the schema"
_OUTSIDE = "The provided starting key is outside query boundaries based on provided conditions"


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
