"""What Lambda does and the engine's does not: logs that the role allows, errors with their type.

Source: Lambda Developer Guide, "Sending Lambda function logs to CloudWatch Logs" (the execution
role needs logs:CreateLogGroup, CreateLogStream and PutLogEvents) and "Lambda function handler in
Python" (an error's type is the name of the exception's class).
"""

from typing import Any

import ministack.services.cloudwatch_logs as logs
import ministack.services.lambda_svc as engine

from local.additions.replies import Json
from local.additions.stepfunctions.roles import allows


def install() -> None:
    """Replace the engine's functions; each keeps the original for what it does well."""
    _install_logs()
    _install_errors()


def _install_logs() -> None:
    """Check the role before a log group is made for a function.

    The engine makes the group itself, also again after the stack that had it is gone.
    """
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


def _install_errors() -> None:
    """Give an error the type that a state machine's Retry and Catch go by.

    The engine calls every one Runtime.HandlerError.
    """
    execute = engine._execute_function_warm

    def typed(*arguments: Any) -> Json:
        answer: Json = execute(*arguments)
        log = str(answer.get("log", ""))
        if answer.get("error") and "Traceback (most recent call last)" in log:
            answer["body"]["errorType"] = _error_type(log, answer["body"]["errorMessage"])
        return answer

    engine._execute_function_warm = typed


def _error_type(log: str, message: str) -> str:
    """The class of the exception whose traceback, ``module.Class: message``, ends the log."""
    head = log.rstrip().removesuffix(message.rstrip()).rstrip().removesuffix(":")
    return head.rsplit("\n", 1)[-1].rsplit(".", 1)[-1]
