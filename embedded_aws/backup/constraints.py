"""What botocore's model demands of a request to AWS Backup, checked before the request is answered.

AWS Backup's errors are documented (API reference, "Common Errors" and each operation's errors): a missing member is
MissingParameterValueException and a wrong one InvalidParameterValueException. The texts are this module's own.
"""

import functools
import json
import re
from typing import Any

from embedded_aws.constraints import NUMBERS, Fault, faults, operations, parsed
from embedded_aws.replies import ApiError, Json, invalid

# The model's pattern of an account has no room for it, but the API reference of the lists names it.
ALL_ACCOUNTS = "*"
MISSING = "MissingParameterValueException"


@functools.cache
def _operations() -> list[tuple[str, re.Pattern[str], Any]]:
    """Method, path and model of each operation, the most specific path first."""
    found = []
    for operation in operations("backup").values():
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
    found = [
        fault
        for fault in faults(operation.input_shape, values, (operation.name,), missing=(None, ""))
        if (fault.name, fault.value) != ("ByAccountId", ALL_ACCOUNTS)
    ]
    if not found:
        return
    first = min(found, key=lambda fault: fault.rule != "required")
    documented = {shape.name for shape in operation.error_shapes}
    if first.rule == "required" and MISSING in documented:
        raise ApiError(MISSING, _text(first))
    raise invalid(_text(first))  # few operations lack the error for a missing member


def _members(shape: Any, path: Json, query: Json, body: bytes) -> Json:
    """The request's values by the names that the model gives them in the body."""
    values: Json = json.loads(body) if body else {}
    for name, member in shape.members.items():
        place = {"uri": path, "querystring": query}.get(member.serialization.get("location"), {})
        value = place.get(member.serialization.get("name"))
        if value is not None:
            values[name] = parsed(member, value)
    return values


def _text(fault: Fault) -> str:
    name, value, limits = fault.name, fault.value, fault.shape.metadata
    if fault.rule == "required":
        return f"{name} is required"
    if fault.rule == "type":
        return f"{name} must be of type {fault.shape.type_name}, got {value}"
    if fault.rule == "enum":
        return f"{name} must be one of {', '.join(limits['enum'])}, got {value}"
    if fault.rule == "pattern":
        return f"Invalid {name} '{value}'. Must satisfy the pattern {limits['pattern']}"
    size, unit = (value, "") if fault.shape.type_name in NUMBERS else (len(value), " long")
    bound = "at least" if fault.rule == "min" else "at most"
    return f"{name} must be {bound} {limits[fault.rule]}{unit}, got {size}"
