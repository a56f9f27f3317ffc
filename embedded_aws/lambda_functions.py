"""What Lambda does and the engine's does not: roles that trust it and may log, errors with a type.

Source: Lambda Developer Guide, "Sending Lambda function logs to CloudWatch Logs" (the execution
role needs logs:CreateLogGroup, CreateLogStream and PutLogEvents; without them there are no logs,
and nothing says so), "Defining Lambda function permissions with an execution role" (the trust) and
"Lambda function handler in Python" (an error's type is the name of the exception's class); the
text about the trust: pdomala/LambdaCDDemo#1; the resource of logs: aws-solutions/aws-crr-monitor#8.
"""

import logging
from collections.abc import Callable
from typing import Any

import ministack.core.lambda_runtime as runtime
import ministack.services.cloudwatch_logs as logs
import ministack.services.lambda_svc as engine

from embedded_aws.iam.roles import find, trusts
from embedded_aws.replies import ApiError, Json, Reply
from embedded_aws.stepfunctions.roles import allows

SERVICE = "lambda.amazonaws.com"
LOGGING = ("logs:CreateLogStream", "logs:PutLogEvents")
# Within the engine's stand-in for @aws-sdk/client-lambda, which takes an error for an answer.
_ANSWERED = """res.on("end", () =>
            resolve({
              StatusCode: res.statusCode,"""
_ANSWERED_WELL = """res.on("end", () => {
            if (res.statusCode >= 400) {
              const said = JSON.parse(Buffer.concat(chunks).toString() || "{}");
              const failure = new Error(said.message || said.Message || "");
              failure.name = String(res.headers["x-amzn-errortype"] || said.__type || "Error");
              return reject(failure);
            }
            return resolve({
              StatusCode: res.statusCode,"""
_LOGGER = logging.getLogger(__name__)


def install() -> None:
    """Replace the engine's functions; each keeps the original for what it does well."""
    _install_logs()
    _install_errors()
    _install_sdk()
    engine._create_function = _trusting(engine._create_function)
    engine._update_config = _trusting(engine._update_config)


def _trusting(original: Callable[..., Reply]) -> Callable[..., Reply]:
    """Refuse a role that exists and does not trust Lambda; the last argument is the request."""

    def checked(*arguments: Any) -> Reply:
        role = str(arguments[-1].get("Role") or "")
        if find(role) and not trusts(role, SERVICE):
            text = "The role defined for the function cannot be assumed by Lambda."
            return ApiError("InvalidParameterValueException", text).reply()
        return original(*arguments)

    return checked


def _install_logs() -> None:
    """Check the role before a function's log is kept, and before a log group is made for it.

    The engine makes the group itself, also again after the stack that had it is gone.
    """
    emit = engine._emit_lambda_logs

    def checked(function: Json, *arguments: Any, **named: Any) -> None:
        config = function.get("config") or function
        own = f"/aws/lambda/{config.get('FunctionName')}"
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or own
        role = str(config.get("Role", "")).rsplit("/", 1)[-1]
        arn = logs._make_group_arn(group)
        stream = f"{arn.removesuffix('*')}log-stream:{config.get('FunctionName')}"
        wanted = [(action, stream) for action in LOGGING]
        if group not in logs._log_groups:
            wanted.insert(0, ("logs:CreateLogGroup", arn))
        for action, resource in wanted:
            if not allows(role, action, resource):
                _LOGGER.warning(
                    "log of %s lost: %s is not authorized to perform: %s on resource: %s",
                    config.get("FunctionName"),
                    role,
                    action,
                    resource,
                )
                return
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


def _install_sdk() -> None:
    """Let a Node function's call of another one fail as the SDK's does, when it is refused.

    Without, the CDK's provider framework goes on as if it had called.
    """
    head, tail = runtime._NODEJS_WORKER_SCRIPT.split(_ANSWERED)
    body, rest = tail.split("})\n          );", 1)
    runtime._NODEJS_WORKER_SCRIPT = f"{head}{_ANSWERED_WELL}{body}}});\n          }});{rest}"


def _error_type(log: str, message: str) -> str:
    """The class of the exception whose traceback, ``module.Class: message``, ends the log."""
    head = log.rstrip().removesuffix(message.rstrip()).rstrip().removesuffix(":")
    return head.rsplit("\n", 1)[-1].rsplit(".", 1)[-1]
