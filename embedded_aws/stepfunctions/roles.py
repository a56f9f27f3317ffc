"""A state machine acts as its role: without a grant, its calls are denied.

Source: Guide, "Creating Step Functions state machines that use AWS Lambda" and "IAM policies for
using Distributed Map states". Of the calls it covers those of this project: Lambda functions, and
what a Distributed Map reads and starts. The text about the trust: lumigo-io/lumigo-CLI#83.
"""

from collections.abc import Callable
from typing import Any

import ministack.services.stepfunctions as engine
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region

from embedded_aws.iam.roles import find, trusts
from embedded_aws.replies import ApiError, Json, Reply

SERVICE = "states.amazonaws.com"


def install() -> None:
    """Check a state machine's role, and a task's call of a function before the engine makes it."""
    engine._create_state_machine = _trusting(engine._create_state_machine)
    engine._update_state_machine = _trusting(engine._update_state_machine)
    execute_task = engine._execute_task

    def checked(state: Json, raw_input: Any, execution: Json, ctx: Json) -> Any:
        function = _function_arn(state)
        if function:
            require(execution, "lambda:InvokeFunction", function, "Lambda.AWSLambdaException")
        return execute_task(state, raw_input, execution, ctx)

    engine._execute_task = checked


def _trusting(original: Callable[[Json], Reply]) -> Callable[[Json], Reply]:
    """Refuse a role that exists and does not trust Step Functions."""

    def checked(data: Json) -> Reply:
        role = str(data.get("roleArn") or "")
        if find(role) and not trusts(role, SERVICE):
            text = (
                "Neither the global service principal states.amazonaws.com, nor the regional one "
                "is authorized to assume the provided role."
            )
            return ApiError("AccessDeniedException", text).reply()
        return original(data)

    return checked


def require(execution: Json, action: str, resource: str, error: str) -> None:
    """Raise ``error`` in the execution unless its state machine's role allows the call."""
    # A child of a Map Run belongs to "<state machine>/<label>".
    machine = engine._state_machines.get(execution["stateMachineArn"].split("/")[0])
    role = machine["roleArn"].rsplit("/", 1)[-1] if machine else ""
    if not allows(role, action, resource):
        user = f"arn:aws:sts::{get_account_id()}:assumed-role/{role}/{execution['name']}"
        raise engine._ExecutionError(
            error,
            f"User: {user} is not authorized to perform: {action} on resource: {resource} "
            f"because no identity-based policy allows the {action} action",
        )


def allows(role: str, action: str, resource: str) -> bool:
    """Whether the policies of the role of that name allow ``action`` on ``resource``."""
    account = get_account_id()
    context = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:iam::{account}:role/{role}",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
    )
    policies = iam_evaluator._gather_role_policies(role, account)
    return bool(iam_evaluator.evaluate(context, policies).decision == "Allow")


def _function_arn(state: Json) -> str:
    resource = str(state.get("Resource", ""))
    if "states:::lambda:invoke" in resource:
        resource = str((state.get("Parameters") or {}).get("FunctionName", ""))
    return resource if resource.startswith("arn:aws:lambda:") else ""
