"""Additions to the engine's Lambda: roles, logs, errors with a type, packages, idle workers.

Sources in the Lambda Developer Guide: "Sending Lambda function logs to CloudWatch Logs" (the execution role needs
logs:CreateLogGroup, CreateLogStream and PutLogEvents; without them there are no logs, and nothing says so);
"Defining Lambda function permissions with an execution role" (the trust); "Lambda function handler in Python" (an
error's type is the name of the exception's class); "Troubleshoot deployment issues in Lambda" (Lambda reads a
function's files as another user: 644 for files, 755 for folders; otherwise "EACCES: permission denied, open
'/var/task/index.js'" and "[Errno 13] Permission denied: '/var/task/function.py'" when the function is called);
"Understanding the Lambda execution environment lifecycle" (environments are ended every few hours). The text about
the trust: pdomala/LambdaCDDemo#1; the resource of logs: aws-solutions/aws-crr-monitor#8.

Lambda fails on the unreadable file that the function opens; here on any of the package, because
the functions here open them all. The engine never ends the process of a function that was called: 50 MB
each, a hundred of them after some stacks.
"""

import io
import logging
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ministack.core.lambda_runtime as runtime
import ministack.services.cloudwatch_logs as logs
import ministack.services.lambda_svc as engine

from embedded_aws.cloudformation import cfnresponse
from embedded_aws.iam import roles
from embedded_aws.replies import Json, invalid
from embedded_aws.settings import CURRENT

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
_NODE_DENIED = "EACCES: permission denied, open '/var/task/{}'"
_PYTHON_DENIED = "[Errno 13] Permission denied: '/var/task/{}'"
RESPONSE = Path(cfnresponse.__file__)
_FILE, _FOLDER = 0o004, 0o005
_UNIX = 3  # of ZipInfo.create_system; packages of other systems have no modes
_LOGGER = logging.getLogger(__name__)

check_role = roles.trusting(
    "lambda.amazonaws.com", "Role", invalid("The role defined for the function cannot be assumed by Lambda.")
)


def emit_logs(original: Callable[..., None], function: Json, *arguments: Any, **named: Any) -> None:
    """Check the role before a function's log is kept, and before a log group is made for it.

    The engine makes the group itself, also again after its stack was deleted.
    """
    config = function.get("config") or function
    own = f"/aws/lambda/{config.get('FunctionName')}"
    group = (config.get("LoggingConfig") or {}).get("LogGroup") or own
    arn = logs._make_group_arn(group)
    stream = f"{arn.removesuffix('*')}log-stream:{config.get('FunctionName')}"
    wanted = [(action, stream) for action in LOGGING]
    if group not in logs._log_groups:
        wanted.insert(0, ("logs:CreateLogGroup", arn))
    role = str(config.get("Role", ""))
    name = role.rsplit("/", 1)[-1]
    if missing := [
        f"{action} on resource: {resource}" for action, resource in wanted if not roles.allows(role, action, resource)
    ]:
        _LOGGER.warning("log of %s lost: %s is not authorized to perform: %s", config["FunctionName"], name, missing[0])
    else:
        original(function, *arguments, **named)


def execute(original: Callable[..., Json], function: Json, *arguments: Any) -> Json:
    """Fail for files that others cannot read; give an error the type that Retry and Catch go by.

    The engine calls every error Runtime.HandlerError.
    """
    engine._ensure_reaper_thread()  # which the engine starts for containers only
    if file := _unreadable(function.get("code_zip") or b""):
        config = function.get("config") or function
        node = str(config.get("Runtime", "")).startswith("nodejs")
        text = (_NODE_DENIED if node else _PYTHON_DENIED).format(file)
        body = {"errorType": "Error" if node else "PermissionError", "errorMessage": text}
        return {"body": body, "error": True, "log": text}
    answer = original(function, *arguments)
    log = str(answer.get("log", ""))
    if answer.get("error") and "Traceback (most recent call last)" in log:
        answer["body"]["errorType"] = _error_type(log, answer["body"]["errorMessage"])
    return answer


def ca_bundle(original: Callable[[str], str | None], certificate: str) -> str | None:
    """What functions trust: the server's CA; the engine takes the server's own certificate, which Python refuses."""
    return original(str(Path(certificate).with_name("ca.pem")))


def zip_inline(original: Callable[..., bytes | None], *arguments: Any) -> bytes | None:
    """Code inside a template is readable, and Python code has the module ``cfnresponse``."""
    package = original(*arguments)
    if not package:
        return package
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as given, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        files = {name: given.read(name) for name in given.namelist()}
        if any(name.endswith(".py") for name in files):
            files[RESPONSE.name] = RESPONSE.read_bytes()
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o644 << 16
            made.writestr(entry, content)
    return buffer.getvalue()


def with_refusals(node_script: str) -> str:
    """Let a Node function's call of another one fail as the SDK's does, when it is refused.

    Otherwise the CDK's provider framework continues as if it had called.
    """
    head, tail = node_script.split(_ANSWERED)
    body, rest = tail.split("})\n          );", 1)
    return f"{head}{_ANSWERED_WELL}{body}}});\n          }});{rest}"


def _error_type(log: str, message: str) -> str:
    """The class of the exception whose traceback, ``module.Class: message``, ends the log."""
    head = log.rstrip().removesuffix(message.rstrip()).rstrip().removesuffix(":")
    return head.rsplit("\n", 1)[-1].rsplit(".", 1)[-1]


def _unreadable(package: bytes) -> str | None:
    """The first file or folder of a package that others cannot read, or None."""
    if not package:
        return None
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        for entry in archive.infolist():
            mode = entry.external_attr >> 16
            needed = _FOLDER if entry.is_dir() else _FILE
            if entry.create_system == _UNIX and mode and mode & needed != needed:
                return entry.filename
    return None


def end_idle_workers() -> int:
    """End the workers that were idle for ``function_idle_seconds``; how many. Called every 30 seconds."""
    now, ended = time.time(), []
    with runtime._lock:
        for key, workers in list(runtime._workers.items()):
            last = now - CURRENT.function_idle_seconds
            idle = [one for one in workers if not one.in_use and getattr(one, "last_used", now) < last]
            ended += idle
            runtime._workers[key] = [one for one in workers if one not in idle]
            if not runtime._workers[key]:
                del runtime._workers[key]
    runtime.kill_workers(ended)
    return len(ended)
