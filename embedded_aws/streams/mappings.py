"""The calls of Lambda's API about event source mappings of DynamoDB streams, and what roles need.

Sources: API_CreateEventSourceMapping; guide, services-ddb-params (defaults) and
services-dynamodb-eventsourcemapping, "Required API operations"; the snapshots of test_lambda_api,
TestLambdaEventSourceMappings (refusals, for all kinds of sources), test_duplicate_event_source_mappings,
test_dynamodb_invalid_event_filter and test_esm_with_not_existing_dynamodb_stream; the texts from
aws-amplify/amplify-cli#12965 (stream), aws-samples/aws-serverless-ecommerce-platform#41 and serverless#12165 (a
mapping whose role may not send to its destination is not made).

ListStreams takes no resource (embedded_aws/iam/reference.py), so only "*" allows it, as in
AWSLambdaDynamoDBExecutionRole. The Serverless Framework grants it on the stream's ARN and its
mappings are made (aws-cdk#34575), so AWS may ask for less than this; it never asks for more.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import ministack.services.lambda_svc as engine

from embedded_aws.iam import roles
from embedded_aws.replies import ApiError, Handler, Json, Reply, body_of
from embedded_aws.streams import failure_records, filters, reading, states

DEFAULTS: Json = {
    "BatchSize": 100,
    "BisectBatchOnFunctionError": False,
    "DestinationConfig": {"OnFailure": {}},
    "MaximumRecordAgeInSeconds": -1,
    "MaximumRetryAttempts": -1,
    "ParallelizationFactor": 1,
}
READING = ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream")
_HIDDEN = ("Qualifier", "Tags", states.BEGUN)


class LambdaError(ApiError):
    """An error of Lambda's API, which says that the caller made it."""

    def reply(self) -> Reply:
        """The answer on the wire."""
        status, headers, body = super().reply()
        return status, headers, json.dumps(json.loads(body) | {"Type": "User"}).encode()


def invalid(message: str) -> LambdaError:
    """The error for a parameter that Lambda refuses."""
    return LambdaError("InvalidParameterValueException", message)


def of_stream(mapping: Mapping[str, Any]) -> bool:
    """Whether the mapping, or a request for one, is of a DynamoDB stream."""
    source = str(mapping.get("EventSourceArn", ""))
    return ":dynamodb:" in source and "/stream/" in source


def create_mapping(original: Handler, data: Json) -> Reply:
    """CreateEventSourceMapping."""
    states.settle_all()
    _check_request(data)
    if not of_stream(data):
        return original(data)
    _check_source(data)
    _check_settings(data, _role(data["FunctionName"]))
    # Not enabled yet: the engine's poller must not read before the change begins.
    mapping = engine._esms[body_of(original(DEFAULTS | data | {"Enabled": False}))["UUID"]]
    enabled = str(data.get("Enabled", True)).lower() != "false"
    mapping |= {"Enabled": enabled, "State": "Creating", "TumblingWindowInSeconds": 0}
    return _changed(mapping, "Creating")


def get_mapping(original: Handler, identifier: str) -> Reply:
    """GetEventSourceMapping."""
    _existing(identifier)
    return original(identifier)


def list_mappings(original: Handler, query: Json) -> Reply:
    """ListEventSourceMappings."""
    states.settle_all()
    return original(query)


def update_mapping(original: Handler, identifier: str, data: Json) -> Reply:
    """UpdateEventSourceMapping."""
    mapping = _existing(identifier)
    if not of_stream(mapping):
        return original(identifier, data)
    _check_unchanging(mapping, "update")
    if role := _role(data.get("FunctionName") or mapping["FunctionArn"]):
        _check_settings(mapping | data, role)
    before = mapping["Enabled"]
    body_of(original(identifier, data))
    after = mapping["Enabled"]
    return _changed(mapping, "Updating" if before == after else "Enabling" if after else "Disabling")


def delete_mapping(original: Handler, identifier: str) -> Reply:
    """DeleteEventSourceMapping."""
    mapping = _existing(identifier)
    if not of_stream(mapping):
        return original(identifier)
    _check_unchanging(mapping, "delete")
    mapping["Enabled"] = False
    return _changed(mapping, "Deleting")


def _changed(mapping: Json, state: str) -> Reply:
    """The answer to a change, which begins."""
    body = json.dumps(engine._esm_response(states.begin(mapping, state))).encode()
    return 202, {"Content-Type": "application/json"}, body


def shown(original: Callable[[Json], Json], mapping: Json) -> Json:
    """A mapping as AWS answers it: a version is in the function's ARN only, tags only in ListTags."""
    found = {name: value for name, value in original(mapping).items() if name not in _HIDDEN}
    if not (found.get("FilterCriteria") or {}).get("Filters"):
        found.pop("FilterCriteria", None)
    return found


def _existing(identifier: str) -> Json:
    """The mapping; raises LambdaError when there is none."""
    states.settle_all()
    mapping: Json | None = engine._esms.get(identifier)
    if mapping is None:
        raise LambdaError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    return mapping


def _check_unchanging(mapping: Json, verb: str) -> None:
    """Raise LambdaError while an earlier change is under way."""
    if states.changing(mapping):
        text = f"Cannot {verb} the event source mapping because it is in use."
        raise LambdaError("ResourceInUseException", text)


def _role(function: str) -> str:
    """The ARN of the function's role; empty when the function does not exist."""
    name, qualifier, error = engine._resolve_existing_esm_function(function)
    if error:
        return ""
    _, config = engine._get_func_record_for_qualifier(name, qualifier)
    return str((config or {}).get("Role", ""))


def _check_request(data: Json) -> None:
    """Raise LambdaError for a request that Lambda refuses without a look at the source."""
    source = str(data.get("EventSourceArn") or "")
    destinations = data.get("DestinationConfig") or {}
    if not source and not data.get("SelfManagedEventSource"):
        raise invalid("Unrecognized event source.")
    if destinations.get("OnSuccess") or (destinations and ":sqs:" in source):
        raise invalid("Unsupported DestinationConfig parameter for given event source mapping type.")
    if not _role(data.get("FunctionName", "")):
        raise invalid("Function does not exist")
    if of_stream(data):
        _check_position(source, data.get("StartingPosition"))


def _check_position(stream: str, position: str | None) -> None:
    if position is None:
        rule = "failed to satisfy constraint: Member must not be null."
        raise invalid(f"1 validation error detected: Value null at 'startingPosition' {rule}")
    if position == "AT_TIMESTAMP":
        raise invalid(f"Unsupported starting position for arn type: {stream}")


def _check_source(data: Json) -> None:
    """Raise LambdaError unless the stream exists and the function does not read it already."""
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
            raise LambdaError("ResourceConflictException", text, 409)


def _check_settings(mapping: Json, role: str) -> None:
    """Raise LambdaError for an invalid filter pattern, or a role that lacks a permission."""
    for entry in (mapping.get("FilterCriteria") or {}).get("Filters") or []:
        if not filters.is_pattern(entry.get("Pattern", "")):
            raise invalid("Invalid filter pattern definition.")
    if mapping.get("TumblingWindowInSeconds"):
        # AWS has them; without one, functions would get other events than on AWS.
        raise invalid("The embedded AWS has no tumbling windows; remove TumblingWindowInSeconds.")
    stream, destination = mapping["EventSourceArn"], failure_records.destination_of(mapping)
    if not (may_read(role, stream) and roles.allows(role, "dynamodb:ListStreams", stream)):
        raise invalid(reading_refusal(stream))
    if destination:
        _check_sending(role, destination)


def reading_refusal(stream: str) -> str:
    """Lambda's message when it may not read the stream."""
    return (
        f"Cannot access stream {stream}. Please ensure the role can perform the GetRecords, "
        "GetShardIterator, DescribeStream, and ListStreams Actions on your stream in IAM."
    )


def _check_sending(role: str, destination: str) -> None:
    """Raise LambdaError unless the role may send to the destination; no policy of a queue helps.

    Source of the latter: gmetzker/serverless-plugin-lambda-dead-letter#40.
    """
    kind = failure_records.kind_of(destination)
    if not kind:
        raise invalid(f"The destination ARN {destination} is invalid.")
    action, name = failure_records.SENDING[kind]
    if not all(roles.allows(role, *needed) for needed in failure_records.needs(destination)):
        verb = action.partition(":")[2]
        raise invalid(f"The function execution role does not have permissions to call {verb} on {name}")


def may_read(role: str, stream: str) -> bool:
    """Whether the role may read the stream."""
    return all(roles.allows(role, action, stream) for action in READING)
