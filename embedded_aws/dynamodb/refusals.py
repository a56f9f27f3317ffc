"""The error texts of refused requests, where the engine's differ from those recorded on AWS.

Source: github.com/paritysuite/dynamodb-conformance, captures/2026-10-07-batch-empty-request-items.json
(BatchWriteItem) and registry/splits.json (update-item-validation-error-aggregation).
"""

from collections.abc import Callable, Set
from typing import Any

import ministack.services.dynamodb as engine
from ministack.core.responses import get_region

from embedded_aws.replies import ApiError, Handler, Json, Reply

# AWS is moving its regions to new texts; for an empty BatchWriteItem these had moved by 2026-10-07.
_MOVED_REGIONS = frozenset(("ap-east-2", "ap-southeast-1", "eu-central-1", "eu-north-1", "eu-west-2"))
# AWS leaves out the value and the member, and writes UPDATE_NEW for UPDATED_NEW.
_INVALID_RETURN_VALUES = (
    "1 validation error detected: Failed to satisfy constraint: "
    "Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
)


def batch_write_item(original: Handler, data: Json) -> Reply:
    """BatchWriteItem."""
    if data.get("RequestItems") == {} and get_region() not in _MOVED_REGIONS:
        raise ApiError("ValidationException", "The requestItems parameter is required for BatchWriteItem")
    return original(data)


def check_enums(
    original: Callable[..., Any], data: Json, return_values: Set[str] | None, first_only: bool = False
) -> Reply | None:
    """The error for the first invalid enum, or None; ``first_only`` for UpdateItem, which names no other."""
    given = data.get("ReturnValues")
    invalid = given is not None and return_values is not None and given not in return_values
    if first_only and invalid and not engine._older_validation_region():
        return ApiError("ValidationException", _INVALID_RETURN_VALUES).reply()
    refusal: Reply | None = original(data, return_values, first_only)
    return refusal
