"""Numbers as DynamoDB has them: exact, and in whatever spelling they come.

Standard library and boto3 only: the stream's Lambda function imports this module.

boto3's own reading of a number fails for one that is spelled with more than 38
digits, zeros included. DynamoDB spells 1E+41 so, with all its zeros
(https://github.com/boto/boto3/issues/2500).
"""

from collections.abc import Iterable
from decimal import Context, Decimal
from typing import Any

from boto3.dynamodb.transform import TransformationInjector
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
_DIGITS, _EXPONENTS = 38, range(-130, 126)
_CONTEXT = Context(prec=_DIGITS)
_SHOWN = 40


def problem(number: Decimal) -> str | None:
    """Why DynamoDB cannot keep the number; None when it can."""
    if not number.is_finite():
        return f"{number} is not a number of DynamoDB"
    digits = len(significant(number.as_tuple().digits))
    if digits > _DIGITS:
        return f"the number has {digits} digits; DynamoDB keeps {_DIGITS}"
    if number and number.adjusted() not in _EXPONENTS:
        shown = str(number)
        shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + "..."
        return f"{shown} is beyond 1E-130 to 9.99E+125, DynamoDB's range"
    return None


def significant(digits: Iterable[int]) -> str:
    """The digits that DynamoDB counts: without the zeros at both ends."""
    return "".join(map(str, digits)).strip("0")


class Serializer(TypeSerializer):  # type: ignore[misc]
    """From Python to the API. Raises ValueError for a number that DynamoDB cannot keep."""

    def _serialize_n(self, value: Decimal | int) -> str:
        number = Decimal(value)
        if reason := problem(number):
            raise ValueError(reason)
        # Zeros at its end may make it longer than it needs to be.
        return str(
            number if len(number.as_tuple().digits) <= _DIGITS else _CONTEXT.normalize(number)
        )


class Deserializer(TypeDeserializer):  # type: ignore[misc]
    """From the API to Python: numbers as Decimals, whatever their spelling."""

    def _deserialize_n(self, value: str) -> Decimal:
        return Decimal(value)


def exact(resource: Any) -> Any:
    """``resource``, boto3's of DynamoDB, with these two in the place of its own."""
    events = resource.meta.client.meta.events
    injector = TransformationInjector(serializer=Serializer(), deserializer=Deserializer())
    for event, name, handler in (
        ("before-parameter-build", "dynamodb-attr-value-input",
         injector.inject_attribute_value_input),
        ("after-call", "dynamodb-attr-value-output", injector.inject_attribute_value_output),
    ):  # fmt: skip
        events.unregister(f"{event}.dynamodb", unique_id=name)
        events.register(f"{event}.dynamodb", handler, unique_id=name)
    return resource
