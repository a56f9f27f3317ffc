"""CreateEventSourceMapping and UpdateEventSourceMapping of DynamoDB streams, and what roles need.

Sources: API_CreateEventSourceMapping; guide, services-ddb-params (defaults) and
services-dynamodb-eventsourcemapping, "Required API operations"; the snapshots test_duplicate_event_source_mappings
and test_dynamodb_invalid_event_filter; "Stream not found" from aws-amplify/amplify-cli#6417; the texts from
aws-amplify/amplify-cli#12965 (stream), aws-samples/aws-serverless-ecommerce-platform#41 and serverless#12165 (a
mapping whose role may not send to its destination is not made).

ListStreams takes no resource (embedded_aws/iam/resource_types.py), so only "*" allows it, as in
AWSLambdaDynamoDBExecutionRole. The Serverless Framework grants it on the stream's ARN and its
mappings are made (aws-cdk#34575), so AWS may ask for less than this; it never asks for more.
"""

from collections.abc import Callable, Mapping
from typing import Any

import ministack.core.iam_evaluator as evaluator
import ministack.services.lambda_svc as engine

from embedded_aws.iam import roles
from embedded_aws.patching import Handler, wrap, wrap_handler
from embedded_aws.replies import ApiError, Json, Reply, invalid
from embedded_aws.streams import reading
from embedded_aws.streams.filters import is_pattern

DEFAULTS: Json = {
    "BatchSize": 100,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
}
READING = ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream")
_SENDING = {"sqs": ("SendMessage", "SQS"), "sns": ("Publish", "SNS")}


def install() -> None:
    """Add the checks and defaults that the engine lacks."""
    wrap_handler(engine, "_create_esm", _create_esm)
    wrap_handler(engine, "_update_esm", _update_esm)
    wrap(engine, "_esm_response", _shown)


def of_stream(mapping: Mapping[str, Any]) -> bool:
    """Whether the mapping, or a request for one, is of a DynamoDB stream."""
    source = str(mapping.get("EventSourceArn", ""))
    return ":dynamodb:" in source and "/stream/" in source


def _create_esm(original: Handler, data: Json) -> Reply:
    role = _role(data.get("FunctionName", ""))
    if not of_stream(data) or role is None:
        return original(data)
    _check_source(data)
    _check_settings(data, role)
    return _polled(original(DEFAULTS | data))


def _update_esm(original: Handler, identifier: str, data: Json) -> Reply:
    mapping = engine._esms.get(identifier) or {}
    role = _role(data.get("FunctionName") or mapping.get("FunctionArn", ""))
    if of_stream(mapping) and role is not None:
        _check_settings(mapping | data, role)
    return _polled(original(identifier, data))


def _shown(original: Callable[[Json], Json], mapping: Json) -> Json:
    """A mapping as AWS answers it: a version is in the function's ARN only, tags only in ListTags."""
    return {name: value for name, value in original(mapping).items() if name not in ("Qualifier", "Tags")}


def _polled(reply: Reply) -> Reply:
    """Wake the engine's poller, which otherwise finds a changed mapping only after up to five seconds."""
    engine._esm_wake.set()
    return reply


def _role(function: str) -> str | None:
    """The ARN of the function's role; None when the function does not exist."""
    name, qualifier, error = engine._resolve_existing_esm_function(function)
    if error:
        return None
    _, config = engine._get_func_record_for_qualifier(name, qualifier)
    return str((config or {}).get("Role", ""))


def _check_source(data: Json) -> None:
    """Raise ApiError unless the stream exists and the function does not read it already."""
    stream = data["EventSourceArn"]
    if not reading.exists(stream):
        raise invalid(f"Stream not found: {stream}")
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
    """Raise ApiError for an invalid filter pattern, or a role that lacks a permission."""
    for entry in (mapping.get("FilterCriteria") or {}).get("Filters") or []:
        if not is_pattern(entry.get("Pattern", "")):
            raise invalid("Invalid filter pattern definition.")
    stream, destination = mapping["EventSourceArn"], destination_of(mapping)
    if not (may_read(role, stream) and roles.allows(role, "dynamodb:ListStreams", stream)):
        raise invalid(reading_refusal(stream))
    if destination:
        _check_sending(role, destination)


def destination_of(mapping: Json) -> str:
    """The ARN of the mapping's OnFailure destination, or an empty string."""
    on_failure = (mapping.get("DestinationConfig") or {}).get("OnFailure") or {}
    return str(on_failure.get("Destination") or "")


def reading_refusal(stream: str) -> str:
    """Lambda's message when it may not read the stream."""
    return (
        f"Cannot access stream {stream}. Please ensure the role can perform the GetRecords, "
        "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
    )


def _check_sending(role: str, destination: str) -> None:
    """Raise ApiError unless the role may send to the destination; no policy of a queue helps.

    Source of the latter: gmetzker/serverless-plugin-lambda-dead-letter#40.
    """
    action, name = _SENDING[destination_service(destination)]
    if not roles.allows(role, f"{destination_service(destination)}:{action}", destination):
        raise invalid(f"The function execution role does not have permissions to call {action} on {name}")


def may_read(role: str, stream: str) -> bool:
    """Whether the role may read the stream."""
    return all(roles.allows(role, action, stream) for action in READING)


def may_deliver(role: str, destination: str) -> bool:
    """Whether the role may send to the destination, and no policy of a queue denies it."""
    action, _ = _SENDING[destination_service(destination)]
    context = roles.context_of(role, f"{destination_service(destination)}:{action}", destination)
    policy, _ = evaluator._resource_policy(destination_service(destination), destination) or ("", "")
    denied = evaluator.evaluate_resource_policy(policy, context).decision == "Deny"
    return roles.allows(role, context.action, destination) and not denied


def destination_service(destination: str) -> str:
    """The service of a destination's ARN.

    Raises ApiError for one that takes no failure records here.
    """
    name = (destination.split(":") + [""] * 3)[2]
    if name not in _SENDING:
        raise invalid(f"The destination ARN {destination} is invalid.")
    return name
