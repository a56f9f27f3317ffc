"""boto3's DynamoDB as commands and functions use it: exact numbers, consumed capacity, lost tries."""

import threading
from collections.abc import Callable, Iterable, Mapping
from decimal import Clamped, Rounded
from typing import Any

from boto3.dynamodb.types import DYNAMODB_CONTEXT
from botocore.exceptions import ClientError

from dynamo.parallel import consumed_units

# boto3 cannot read a number spelled with more than 38 digits, zeros included, and DynamoDB spells 1E+41 with all zeros
# (https://github.com/boto/boto3/issues/2500). Without these traps it drops the zeros; other changes are still errors.
DYNAMODB_CONTEXT.traps[Rounded] = DYNAMODB_CONTEXT.traps[Clamped] = False

_READS = frozenset({"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"})
_LOST = "EarlierTryWasLost"


class Capacity:
    """The units that every watched client consumed, from all threads.

    DynamoDB tells no units of an error, though a condition that does not hold costs the write it prevented.
    """

    def __init__(self) -> None:
        self.read = self.write = 0.0
        self._lock = threading.Lock()

    def watch(self, client: Any) -> None:
        """Have ``client``, or a boto3 resource's, ask for the units of each request; sum them."""
        client.meta.events.register("before-parameter-build.dynamodb", _ask)
        client.meta.events.register("after-call.dynamodb", self._add)

    def __str__(self) -> str:
        return f"consumed capacity: {self.read:g} read units, {self.write:g} write units"

    def _add(self, parsed: dict[str, Any], model: Any, **_: object) -> None:
        units = consumed_units(parsed)
        with self._lock:
            if model.name in _READS:
                self.read += units
            else:
                self.write += units


def _ask(params: dict[str, Any], model: Any, **_: object) -> None:
    if "ReturnConsumedCapacity" in model.input_shape.members:
        params.setdefault("ReturnConsumedCapacity", "TOTAL")


def note_lost_tries(client: Any) -> None:
    """Have the errors of a client's requests say whether a try before that answer was lost.

    A try that was throttled did nothing. One without an answer, or with a status of 500 or more, may have written
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html).
    """
    client.meta.events.register_first("needs-retry", _note)


def was_lost(error: ClientError) -> bool:
    """Whether a try before the one with this answer may have written."""
    return bool(error.response.get("ResponseMetadata", {}).get(_LOST))


def unless_refused(write: Callable[..., object], **request: Any) -> bool:
    """Make a conditional write; whether its condition held."""
    try:
        write(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True


def unchanged(before: Mapping[str, Any] | None, after: Iterable[str] = ()) -> dict[str, Any]:
    """The condition of a write that an item still is ``before`` (None: no item), without names that only ``after`` has.

    DynamoDB has no condition for "no other attribute": another writer could add one in between.
    """
    if before is None:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    equal = {f"#{n}": name for n, name in enumerate(sorted(before))}
    absent = {f"#new{n}": name for n, name in enumerate(sorted({*after} - before.keys()))}
    terms = [f"{place} = :{place[1:]}" for place in equal] + [f"attribute_not_exists({place})" for place in absent]
    return {
        "ConditionExpression": " AND ".join(terms),
        "ExpressionAttributeNames": equal | absent,
        "ExpressionAttributeValues": {f":{place[1:]}": before[name] for place, name in equal.items()},
    }


def key_types(shown: Mapping[str, Any]) -> dict[str, str]:
    """The names of a table's key attributes, the partition key first, and their types; ``shown`` by DescribeTable."""
    types = {one["AttributeName"]: one["AttributeType"] for one in shown["AttributeDefinitions"]}
    keys = sorted(shown["KeySchema"], key=lambda key: str(key["KeyType"]))  # HASH, RANGE
    return {key["AttributeName"]: types[key["AttributeName"]] for key in keys}


def other_keys(shown: Mapping[str, Any]) -> str:
    """The key of a table that is not the data model's, as ``id (S) and time (N)``; empty for pk (S) and sk (S)."""
    keys = key_types(shown)
    return "" if keys == {"pk": "S", "sk": "S"} else " and ".join(f"{name} ({kind})" for name, kind in keys.items())


def _note(response: Any, request_dict: dict[str, Any], **_: object) -> None:
    """Handle botocore's event needs-retry, which comes after every try; decide nothing."""
    context = request_dict["context"]
    if response is None or response[0].status_code >= 500:
        context[_LOST] = True
    elif context.get(_LOST):
        response[1].setdefault("ResponseMetadata", {})[_LOST] = True
