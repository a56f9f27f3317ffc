"""boto3's DynamoDB as commands and functions use it: exact numbers, consumed capacity, lost tries.

boto3 cannot read a number that is spelled with more than 38 digits, zeros included, and DynamoDB
spells 1E+41 with all its zeros (https://github.com/boto/boto3/issues/2500).
"""

import threading
from decimal import Context, Decimal
from typing import Any

from boto3.dynamodb.transform import TransformationInjector
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from model.messages import DIGITS, number_problem

_CONTEXT = Context(prec=DIGITS)


class Serializer(TypeSerializer):  # type: ignore[misc]
    """From Python to the API. Raises ValueError for a number that DynamoDB cannot keep."""

    def _serialize_n(self, value: Decimal | int) -> str:
        number = Decimal(value)
        if reason := number_problem(number):
            raise ValueError(reason)
        # Zeros at its end may make it longer than it needs to be.
        return str(number if len(number.as_tuple().digits) <= DIGITS else _CONTEXT.normalize(number))


class Deserializer(TypeDeserializer):  # type: ignore[misc]
    """From the API to Python: numbers as Decimals, whatever their spelling."""

    def _deserialize_n(self, value: str) -> Decimal:
        return Decimal(value)


def exact(resource: Any) -> Any:
    """``resource``, boto3's of DynamoDB, with these two in the place of its own."""
    events = resource.meta.client.meta.events
    injector = TransformationInjector(serializer=Serializer(), deserializer=Deserializer())
    for event, name, handler in (
        ("before-parameter-build", "dynamodb-attr-value-input", injector.inject_attribute_value_input),
        ("after-call", "dynamodb-attr-value-output", injector.inject_attribute_value_output),
    ):
        events.unregister(f"{event}.dynamodb", unique_id=name)
        events.register(f"{event}.dynamodb", handler, unique_id=name)
    return resource


_READS = frozenset({"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"})


class Capacity:
    """The units that every watched client consumed, from all threads.

    Of an answer that is an error DynamoDB tells no units, though a condition
    that does not hold costs the write it prevented.
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
        consumed = parsed.get("ConsumedCapacity") or []
        # Requests for several items answer with one entry for each table.
        entries = consumed if isinstance(consumed, list) else [consumed]
        units = sum(float(entry.get("CapacityUnits", 0)) for entry in entries)
        with self._lock:
            if model.name in _READS:
                self.read += units
            else:
                self.write += units


def _ask(params: dict[str, Any], model: Any, **_: object) -> None:
    if "ReturnConsumedCapacity" in model.input_shape.members:
        params.setdefault("ReturnConsumedCapacity", "TOTAL")


_LOST = "EarlierTryWasLost"
_FAILED_INSIDE = 500


def note_lost_tries(client: Any) -> None:
    """Have the errors of a client's requests say whether a try before that answer was lost.

    A try that was throttled did nothing. One without an answer, or of which
    DynamoDB says that it failed inside, may have written
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html).
    """
    client.meta.events.register_first("needs-retry", _note)


def was_lost(error: ClientError) -> bool:
    """Whether a try before the one with this answer may have been heard."""
    return bool(error.response.get("ResponseMetadata", {}).get(_LOST))


def _note(response: Any, request_dict: dict[str, Any], **_: object) -> None:
    """Handle botocore's event needs-retry, which comes after every try; decide nothing."""
    context = request_dict["context"]
    if response is None or response[0].status_code >= _FAILED_INSIDE:
        context[_LOST] = True
    elif context.get(_LOST):
        response[1].setdefault("ResponseMetadata", {})[_LOST] = True
