"""What every command of ``python -m chat`` has: options, and mistakes in one line."""

import json
import re

import pytest

from chat.commands import COMMANDS
from chat.options import Commands
from cli.command_line import Parser
from tests.support import odd_server
from tests.support.user_pool import UserPool


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["get", "tom#jerry", "abc"], 2, "'abc' names no message: TIME#ID, an id, or at least 4"),
        (["get", "tom#jerry", "nobody"], 1, "has no message whose id is 'nobody' or begins so"),
        (["get", "tom#jerry", "yesterday#abcd"], 2, "'yesterday' is not a time"),
        (["get", "tom#jerry"], 2, "name a message, CONVERSATION and TIME#ID or id, or an item"),
        (["get", "tom#jerry", "abcd", "--key", "a", "b"], 2, "'tom#jerry' and --key: name a"),
        (["get", "--key", "a"], 2, "has the key pk (text) and sk (text): --key takes 2 values"),
        (["get", "--key", "a", "b"], 1, 'has no item with the key "a" "b"'),
        (["delete", "--key", "a", "b"], 1, 'has no item with the key "a" "b"'),
        (["edit", "tom#jerry", "abcd", ""], 2, "the message is empty"),
        (["edit", "tom#jerry", "abcd", "x" * 1025], 2, "1025 characters"),
        (["history", "tom"], 2, "'tom' is not a conversation"),
        (["history", "tom#jerry", "--limit", "0"], 2, "'0' is not a number of 1 or more"),
        (["history", "tom#jerry", "--since", "yesterday"], 2, "'yesterday' is not a time"),
        (["history", "tom#jerry", "--before", "x#y"], 2, "'x' is not a time"),
        (["conversations", "tom#jerry"], 2, "cannot name a user"),
        (["conversations", "tom", "--before", "x"], 2, "'x' is not a time"),
        (["scan", "--segments", "17"], 2, "--segments must be at most 16, got 17"),
        (["put", "{"], 2, "ITEM: is not valid JSON"),
        (["put", "[1]"], 2, "ITEM: not an object"),
        (["put", "no-such-file.json"], 1, "no-such-file.json: No such file or directory"),
        (["put", "-", "--if-unchanged", "-"], 2, "ITEM and OLD cannot both be -"),
        (["put", ""], 2, "ITEM is empty; give an item as JSON, a file of it, or -"),
        (["put", '{"pk": "a", "sk": "b"}', "--if-unchanged", " "], 2, "OLD is empty; give an item"),
        (
            ["put", json.dumps({"pk": "a", "sk": "b", "c": "x" * 409_599})],
            2,
            "ITEM has 409606 bytes; DynamoDB allows 409600",
        ),
        (["put", json.dumps({"pk": "x" * 2049, "sk": "b"})], 2, "the key pk has 2049 bytes"),
        (["get", "--key", "a", "x" * 1025], 2, "the key sk has 1025 bytes; DynamoDB allows 1024"),
        (["put", '{"pk": "a"}'], 2, "the item has no sk"),
        (["put", '{"pk": "a", "sk": 1}'], 2, "sk is 1, not a text value"),
        (
            ["put", '{"pk": "a", "sk": "b"}', "--if-unchanged", '{"pk": "a", "sk": "c"}'],
            2,
            "ITEM and OLD have different keys",
        ),
        (["put", '{"pk": "a", "sk": "b"}', "--if-unchanged", "{"], 2, "OLD: is not valid JSON"),
        (
            ["put", '{"pk": {"S": "a"}, "sk": {"N": "x"}}', "--typed"],
            2,
            "ITEM: attribute 'sk': 'x' is not the text of a number",
        ),
        (["put", '{"pk": "a", "sk": "b", "c": "\\u001b[31m\\ud800"}'], 2, "surrogate pair"),
    ],
)
def test_a_mistake_is_one_line(on, arguments, status, said):
    failed = on(*arguments)
    assert said in failed.error
    assert failed.status == status


def every_command():
    top = Parser()
    commands: Commands = top.add_subparsers()
    for module in COMMANDS:
        module.add(commands)
    return commands.choices


def test_every_command_has_the_shared_options_and_a_summary():
    for name, parser in every_command().items():
        options = set(parser._option_string_actions)
        wanted = {"--stage", "--stack", "--region", "--profile", "--json", "--capacity"}
        assert wanted <= options, name
        assert parser.description, name


@pytest.mark.usefixtures("talk")
def test_the_consumed_capacity_is_told_at_the_end(on):
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


@pytest.mark.parametrize("command", ON_A_TABLE)
@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--table", "no-such-table"], 1, "table no-such-table does not exist in us-east-1; deploy"),
        (["--table", "x"], 2, "'x' is not a table name: 3 to 255 of"),
        (["--stage", "nowhere"], 1, "stack Messages-nowhere does not exist in us-east-1"),
        (["--stage", "Prod"], 2, "'Prod' is not a stage"),
        (["--profile", "nobody", "--table", "no-such-table"], 1, "(nobody) could not be found"),
    ],
)
def test_a_target_that_is_not_there(chat, command, options, status, said):
    failed = chat(command, *options, *ON_A_TABLE[command])
    assert said in failed.error
    assert failed.status == status


@pytest.mark.parametrize("command", [*ON_A_TABLE, "tables"])
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"AWS_ENDPOINT_URL": "not a url"}, "Invalid endpoint: not a url; check AWS_ENDPOINT_URL"),
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "no AWS credentials"),
        ({"AWS_REGION": None, "AWS_DEFAULT_REGION": None}, "no AWS region is set"),
        ({"AWS_CA_BUNDLE": "/no/such/file"}, "check AWS_CA_BUNDLE"),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, "check the network, --region and AWS"),
    ],
)
def test_an_environment_that_does_not_work(chat, monkeypatch, table, command, variables, said):
    for name, value in variables.items():
        if value is None:
            monkeypatch.delenv(name)
        else:
            monkeypatch.setenv(name, value)
    where = [] if command == "tables" else ["--table", table.name, *ON_A_TABLE[command]]
    failed = chat(command, *where)
    assert said in failed.error
    assert failed.status == 1


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b"<html>Log in</html>", "text/html", "expected JSON, got text/html, status 200"),
        (b"", "", "expected JSON, got an empty body, no content type, status 200"),
    ],
)
@pytest.mark.parametrize("command", [*ON_A_TABLE, "tables", "export", "reindex", "users", "import FILE"])
def test_what_is_no_answer_of_aws_is_said(chat, monkeypatch, tmp_path, command, body, kind, said):
    (tmp_path / "lines").write_text('{"pk": "a", "sk": "b"}\n')
    where = ["--table", "no-such-table", *ON_A_TABLE.get(command, [])]
    if command == "users":
        where = ["--user-pool-id", "us-east-1_Ab1cD2eF3"]
    if command == "import FILE":
        command, where = "import", [str(tmp_path / "lines"), *where]
    with odd_server.served(lambda *_: body, kind) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        failed = chat(command, *([] if command == "tables" else where))
    assert re.match(f"[A-Z][A-Za-z]+: the response did not come from AWS: {said}; check AWS_ENDP", failed.error)
    assert failed.status == 1


@pytest.fixture
def permitted(chat, client, name, monkeypatch):
    """``permitted("dynamodb:GetItem")``: ``chat`` as a user who may do these things only."""
    iam = client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]

    def allow(*actions):
        if actions:
            statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        return chat

    yield allow
    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


@pytest.mark.parametrize("command", [*ON_A_TABLE, "tables"])
def test_without_permission_the_missing_one_is_named(permitted, table, command):
    where = [] if command == "tables" else ["--table", table.name, *ON_A_TABLE[command]]
    failed = permitted()(command, *where)
    assert failed.status == 1
    assert "AccessDenied" in failed.error
    assert re.search(r"; the caller needs permission for [A-Z][A-Za-z]+$", failed.error)


@pytest.mark.parametrize(
    ("command", "actions"),
    [
        ("history", ["dynamodb:Query"]),
        ("conversations", ["dynamodb:Query"]),
        ("send", ["dynamodb:PutItem"]),
        ("scan", ["dynamodb:Scan", "dynamodb:DescribeTable"]),
        ("put", ["dynamodb:PutItem", "dynamodb:DescribeTable"]),
        ("tables", ["dynamodb:ListTables"]),
    ],
)
@pytest.mark.usefixtures("talk")
def test_no_command_needs_more_permissions_than_its_own(permitted, table, command, actions):
    where = [] if command == "tables" else ["--table", table.name, *ON_A_TABLE[command]]
    assert permitted(*actions)(command, *where).status == 0


WRITING = {"send", "edit", "delete", "put"}


@pytest.mark.parametrize("command", [name for name in ON_A_TABLE if name != "follow"])
def test_an_interrupted_command_says_whether_it_may_have_written(on, monkeypatch, command):
    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("botocore.client.BaseClient._make_api_call", interrupt)
        ended = on(command, *ON_A_TABLE[command])
    stays = "what was written until then stays" if command in WRITING else "nothing was written"
    assert (ended.status, ended.error) == (130, f"interrupted; {stays}")


def test_with_a_user_pool_people_have_names_and_keys_have_subs(on, table, client, name):
    pool = UserPool(client, name)
    try:
        tom, jerry = pool.add("Tom"), pool.add("Jerry")
        for sender, recipient in (("tom", "JERRY"), ("Jerry", tom)):
            sent = on("send", "--user-pool-id", pool.id, "--from", sender, "--to", recipient, "x")
            assert sent.status == 0
        keys = {item["pk"] for item in table.scan()["Items"]}
        assert keys == {f"CONVERSATION#{'#'.join(sorted((tom, jerry)))}"}
        shown = on("history", "--user-pool-id", pool.id, "jerry#tom")
        assert shown.lines == ["Tom → Jerry: x", "Jerry → Tom: x"]
        failed = on("send", "--user-pool-id", pool.id, "--from", "Spike", "--to", "Tom", "x")
        assert (failed.status, "'Spike' is not in user pool" in failed.error) == (1, True)
    finally:
        pool.delete()
