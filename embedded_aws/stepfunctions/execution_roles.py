"""A state machine acts as its role: without a grant, its calls are denied.

Source: Guide, "Creating Step Functions state machines that use AWS Lambda" and "IAM policies for
using Distributed Map states". Of the calls it covers Lambda functions, and
what a Distributed Map reads and starts. The text about the trust: lumigo-io/lumigo-CLI#83.
"""

from collections.abc import Callable
from typing import Any

import ministack.core.iam_actions as iam_actions
import ministack.services.stepfunctions as engine
from ministack.core.responses import get_account_id

from embedded_aws.iam import roles
from embedded_aws.replies import ApiError, Json

check_role = roles.trusting(
    "states.amazonaws.com",
    "roleArn",
    ApiError(
        "AccessDeniedException",
        "Neither the global service principal states.amazonaws.com, nor the regional one is authorized to assume "
        "the provided role.",
    ),
)


def execute_task(original: Callable[..., Any], state: Json, raw_input: Any, execution: Json, ctx: Json) -> Any:
    """Check a task's call of a function before the engine makes it."""
    function = _function_arn(state)
    if function:
        require(execution, "lambda:InvokeFunction", function, "Lambda.AWSLambdaException")
    return original(state, raw_input, execution, ctx)


def require(execution: Json, action: str, resource: str, error: str, **context: str) -> None:
    """Raise ``error`` in the execution unless its role allows the call, which has these condition keys."""
    # A child of a Map Run belongs to "<state machine>/<label>".
    machine = engine._state_machines.get(execution["stateMachineArn"].split("/")[0])
    role = machine["roleArn"].rsplit("/", 1)[-1] if machine else ""
    if not roles.allows(role, action, resource, **context):
        user = f"arn:aws:sts::{get_account_id()}:assumed-role/{role}/{execution['name']}"
        raise engine._ExecutionError(error, iam_actions.identity_denial_message(action, user, resource, False))


def _function_arn(state: Json) -> str:
    resource = str(state.get("Resource", ""))
    if "states:::lambda:invoke" in resource:
        resource = str((state.get("Parameters") or {}).get("FunctionName", ""))
    return resource if resource.startswith("arn:aws:lambda:") else ""
