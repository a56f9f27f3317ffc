"""What botocore's model demands of a request to AWS Backup, checked before the request is answered.

The model has required members, patterns, enums, lengths and ranges; SDKs check only some of them. AWS Backup's
errors for them are documented (API reference, "Common Errors" and each operation's errors): a missing member is
MissingParameterValueException and a wrong one InvalidParameterValueException. The texts are this module's own.
"""

import functools
import json
import re
from typing import Any

from embedded_aws.replies import ApiError, Json, invalid

# The model's pattern of an account has no room for it, but the API reference of the lists names it.
ALL_ACCOUNTS = "*"
NUMBERS = ("integer", "long")
TYPES: dict[str, type] = {"structure": dict, "map": dict, "list": list, "string": str, "integer": int, "long": int}


@functools.cache
def _operations() -> list[tuple[str, re.Pattern[str], Any]]:
    """Method, path and model of each operation, the most specific path first."""
    import botocore.session  # not before the first request: it would be a sixth of the server's start

    model = botocore.session.get_session().get_service_model("backup")
    found = []
    for operation in map(model.operation_model, model.operation_names):
        parts = re.split(r"\{(\w+)\}", operation.http["requestUri"].split("?")[0].rstrip("/"))
        texts, names = parts[::2], parts[1::2]
        pattern = "".join(re.escape(text) + f"(?P<{name}>.+?)" for text, name in zip(texts, names, strict=False))
        pattern += re.escape(texts[-1]) if len(texts) > len(names) else ""
        found.append((len("".join(texts)), operation.http["method"], re.compile(pattern), operation))
    return [entry[1:] for entry in sorted(found, key=lambda entry: -entry[0])]


def check(method: str, path: str, query: Json, body: bytes) -> None:
    """Raise ApiError for the first constraint of the model that a request does not meet."""
    for wanted, pattern, operation in _operations():
        match = pattern.fullmatch(path.rstrip("/"))
        if wanted == method and match:
            if operation.input_shape:
                _check_operation(operation, _members(operation.input_shape, match.groupdict(), query, body))
            return


def _check_operation(operation: Any, values: Json) -> None:
    try:
        _check(operation.input_shape, values, operation.name)
    except ApiError as error:
        if error.code in {shape.name for shape in operation.error_shapes}:
            raise
        raise invalid(error.message) from None  # few operations lack the error for a missing member


def _members(shape: Any, path: Json, query: Json, body: bytes) -> Json:
    """The request's values by the names that the model gives them in the body."""
    values: Json = json.loads(body) if body else {}
    for name, member in shape.members.items():
        place = {"uri": path, "querystring": query}.get(member.serialization.get("location"), {})
        value = place.get(member.serialization.get("name"))
        if isinstance(value, list) and member.type_name != "list":
            value = value[0]
        if member.type_name in NUMBERS and isinstance(value, str) and re.fullmatch(r"-?\d+", value):
            value = int(value)
        if value is not None:
            values[name] = value
    return values


def _check(shape: Any, value: Any, name: str) -> None:
    kind = shape.type_name
    if kind in TYPES and (not isinstance(value, TYPES[kind]) or isinstance(value, bool)):
        raise invalid(f"{name} must be of type {kind}, got {value}")
    if kind == "structure":
        for needed in shape.required_members:
            if value.get(needed) in (None, ""):
                raise ApiError("MissingParameterValueException", f"{needed} is required")
        for key, member in shape.members.items():
            if value.get(key) is not None:
                _check(member, value[key], key)
        return
    if kind in ("list", "map"):
        for each in value if kind == "list" else value.values():
            _check(shape.member if kind == "list" else shape.value, each, name)
    _check_limits(shape.metadata, value, name)


def _check_limits(limits: Json, value: Any, name: str) -> None:
    if "enum" in limits and value not in limits["enum"]:
        raise invalid(f"{name} must be one of {', '.join(limits['enum'])}, got {value}")
    all_accounts = (name, value) == ("ByAccountId", ALL_ACCOUNTS)
    if "pattern" in limits and not all_accounts and not re.fullmatch(limits["pattern"], value):
        raise invalid(f"Invalid {name} '{value}'. Must satisfy the pattern {limits['pattern']}")
    if not {"min", "max"} & limits.keys():
        return
    size, unit = (value, "") if isinstance(value, int) else (len(value), " long")
    if size < limits.get("min", size):
        raise invalid(f"{name} must be at least {limits['min']}{unit}, got {size}")
    if size > limits.get("max", size):
        raise invalid(f"{name} must be at most {limits['max']}{unit}, got {size}")
