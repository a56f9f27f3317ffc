"""CreateEventSourceMapping and UpdateEventSourceMapping of DynamoDB streams.

Sources: API_CreateEventSourceMapping; guide, services-ddb-params (defaults); the snapshots
test_duplicate_event_source_mappings and test_dynamodb_invalid_event_filter; "Stream not found"
from aws-amplify/amplify-cli#6417.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import ministack.services.lambda_svc as engine

from embedded_aws.replies import ApiError, Json, Reply
from embedded_aws.streams import permissions, reading
from embedded_aws.streams.failures import destination_of

DEFAULTS: Json = {
    "BatchSize": 100,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
}


def install() -> None:
    """Check what the engine accepts unseen, and fill in what it leaves out."""
    engine._create_esm = _creator(engine._create_esm)
    engine._update_esm = _updater(engine._update_esm)


def of_stream(mapping: Mapping[str, Any]) -> bool:
    """Whether the mapping, or a request for one, is of a DynamoDB stream."""
    source = str(mapping.get("EventSourceArn", ""))
    return ":dynamodb:" in source and "/stream/" in source


def _creator(original: Callable[[Json], Reply]) -> Callable[[Json], Reply]:
    def create(data: Json) -> Reply:
        role = _role(data.get("FunctionName", ""))
        if not of_stream(data) or role is None:
            return original(data)
        try:
            _check_source(data)
            _check_settings(data, role)
        except ApiError as error:
            return error.reply()
        return original(DEFAULTS | data)

    return create


def _updater(original: Callable[[str, Json], Reply]) -> Callable[[str, Json], Reply]:
    def update(identifier: str, data: Json) -> Reply:
        mapping = engine._esms.get(identifier) or {}
        role = _role(data.get("FunctionName") or mapping.get("FunctionArn", ""))
        if not of_stream(mapping) or role is None:
            return original(identifier, data)
        try:
            _check_settings(mapping | data, role)
        except ApiError as error:
            return error.reply()
        return original(identifier, data)

    return update


def _role(function: str) -> str | None:
    """The ARN of the function's role; None when there is no such function."""
    name, qualifier, error = engine._resolve_existing_esm_function(function)
    if error:
        return None
    _, config = engine._get_func_record_for_qualifier(name, qualifier)
    return str((config or {}).get("Role", ""))


def _check_source(data: Json) -> None:
    """Raise ApiError unless the stream exists and the function does not read it already."""
    stream = data["EventSourceArn"]
    if not reading.exists(stream):
        raise ApiError("InvalidParameterValueException", f"Stream not found: {stream}")
    name, qualifier, _ = engine._resolve_existing_esm_function(data["FunctionName"])
    for other in engine._esms.values():
        same = (other["FunctionName"], other.get("Qualifier")) == (name, qualifier)
        if same and other["EventSourceArn"] == stream:
            text = (
                f'The event source arn (" {stream} ") and function (" {name} ") provided mapping '
                "already exists. Please update or delete the existing mapping with UUID "
                f"{other['UUID']}"
            )
            raise ApiError("ResourceConflictException", text, 409)


def _check_settings(mapping: Json, role: str) -> None:
    """Raise ApiError for a pattern that is none, or a role that may not do what is needed."""
    for entry in (mapping.get("FilterCriteria") or {}).get("Filters") or []:
        if not _is_pattern(entry.get("Pattern", "")):
            raise ApiError("InvalidParameterValueException", "Invalid filter pattern definition.")
    permissions.check_reading(role, mapping["EventSourceArn"])
    destination = destination_of(mapping)
    if destination:
        permissions.check_sending(role, destination)


def _is_pattern(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
