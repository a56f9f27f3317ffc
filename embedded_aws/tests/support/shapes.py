"""Answers of the additions, checked against the output shapes of botocore's models.

botocore itself drops members that it does not know and takes every value. So the raw body is compared: no unknown
member, no missing required one, and each value has the type, and is one of the enum, that the model gives it.
An error must be one that the model lists for the operation, or one that every operation of AWS may answer.
"""

import base64
import binascii
import json
import re
import xml.etree.ElementTree as xml
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from botocore import handlers

# Operations of the services that the additions change, as regular expressions. GetExecutionHistory is the engine's
# alone: its events of tasks lack the region, the parameters and, at their end, the resource's type.
CHECKED = {
    "backup": ".*",
    "cloudformation": ".*",
    "dynamodb": ".*",
    "dynamodb-streams": ".*",
    "iam": ".*",
    "lambda": ".*",
    "sfn": "(?!GetExecutionHistory).*",
}
NUMBERS = {"integer": int, "long": int, "float": (int, float), "double": (int, float), "timestamp": (int, float)}
TYPES: dict[str, Any] = NUMBERS | {"string": str, "boolean": bool, "structure": dict, "map": dict, "list": list}
# Values that AWS answers although the model's enum lacks them: the states of a stack in its own events
# (CloudFormation guide, "Stack status codes"), and LocalStack's snapshot of test_lambda_api, test_function_lifecycle.
BEYOND_ENUMS = {
    "LastUpdateStatusReasonCode": {"Creating"},
    "ResourceStatus": {
        "REVIEW_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
    },
}
OWN_HEADER = "access-control-allow-origin"  # which ministack sends always, and dynalite only to browsers
# docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
COMMON = set(
    "AccessDenied AccessDeniedException ExpiredTokenException IncompleteSignature InternalFailure InvalidClientTokenId "
    "SerializationException ThrottlingException UnrecognizedClientException ValidationError ValidationException".split()
)


def check_answers() -> None:
    """Let every client of this process raise AssertionError for an answer that the model does not allow.

    This includes clients that commands make. Answers of other engines are not checked.
    """
    handlers.BUILTIN_HANDLERS.append(("before-parse", _check))


def _check(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    service = operation_model.service_model.service_id.hyphenize()
    checked = re.fullmatch(CHECKED.get(service, ""), operation_model.name)
    if checked and OWN_HEADER in response_dict["headers"]:
        found = faults(operation_model, response_dict)
        assert not found, "\n".join(found)


def faults(operation: Any, response: dict[str, Any]) -> list[str]:
    """What of a response differs from the operation's model."""
    protocol, body = operation.service_model.resolved_protocol, response["body"]
    if response["status_code"] >= 300:
        return _error_faults(operation, response)
    if operation.output_shape is None or operation.has_streaming_output or operation.has_event_stream_output:
        return []
    if protocol == "query":
        root = xml.fromstring(body)
        wrapper = operation.output_shape.serialization.get("resultWrapper")
        found = next((each for each in root if _tag(each) == wrapper), None) if wrapper else root
        value = {} if found is None else _read(operation.output_shape, found)
    elif payload := operation.output_shape.serialization.get("payload"):
        if operation.output_shape.members[payload].type_name == "blob":
            return []
        value = {payload: json.loads(body)}
    else:
        value = json.loads(body) if body else {}
    return list(_faults(operation.output_shape, value, operation.name))


def _error_faults(operation: Any, response: dict[str, Any]) -> list[str]:
    if operation.service_model.resolved_protocol == "query":
        code = next((each.text or "" for each in xml.fromstring(response["body"]).iter() if _tag(each) == "Code"), "")
    else:
        code = response["headers"].get("x-amzn-errortype") or json.loads(response["body"] or b"{}").get("__type", "")
    code = code.split(":")[0].rpartition("#")[2]
    listed = {shape.metadata.get("error", {}).get("code", shape.name) for shape in operation.error_shapes}
    return [] if code in listed | COMMON else [f"{operation.name} has no error {code or 'without a code'}"]


def _faults(shape: Any, value: Any, where: str) -> Iterator[str]:
    kind = shape.type_name
    if kind == "blob":
        if not _is_base64(value):
            yield f"{where} is not base64"
        return
    if not isinstance(value, TYPES[kind]) or (kind in NUMBERS and isinstance(value, bool)):
        yield f"{where} must be a {kind}, got {value!r}"
    elif kind == "structure":
        yield from _faults_of_structure(shape, value, where)
    elif kind == "list":
        for index, each in enumerate(value):
            yield from _faults(shape.member, each, f"{where}[{index}]")
    elif kind == "map":
        for key, each in value.items():
            yield from _faults(shape.key, key, f"{where}, key {key}")
            yield from _faults(shape.value, each, f"{where}.{key}")
    elif kind == "string" and shape.enum and value not in {*shape.enum, *BEYOND_ENUMS.get(shape.name, ())}:
        yield f"{where} must be one of {', '.join(shape.enum)}, got {value!r}"


def _faults_of_structure(shape: Any, value: dict[str, Any], where: str) -> Iterator[str]:
    members = {_name(name, member): member for name, member in shape.members.items()}
    needed = {_name(name, shape.members[name]) for name in shape.required_members}
    in_body = {name for name, member in members.items() if "location" not in member.serialization}
    for name in sorted(needed & in_body):
        if value.get(name) is None:
            yield f"{where} lacks {name}"
    for name, each in value.items():
        if name not in in_body:
            yield f"{where} has no member {name}"
        elif each is not None:
            yield from _faults(members[name], each, f"{where}.{name}")


def _name(name: str, member: Any) -> str:
    """A member's name on the wire."""
    return str(member.serialization.get("name", name))


def _is_base64(value: Any) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (TypeError, binascii.Error):
        return False
    return True


def _read(shape: Any, element: xml.Element) -> Any:
    """The XML element in the form that JSON would have; what the model does not know stays text."""
    kind, text = shape.type_name, element.text or ""
    if kind == "structure":
        members = {_name(name, member): member for name, member in shape.members.items()}
        return {
            _tag(each): _read(members[_tag(each)], each) if _tag(each) in members else each.text for each in element
        }
    if kind == "list":
        return [_read(shape.member, each) for each in element]
    if kind == "map":
        return {pair[0].text or "": _read(shape.value, pair[1]) for pair in element}
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind == "timestamp":
        return datetime.fromisoformat(text).timestamp()
    return NUMBERS[kind](text) if kind in ("integer", "long") else float(text) if kind in NUMBERS else text


def _tag(element: xml.Element) -> str:
    return element.tag.rpartition("}")[2]
