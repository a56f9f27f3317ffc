"""What every command of ``python -m chat`` has: options, and mistakes in one line."""

import json
import re

import pytest


@pytest.mark.usefixtures("talk")
def test_the_consumed_capacity_is_printed_at_the_end(on):
    assert on("history", "tom#jerry", "--capacity").err == ("consumed capacity: 1 read units, 0 write units\n")
    sent = on("send", "--from", "a", "--to", "b", "x", "--capacity", "--json")
    assert sent.err == "consumed capacity: 0 read units, 1 write units\n"
    assert sent.json["Body"] == "x"
    scanned = on("scan", "--segments", "4", "--capacity").err
    assert float(re.fullmatch(r"consumed capacity: (.*) read units, 0 write units\n", scanned)[1]) > 0


# Of every command that reads or writes the table, the arguments that make it do so.
ON_A_TABLE = {
    "conversations": ["tom"],
    "history": ["tom#jerry"],
    "follow": ["tom#jerry"],
    "send": ["--from", "a", "--to", "b", "x"],
    "edit": ["tom#jerry", "abcd", "x"],
    "delete": ["tom#jerry", "abcd"],
    "get": ["--key", "a", "b"],
    "put": ['{"pk": "a", "sk": "b"}'],
    "scan": [],
}


@pytest.mark.parametrize(
    ("options", "variables", "said"),
    [
        ("--table no-such-table", {}, "table no-such-table does not exist in us-east-1; deploy"),
        ("--stage nowhere", {}, "stack Messages-nowhere does not exist in us-east-1"),
        ("--profile nobody --table T-1", {}, "(nobody) could not be found"),
        ("--table T-1", {"AWS_ENDPOINT_URL": "not a url"}, "Invalid endpoint: not a url; check AWS_ENDPOINT_URL"),
        ("--table T-1", {"AWS_CA_BUNDLE": "/no/such/file"}, "check AWS_CA_BUNDLE"),
    ],
)
def test_a_target_or_an_environment_that_does_not_work_is_one_line(chat, monkeypatch, options, variables, said):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    failed = chat("history", *options.split(), "tom#jerry")
    assert (failed.status, said in failed.error) == (1, True)


@pytest.fixture
def permitted(chat, client, name, monkeypatch):
    """``permitted("dynamodb:GetItem")``: ``chat`` as a user who may do these things only."""
    iam = client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]

    def allow(*actions):
        statement = {"Effect": "Allow", "Action": ["sts:GetCallerIdentity", *actions], "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        return chat

    yield allow
    iam.delete_user_policy(UserName=name, PolicyName="p")
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


# The permissions that suffice for a command.
ENOUGH = {
    "history": ["Query"],
    "conversations": ["Query"],
    "send": ["PutItem"],
    "scan": ["Scan", "DescribeTable"],
    "put": ["PutItem", "DescribeTable"],
    "tables": ["ListTables"],
}


@pytest.mark.usefixtures("talk")
def test_a_missing_permission_is_named_and_no_command_needs_more_than_its_own(permitted, table):
    def arguments(command):
        return [command] if command == "tables" else [command, "--table", table.name, *ON_A_TABLE[command]]

    for command in [*ON_A_TABLE, "tables"]:
        failed = permitted()(*arguments(command))
        assert failed.status == 1
        assert "AccessDenied" in failed.error
        assert re.search(r"; the caller needs permission for [A-Z][A-Za-z]+$", failed.error)
    for command, actions in ENOUGH.items():
        assert permitted(*(f"dynamodb:{action}" for action in actions))(*arguments(command)).status == 0, command


@pytest.mark.parametrize(
    ("command", "said"), [("history", "nothing was written"), ("put", "changes made so far are kept")]
)
def test_an_interrupted_command_says_whether_it_may_have_written(on, monkeypatch, command, said):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("botocore.client.BaseClient._make_api_call", interrupt)
        ended = on(command, *ON_A_TABLE[command])
    assert (ended.status, ended.error) == (130, f"interrupted; {said}")
