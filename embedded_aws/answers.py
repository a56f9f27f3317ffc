"""Members of the engine's answers that AWS's do not have.

Source: botocore's models, in which a reason's code is one of an enum and DescribeChangeSet has no ChangeSetType;
LocalStack's snapshots of tests/aws/services/lambda_/test_lambda_api: a function has no reasons when it is ready, and
one that is being updated is active.
"""

import re
from collections.abc import Callable
from typing import Any

from embedded_aws.replies import Handler, Json, Reply

REASONS = ("StateReason", "StateReasonCode", "LastUpdateStatusReason", "LastUpdateStatusReasonCode")

UPDATING: Json = {
    "State": "Active",
    "StateReason": "",
    "StateReasonCode": "",
    "LastUpdateStatusReason": "The function is being created.",
    "LastUpdateStatusReasonCode": "Creating",
}


def json_response(original: Callable[..., Reply], data: Any, *arguments: Any, **named: Any) -> Reply:
    """An answer of Lambda."""
    return original(_shown(data), *arguments, **named)


def _shown(value: Any) -> Any:
    """The answer with a function's state as AWS gives it."""
    if isinstance(value, list):
        return [_shown(each) for each in value]
    if not isinstance(value, dict):
        return value
    updating = UPDATING if value.get("StateReasonCode") == "Updating" else {}
    return {name: _shown(each) for name, each in (value | updating).items() if each != "" or name not in REASONS}


def describe_change_set(original: Handler, form: Json) -> Reply:
    """DescribeChangeSet."""
    status, headers, body = original(form)
    return status, headers, re.sub(rb"<ChangeSetType>\w*</ChangeSetType>", b"", body)
