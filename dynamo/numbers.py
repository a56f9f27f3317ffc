"""Numbers as DynamoDB has them: exact, and in whatever spelling they come.

Standard library and boto3 only: the stream's Lambda function imports this module.

boto3's own reading of a number fails for one that is spelled with more than 38
digits, zeros included. DynamoDB spells 1E+41 so, with all its zeros
(https://github.com/boto/boto3/issues/2500).
"""

from decimal import Context, Decimal
from typing import Any

from boto3.dynamodb.transform import TransformationInjector
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from model.limits import DIGITS, number_problem

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
