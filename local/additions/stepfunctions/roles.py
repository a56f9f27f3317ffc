"""A state machine acts as its role: without a grant, its calls are denied.

Source: Guide, "Creating Step Functions state machines that use AWS Lambda" and "IAM policies for
using Distributed Map states". Of the calls it covers those of this project: Lambda functions, and
what a Distributed Map reads and starts.
"""

from typing import Any

import ministack.services.stepfunctions as engine
from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region

from local.additions.replies import Json


def install() -> None:
    """Check a task's call of a function before the engine makes it."""
    execute_task = engine._execute_task

    def checked(state: Json, raw_input: Any, execution: Json, ctx: Json) -> Any:
        function = _function_arn(state)
        if function:
            require(execution, "lambda:InvokeFunction", function, "Lambda.AWSLambdaException")
        return execute_task(state, raw_input, execution, ctx)

    engine._execute_task = checked


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
