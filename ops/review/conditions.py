"""The condition of an IAM statement in words. Pure.

The operators: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from collections.abc import Mapping
from typing import Any

from ops.review.documents import listed
from ops.review.spelling import spelled

_WORDS = {
    "StringEquals": "is",
    "StringLike": "is like",
    "StringEqualsIgnoreCase": "is, in any case,",
    "StringNotEquals": "is not",
    "StringNotLike": "is not like",
    "StringNotEqualsIgnoreCase": "is not, in any case,",
    "ArnEquals": "is",
    "ArnLike": "is like",
    "ArnNotEquals": "is not",
    "ArnNotLike": "is not like",
    "Bool": "is",
    "BinaryEquals": "is",
    "IpAddress": "is in",
    "NotIpAddress": "is not in",
    "NumericEquals": "is",
    "NumericNotEquals": "is not",
    "NumericLessThan": "is less than",
    "NumericLessThanEquals": "is at most",
    "NumericGreaterThan": "is more than",
    "NumericGreaterThanEquals": "is at least",
    "DateEquals": "is",
    "DateNotEquals": "is not",
    "DateLessThan": "is before",
    "DateLessThanEquals": "is not after",
    "DateGreaterThan": "is after",
    "DateGreaterThanEquals": "is not before",
}
_SETS = {"ForAllValues": "every value of {}, if there is any,", "ForAnyValue": "a value of {}"}
# Keys that leave of everybody only the principals of named accounts, organizations or resources.
_NARROWING = {
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "kms:calleraccount",
}
_POSITIVE = {"StringEquals", "StringLike", "ArnEquals", "ArnLike"}


def condition(statement: Mapping[str, Any]) -> str:
    """``, if aws:SecureTransport is false``; empty where there is no condition."""
    parts = [
        _test(operator, key, value)
        for operator, tests in statement.get("Condition", {}).items()
        for key, value in tests.items()
    ]
    return f", if {' and '.join(parts)}" if parts else ""


def is_narrow(statement: Mapping[str, Any]) -> bool:
    """Whether a condition leaves only some of the principals that ``*`` stands for."""
    return any(
        operator in _POSITIVE and key.lower() in _NARROWING and "*" not in map(spelled, listed(value))
        for operator, tests in statement.get("Condition", {}).items()
        for key, value in tests.items()
    )


def _test(operator: str, key: str, value: Any) -> str:
    quantity, _, name = operator.rpartition(":")
    if name == "Null":
        return f"{key} is {'missing' if spelled(value) == 'true' else 'present'}"
    plain = name.removesuffix("IfExists")
    subject = _SETS.get(quantity, "{}").format(key)
    or_none = " or is missing" if name != plain else ""
    joint = " nor " if "Not" in plain else " or "
    values = joint.join(map(spelled, listed(value)))
    return f"{subject} {_WORDS.get(plain, plain)} {values}{or_none}"
