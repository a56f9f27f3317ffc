"""Lambda runs functions whose files all users may read, and fails calls of the others."""

import json

import pytest

from embedded_aws.tests.support.stacks import Stack, resource
from embedded_aws.tests.support.steps import create_backup_role, package

PYTHON = "def handler(event, _):\n    return 'ran'\n"
NODE = "exports.handler = async () => 'ran';\n"


@pytest.fixture
def role(client, name):
    return create_backup_role(client, name, "lambda.amazonaws.com")


@pytest.fixture
def call(client, name, role):
    """``call(package)``: what a function of this package answers."""

    def run(code, runtime="python3.12", handler="code.handler"):
        client("lambda").create_function(
            FunctionName=name, Runtime=runtime, Handler=handler, Role=role, Code={"ZipFile": code}
        )
        return json.load(client("lambda").invoke(FunctionName=name)["Payload"])

    yield run
    client("lambda").delete_function(FunctionName=name)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o700])
def test_a_python_function_that_others_cannot_read_is_denied(call, mode):
    answer = call(package(("code.py", PYTHON, mode)))
    assert answer["errorType"] == "PermissionError"
    assert answer["errorMessage"] == "[Errno 13] Permission denied: '/var/task/code.py'"


def test_a_node_function_that_others_cannot_read_is_denied(call):
    answer = call(package(("code.js", NODE, 0o600)), "nodejs22.x")
    text = "EACCES: permission denied, open '/var/task/code.js'"
    assert answer == {"errorType": "Error", "errorMessage": text}


@pytest.mark.parametrize("mode", [0o700, 0o744, 0o711])
def test_a_function_in_a_folder_that_others_cannot_enter_is_denied(call, mode):
    code = package(("in/", "", mode), ("in/code.py", PYTHON, 0o644))
    answer = call(code, handler="in/code.handler")
    assert answer["errorMessage"] == "[Errno 13] Permission denied: '/var/task/in/'"


@pytest.mark.parametrize("modes", [(0o755, 0o644), (0o555, 0o444)])
def test_a_function_that_others_can_read_runs(call, modes):
    folder, file = modes
    code = package(("in/", "", folder), ("in/code.py", PYTHON, file))
    assert call(code, handler="in/code.handler") == "ran"


def test_code_in_a_template_is_readable(client, name, role):
    properties = {
        "FunctionName": name,
        "Role": role,
        "Runtime": "python3.12",
        "Handler": "index.handler",
        "Code": {"ZipFile": PYTHON},
    }
    stack = Stack(client, name).create(Function=resource("AWS::Lambda::Function", properties))
    assert json.load(client("lambda").invoke(FunctionName=name)["Payload"]) == "ran"
    stack.delete()
