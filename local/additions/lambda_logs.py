"""A function's log group is made by its role, if that may: a role that may not loses the logs.

Source: Lambda Developer Guide, "Sending Lambda function logs to CloudWatch Logs" (the execution
role needs logs:CreateLogGroup, CreateLogStream and PutLogEvents). The engine makes the group
itself, also again after the stack that had it is gone.
"""

from typing import Any

import ministack.services.cloudwatch_logs as logs
import ministack.services.lambda_svc as engine

from local.additions.replies import Json
from local.additions.stepfunctions.roles import allows


def install() -> None:
    """Check the role before a log group is made for a function."""
    emit = engine._emit_lambda_logs

    def checked(function: Json, *arguments: Any, **named: Any) -> None:
        config = function.get("config") or function
        own = f"/aws/lambda/{config.get('FunctionName')}"
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or own
        role = str(config.get("Role", "")).rsplit("/", 1)[-1]
        arn = logs._make_group_arn(group)
        if group in logs._log_groups or allows(role, "logs:CreateLogGroup", arn):
            emit(function, *arguments, **named)

    engine._emit_lambda_logs = checked
