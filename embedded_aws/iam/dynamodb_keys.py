"""The condition keys of a request for items: partition keys, attributes, and what the request asks to be returned.

Source: DynamoDB Developer Guide, "Using IAM policy conditions for fine-grained access control". Attributes are all
those that the request names, also in its keys and conditions. A request that names no partition key, such as a Scan,
has no dynamodb:LeadingKeys: "The list of actions does not include permissions for Scan because Scan returns all items
regardless of the leading keys". All items of a transaction count for each of its items, which is stricter.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import ministack.services.dynamodb as dynamodb

from embedded_aws.replies import Json

_EXPRESSIONS = (
    "ConditionExpression FilterExpression KeyConditionExpression ProjectionExpression UpdateExpression".split()
)
_LEGACY = "AttributeUpdates Expected KeyConditions QueryFilter ScanFilter".split()
# Attributes at the top level: not after a dot, no value (":v"), no function.
_NAME = re.compile(r"(?<![\w.:#])(#?[A-Za-z_]\w*)(?!\w*\s*\()")
_body: ContextVar[bytes] = ContextVar("body", default=b"")  # of the request that is being authorized
_WORDS = frozenset("add and between delete in not or remove set".split())


def service_context(original: Callable[[bytes], Json], body: bytes) -> Json:
    """The engine's condition keys of a request for items; keeps the request for the others."""
    _body.set(body)
    return original(body)


def resolve_condition_key(original: Callable[..., Any], key: str, context: Any) -> Any:
    """Only a condition that names one of these keys costs the reading of the request."""
    find = _KEYS.get(key.lower())
    try:
        found = find(json.loads(_body.get() or b"{}")) if find else None
    except (AttributeError, TypeError, ValueError):
        found = None  # the service itself refuses the request
    return found or original(key, context)


def _parts(request: Json) -> Iterator[Json]:
    """The request, or each of those in a batch or a transaction, with its table's name."""
    if isinstance(tables := request.get("RequestItems"), dict):
        for table, wanted in tables.items():
            for one in wanted if isinstance(wanted, list) else [wanted]:
                inner = next(iter(one.values()), {}) if isinstance(wanted, list) else one
                yield {**inner, "TableName": table}
    elif isinstance(items := request.get("TransactItems"), list):
        yield from (inner for item in items for inner in item.values())
    else:
        yield request


def _leading_keys(request: Json) -> Iterator[str]:
    table = dynamodb._tables.get(str(request.get("TableName") or "").rpartition("/")[2]) or {}
    indexes = [one for kind in ("Global", "Local") for one in table.get(f"{kind}SecondaryIndexes") or ()]
    index = next((one for one in indexes if one["IndexName"] == request.get("IndexName")), table)
    name = next((one["AttributeName"] for one in index.get("KeySchema", []) if one["KeyType"] == "HASH"), None)
    for item in (request.get("Key"), request.get("Item"), *request.get("Keys", ())):
        if isinstance(item, dict) and name in item:
            yield from item[name].values()
    values, names = request.get("ExpressionAttributeValues") or {}, request.get("ExpressionAttributeNames") or {}
    for key, value in re.findall(r"(#?[\w-]+)\s*=\s*(:\w+)", request.get("KeyConditionExpression") or ""):
        if names.get(key, key) == name:
            yield from values.get(value, {}).values()
    for value in ((request.get("KeyConditions") or {}).get(name) or {}).get("AttributeValueList", ()):
        yield from value.values()


def _attributes(request: Json) -> Iterator[str]:
    names: Any = request.get("ExpressionAttributeNames") or {}
    for item in (request.get("Key"), request.get("Item"), *request.get("Keys", ()), *map(request.get, _LEGACY)):
        yield from item or ()
    yield from request.get("AttributesToGet") or ()
    for found in _NAME.findall(" , ".join(str(request.get(one) or "") for one in _EXPRESSIONS)):
        if found.lower() not in _WORDS:
            yield names.get(found, found)


_KEYS: dict[str, Callable[[Json], Any]] = {
    "dynamodb:attributes": lambda request: sorted({name for part in _parts(request) for name in _attributes(part)}),
    "dynamodb:leadingkeys": lambda request: [value for part in _parts(request) for value in _leading_keys(part)],
    "dynamodb:returnconsumedcapacity": lambda request: request.get("ReturnConsumedCapacity"),
    "dynamodb:returnvalues": lambda request: request.get("ReturnValues"),
}
