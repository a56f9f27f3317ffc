"""AWS::Lambda::EventSourceMapping of a DynamoDB stream, made and changed through Lambda's API.

The engine writes the mapping's record itself: without Lambda's checks and defaults, and what a
template no longer has stays set. Source: registry schema of the type.
"""

import ministack.services.cloudformation.provisioners as engine
import ministack.services.lambda_svc as service

from embedded_aws.cloudformation.registry import Made, register, replace_function
from embedded_aws.replies import Json, body_of
from embedded_aws.streams.mappings import DEFAULTS, of_stream

KIND = "AWS::Lambda::EventSourceMapping"
CREATE_ONLY = ("EventSourceArn", "StartingPosition")
NUMBERS = (
    "BatchSize",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "ParallelizationFactor",
)
# What holds where a template says nothing, besides the defaults of streams.
UNSET: Json = {"Enabled": True, "FilterCriteria": {}, "FunctionResponseTypes": [], "MaximumBatchingWindowInSeconds": 0}


def install() -> None:
    """Register the handlers; the engine's own stay for mappings of other sources."""
    original_create, original_update = engine._lambda_esm_create, engine._lambda_esm_update

    def create(logical_id: str, props: Json, stack: str) -> Made:
        if not of_stream(props):
            made: Made = original_create(logical_id, props, stack)
            return made
        return _made(body_of(service._create_esm(_request(props)))["UUID"])

    def update(identifier: str, old: Json, new: Json, stack: str, _: str) -> Made:
        replaced = any(old.get(name) != new.get(name) for name in CREATE_ONLY)
        if replaced or not of_stream(new):
            made: Made = original_update(identifier, old, new, stack)
            return made
        body_of(service._update_esm(identifier, DEFAULTS | UNSET | _request(new)))
        return _made(identifier)

    # The engine's update makes a replacement with it.
    replace_function("_lambda_esm_create", create)
    register(KIND, create=create, update=update)


def _made(identifier: str) -> Made:
    return identifier, engine._lambda_esm_attrs(identifier)


def _request(props: Json) -> Json:
    """The properties in the form of the API: numbers as such, tags as a map."""
    request = {name: value for name, value in props.items() if value is not None}
    request |= {name: int(request[name]) for name in NUMBERS if name in request}
    if "Tags" in request:
        request["Tags"] = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    return request
