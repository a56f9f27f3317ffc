"""Lambda runs functions whose files all users may read, and ends idle processes."""

import json
import time
from types import SimpleNamespace

import ministack.core.lambda_runtime as runtime
import pytest

from embedded_aws import lambda_functions
from embedded_aws.settings import CURRENT
from embedded_aws.tests.support.stacks import resource
from embedded_aws.tests.support.steps import create_function, package

PYTHON = "def handler(event, _):\n    return 'ran'\n"
NODE = "exports.handler = async () => 'ran';\n"


@pytest.fixture
def call(client, name, role):
    """``call(package)``: what a function of this package answers; without one, the function that is there."""

    def run(code=b"", **more):
        if code:
            create_function(client, name, role("lambda.amazonaws.com"), code, **more)
        return json.load(client("lambda").invoke(FunctionName=name)["Payload"])

    yield run
    client("lambda").delete_function(FunctionName=name)


@pytest.mark.parametrize(
    ("folder", "file", "denied"),
    [
        (None, 0o600, "code.py"),
        (None, 0o640, "code.py"),
        (0o700, 0o644, "in/"),
        (0o744, 0o644, "in/"),
        (0o711, 0o644, "in/"),
        (0o755, 0o644, None),
        (0o555, 0o444, None),
    ],
)
def test_a_python_function_runs_if_others_can_read_its_files(call, folder, file, denied):
    where = "in/" if folder else ""
    parts = [("in/", "", folder)] if folder else []
    answer = call(package(*parts, (f"{where}code.py", PYTHON, file)), Handler=f"{where}code.handler")
    error = {"errorType": "PermissionError", "errorMessage": f"[Errno 13] Permission denied: '/var/task/{denied}'"}
    assert answer == (error if denied else "ran")


def test_a_node_function_that_others_cannot_read_is_denied(call):
    answer = call(package(("code.js", NODE, 0o600)), Runtime="nodejs22.x")
    text = "EACCES: permission denied, open '/var/task/code.js'"
    assert answer == {"errorType": "Error", "errorMessage": text}


def test_code_in_a_template_is_readable(call, stack, name, role):
    properties = {"FunctionName": name, "Runtime": "python3.12", "Handler": "index.handler"}
    properties |= {"Role": role("lambda.amazonaws.com"), "Code": {"ZipFile": PYTHON}}
    stack.create(Function=resource("AWS::Lambda::Function", properties))
    assert call() == "ran"


def test_only_processes_that_are_idle_for_long_are_ended(monkeypatch):
    def worker(idle, in_use=False):
        return SimpleNamespace(last_used=time.time() - idle, in_use=in_use)

    ended, long = [], CURRENT.function_idle_seconds + 10
    old, busy, fresh, alone = worker(long), worker(long, in_use=True), worker(1), worker(long)
    monkeypatch.setattr(runtime, "_workers", {"several": [old, busy, fresh], "one": [alone]})
    monkeypatch.setattr(runtime, "kill_workers", ended.extend)
    assert lambda_functions.end_idle_workers() == 2
    assert ended == [old, alone]
    assert runtime._workers == {"several": [busy, fresh]}
