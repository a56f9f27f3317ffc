"""Members that the engine's answers have and AWS's do not.

Source: botocore's models, in which a reason's code is one of an enum and DescribeChangeSet has no ChangeSetType;
LocalStack's snapshots of tests/aws/services/lambda_/test_lambda_api have no reasons for an active function.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import ministack.services.cloudformation.handlers as cloudformation
import ministack.services.lambda_svc as functions

from embedded_aws.patching import Handler, wrap
from embedded_aws.replies import Json, Reply

REASONS = ("StateReason", "StateReasonCode", "LastUpdateStatusReason", "LastUpdateStatusReasonCode")


def install() -> None:
    """Leave the members out."""
    wrap(functions, "json_response", _json_response)
    handler = cloudformation._ACTION_HANDLERS["DescribeChangeSet"]
    cloudformation._ACTION_HANDLERS["DescribeChangeSet"] = partial(_describe_change_set, handler)


def _json_response(original: Callable[..., Reply], data: Any, *arguments: Any, **named: Any) -> Reply:
    return original(_without_empty_reasons(data), *arguments, **named)


def _without_empty_reasons(value: Any) -> Any:
    if isinstance(value, dict):
        shown = {name: each for name, each in value.items() if each != "" or name not in REASONS}
        return {name: _without_empty_reasons(each) for name, each in shown.items()}
    return list(map(_without_empty_reasons, value)) if isinstance(value, list) else value


def _describe_change_set(original: Handler, form: Json) -> Reply:
    status, headers, body = original(form)
    return status, headers, re.sub(rb"<ChangeSetType>\w*</ChangeSetType>", b"", body)
