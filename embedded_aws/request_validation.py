"""Requests that the models of DynamoDB, Lambda, Step Functions and CloudFormation do not allow are refused.

These services name all broken constraints of a request in one error. The form of its text is recorded in LocalStack's
snapshots (tests/aws/services: lambda_/test_lambda_api, stepfunctions, cloudformation) and, for DynamoDB, in
aws-controllers-k8s/dynamodb-controller, docs/api-quirks, DDB-TABLE-457. AWS lists constraints and the values of an
enum in no fixed order; here they have the model's. The operations are those that the additions answer, also where
CloudFormation calls them.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import ministack.services.cloudformation.handlers as cloudformation

from embedded_aws.constraints import NUMBERS, Fault, faults, operations, parsed
from embedded_aws.replies import ApiError, Handler, Json, Reply, invalid

# DynamoDB's own texts for lengths (DDB-TABLE-457; DeleteBackup is not recorded). They come after all other errors.
OWN_TEXTS = {
    ("DeleteBackup", "BackupArn"): "Invalid Backup ARN",
    ("DescribeBackup", "BackupArn"): "Invalid Backup ARN",
    ("RestoreTableFromBackup", "BackupArn"): "Invalid Backup ARN",
    ("RestoreTableFromBackup", "TargetTableName"): (
        "TableName must be at least 3 characters long and at most 255 characters long"
    ),
}
# API_CreateEventSourceMapping: the model's range is -1 to 604800. The text is from terraform-provider-aws#16113.
SHORTEST_AGE = 60
AGE = f"MaximumRecordAgeInSeconds must be either -1 (forever) or between {SHORTEST_AGE} and 604800 (inclusive)"


def _checked(service: str, operation: str, members: Callable[..., Json], original: Handler, *arguments: Any) -> Reply:
    check(service, operation, members(operations(service)[operation].input_shape, *arguments))
    return original(*arguments)


def of_body(service: str, operation: str) -> Handler:
    """A call, to be wrapped, whose one argument is the body of the request."""
    return partial(_checked, service, operation, lambda _, body: body)


def of_named_mapping(operation: str) -> Handler:
    """A call of Lambda, to be wrapped, that names an event source mapping."""
    return partial(_checked, "lambda", operation, _named_mapping)


def of_form(service: str, operation: str) -> Handler:
    """A call, to be wrapped, whose one argument is a query or a form."""
    return partial(_checked, service, operation, _form)


def of_stack(operation: str) -> Handler:
    """As ``of_form``, for CloudFormation and its form of errors."""
    return partial(_checked_form, operation)


def _checked_form(operation: str, original: Handler, form: Json) -> Reply:
    try:
        return _checked("cloudformation", operation, _form, original, form)
    except ApiError as error:
        reply: Reply = cloudformation._error("ValidationError", error.message)
        return reply


def _named_mapping(_: Any, identifier: str, body: Json | None = None) -> Json:
    return (body or {}) | {"UUID": identifier}


def _form(shape: Any, form: Json) -> Json:
    """The members in a query or a form, which numbers the elements of a list."""
    values = {name: parsed(member, form[name]) for name, member in shape.members.items() if name in form}
    for name, member in shape.members.items():
        keys = [key for key in form if key.startswith(f"{name}.member.")]
        if member.type_name == "list" and keys:
            values[name] = [form[key][0] for key in sorted(keys, key=lambda key: int(key.rpartition(".")[2]))]
    return values


def check(service: str, operation: str, values: Json) -> None:
    """Raise ApiError for all constraints that the members ``values`` break."""
    found = list(faults(operations(service)[operation].input_shape, values))
    for fault in found:
        if fault.rule == "type":
            raise ApiError("SerializationException", _conversion(fault))
    own = {fault.path for fault in found if (operation, fault.name) in OWN_TEXTS and fault.rule in ("min", "max")}
    texts = list(dict.fromkeys(_text(fault) for fault in found if fault.path not in own))
    if texts:
        several = "s" if len(texts) > 1 else ""
        raise ApiError("ValidationException", f"{len(texts)} validation error{several} detected: {'; '.join(texts)}")
    if own:
        raise ApiError("ValidationException", OWN_TEXTS[operation, min(own)[0]])
    if 0 <= values.get("MaximumRecordAgeInSeconds", -1) < SHORTEST_AGE:
        raise invalid(AGE)


def _text(fault: Fault) -> str:
    if fault.part:
        subject = {"element": "Member", "key": "Map keys", "value": "Map value"}[fault.part]
        rules = [_rule(fault.shape, rule) for rule in ("max", "min", "pattern", "enum") if rule in fault.shape.metadata]
        constraint, value = f"{subject} must satisfy constraint: [{', '.join(rules)}]", fault.whole
    else:
        constraint, value = _rule(fault.shape, fault.rule), fault.value
    path = fault.path[:-1] if fault.part == "element" else fault.path
    shown = "null" if value is None else f"'{_shown(value)}'"
    return f"Value {shown} at '{_place(path)}' failed to satisfy constraint: {constraint}"


def _rule(shape: Any, rule: str) -> str:
    if rule == "required":
        return "Member must not be null"
    limit = shape.metadata[rule]
    if rule == "enum":
        return f"Member must satisfy enum value set: [{', '.join(limit)}]"
    if rule == "pattern":
        return f"Member must satisfy regular expression pattern: {limit}"
    measured = "value" if shape.type_name in NUMBERS else "length"
    return f"Member must have {measured} {'less' if rule == 'max' else 'greater'} than or equal to {limit}"


def _place(path: Iterable[str]) -> str:
    """The member as these services write it: ``keySchema.1.member.attributeName``, ``sSESpecification.sSEType``."""
    return ".".join(f"{part}.member" if part.isdigit() else part[0].lower() + part[1:] for part in path)


def _shown(value: Any) -> str:
    """A value as Java prints it."""
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={_shown(each)}' for key, each in value.items())}}}"
    return str(value)


def _conversion(fault: Fault) -> str:
    """Why a value cannot be read, in the words that ministack's Step Functions quotes from AWS."""
    if isinstance(fault.value, list):
        return "Start of list found where not expected"
    if isinstance(fault.value, dict):
        return "Start of structure or map found where not expected."
    if fault.shape.type_name in ("structure", "map", "list"):
        return "Expected null"
    given = {str: "STRING_VALUE", bool: f"{str(fault.value).upper()}_VALUE"}.get(type(fault.value), "NUMBER_VALUE")
    wanted = fault.shape.type_name.capitalize()
    return f"{given} can not be converted to a{'n' if wanted[0] in 'AEIOU' else ''} {wanted}"
