"""A function in a forked process finds what it would find in one of its own."""

import json

from embedded_aws.tests.support.steps import create_function, package

CODE = """
import importlib.util, os, sys

def handler(event, _):
    os.environ["SEEN"] = os.environ.get("SEEN", "") + event
    foreign = [name for name in ("embedded_aws", "model") if importlib.util.find_spec(name)]
    if event == "end":
        raise ValueError("ended")
    return [os.environ["NAME"], os.getcwd() == os.path.dirname(__file__), foreign, os.environ["SEEN"]]
"""


def test_a_function_has_its_own_environment_folder_and_modules(client, name, role):
    code, variables = package(("code.py", CODE, 0o644)), {"Variables": {"NAME": name}}
    create_function(client, name, role("lambda.amazonaws.com"), code, Environment=variables)

    def call(event):
        return json.load(client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))["Payload"])

    assert call("a") == [name, True, [], "a"]
    assert call("b") == [name, True, [], "ab"], "one process for calls that succeed"
    assert call("end")["errorMessage"] == "ended"
    assert call("c") == [name, True, [], "c"], "a new one after a failure"
    client("lambda").delete_function(FunctionName=name)
