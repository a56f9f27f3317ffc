"""Every command of ``python -m chat`` on the embedded AWS: what it prints, and its mistakes."""

import contextlib
import functools
import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from chat.commands import COMMANDS
from chat.memberships import bring_up_to_date
from chat.model import Position, message_item
from chat.options import Commands
from chat.references import reference
from ops.cli import Parser
from tests.conftest import PROJECT
from tests.local import chat_steps, engines
from tests.local.user_pool import UserPool

REFERENCE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z#[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)


@pytest.fixture
def table(ministack, name):
    with engines.messages_table(ministack, name, stream=False) as made:
        yield made


@pytest.fixture
def chat(aws, monkeypatch, capsys):
    """``chat("history", "a#b", "--table", "t")``: any command."""
    monkeypatch.delenv("STAGE", raising=False)
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)
    return functools.partial(chat_steps.run, capsys)


@pytest.fixture
def on(chat, table):
    """``on("history", "a#b")``: a command on the test's table."""
    return lambda command, *arguments: chat(command, "--table", table.name, *arguments)


@pytest.fixture
def talk(table):
    """The references of ten messages of Tom and Jerry, a minute apart, in both users' lists."""
    people = ("Tom", "Jerry")
    sent = [
        message_item(sender=people[n % 2], recipient=people[(n + 1) % 2], body=f"text {n}",
                     sent_at=datetime(2026, 1, 1, 9, n, tzinfo=UTC), message_id=str(uuid.uuid4()))
        for n in range(10)
    ]  # fmt: skip
    for item in sent:
        table.put_item(Item=item)
    bring_up_to_date(table, "jerry#tom", Position.of(sent[-1]["sk"]))
    return [reference(item["sk"]) for item in sent]


def stdin(monkeypatch, data):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


# --- send


def test_a_message_is_sent_and_its_reference_printed(on, table):
    (line,) = on("send", "--from", "Tom", "--to", "Jerry", "Hey Jerry!").lines
    assert REFERENCE.fullmatch(line)
    (item,) = table.scan()["Items"]
    assert item == on("send", "--from", "a", "--to", "b", "--json", "x").json | {
        "pk": "CONVERSATION#jerry#tom", "sk": f"MESSAGE#{line}", "ConversationId": "jerry#tom",
        "SentAt": line[:24], "MessageId": line[25:], "FromUser": "Tom", "ToUser": "Jerry",
        "Body": "Hey Jerry!", "Status": "SENT",
    }  # fmt: skip


def test_the_same_text_at_the_same_time_is_two_messages(on):
    for _ in range(2):
        on("send", "--from", "a", "--to", "b", "--at", "2026-01-01T10:00+01:00", "x")
    times = {message["SentAt"] for message in on("history", "b#A", "--json").json}
    assert times == {"2026-01-01T09:00:00.000Z"}
    assert len(on("history", "a#b").lines) == 2


@pytest.mark.parametrize(
    ("data", "body"),
    [(b"x\n", "x"), (b"x\r\n", "x"), (b" a\nb\n\n", " a\nb\n"), ("→".encode(), "→")],
)
def test_a_body_comes_from_standard_input(on, monkeypatch, data, body):
    stdin(monkeypatch, data)
    assert on("send", "--from", "a", "--to", "b", "--json", "-").json["Body"] == body


@pytest.mark.parametrize("body", ["x" * 1024, "😀" * 1024, " x", "--", "-x"])
def test_a_body_that_is_allowed(on, body):
    assert on("send", "--from", "a", "--to", "b", "--json", "--", body).json["Body"] == body


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--from", "a", "--to", "b", "x" * 1025], 1,
         "the message has 1025 characters; at most 1024 are allowed"),
        (["--from", "a", "--to", "b", ""], 1,
         "the message is empty; it must have 1 to 1024 characters"),
        (["--from", "a", "--to", "b", " \t\n\u3000"], 1, "the message is empty"),
        (["--from", "a", "--to", "A", "x"], 2, "'a' and 'A' are the same user"),
        (["--from", "a#", "--to", "b", "x"], 2, "'a#' cannot name a user"),
        (["--from", "a", "--to", "b", "--at", "2026-01-01T09:00:00", "x"], 1,
         "is not a time: ISO"),
        (["--from", "a", "x"], 2, "the following arguments are required: --to"),
        (["--from", "a", "--to", "b", "\udcff"], 2, "'\\udcff' is not UTF-8 text"),
        (["--from", "a" * 2048, "--to", "b", "x"], 2, "the key pk has 2063 bytes"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_refused_before_anything_is_written(
    on, table, arguments, status, said
):
    failed = on("send", *arguments)
    assert failed.status == status
    assert said in failed.error
    assert table.scan()["Items"] == []


@pytest.mark.parametrize("data", [b"\xff", b"\n", b""])
def test_standard_input_that_is_no_message(on, monkeypatch, data):
    stdin(monkeypatch, data)
    failed = on("send", "--from", "a", "--to", "b", "-")
    assert failed.status == (2 if data == b"\xff" else 1)
    assert ("not UTF-8 at byte 0" if data == b"\xff" else "is empty") in failed.error


# --- history


@pytest.mark.usefixtures("talk")
def test_history_goes_back_by_the_option_it_says(on):
    found, options = [], ["--limit", "4"]
    while True:
        page = on("history", "Tom#jerry", *options)
        found = page.lines + found
        if not page.err:
            break
        before = page.err.removeprefix("there are older messages: ")
        options = ["--limit", "4", *shlex.split(before)]
    assert found == [
        f"{('Tom', 'Jerry')[n % 2]} → {('Jerry', 'Tom')[n % 2]}: text {n}" for n in range(10)
    ]


@pytest.mark.usefixtures("talk")
def test_history_of_a_time_and_before_one(on):
    def texts(*options):
        return [line[-1] for line in on("history", "tom#jerry", *options).lines]

    assert texts("--since", "2026-01-01T09:02Z", "--until", "2026-01-01T10:04:00+01:00") == list(
        "234"
    )
    assert texts("--before", "2026-01-01T09:02:00Z") == list("01")
    assert texts("--since", "2026-01-01", "--until", "2026-01-02", "--limit", "2") == list("89")
    assert texts("--since", "2025-12-31", "--all") == list("0123456789")
    nothing = on("history", "tom#jerry", "--since", "2026-01-02", "--json")
    assert (nothing.json, nothing.err) == (
        [], "conversation jerry#tom has no message in that time\n",
    )  # fmt: skip


@pytest.mark.parametrize("options", [[], ["--all"], ["--json"], ["--all", "--json"]])
def test_an_unknown_conversation_is_a_failure(on, table, options):
    failed = on("history", "a#b", *options)
    assert failed.status == 1
    assert failed.error == f"conversation a#b has no messages in table {table.name}"


@pytest.mark.usefixtures("talk")
def test_history_all_is_json_too(on):
    assert [m["Body"][-1] for m in on("history", "tom#jerry", "--all", "--json").json] == list(
        "0123456789"
    )


# --- conversations


def test_conversations_go_on_by_the_option_they_say(on, table):
    for n in range(5):
        reference = on("send", "--from", "Tom", "--to", f"it's {n}", "--at", f"20{20 + n}-01-01",
                       f"text {n}").lines[0]  # fmt: skip
        bring_up_to_date(table, f"it's {n}#tom", Position.of(reference))
    found, options = [], []
    while True:
        page = on("conversations", "TOM", "--limit", "2", *options)
        found += page.lines
        more = page.err.splitlines()
        assert "the last seconds may be missing" in more.pop(0)
        if not more:
            break
        options = shlex.split(more[0].removeprefix("there are more: "))
    assert [line.split("\t") for line in found] == [
        [f"20{20 + n}-01-01T00:00:00.000Z", f"it's {n}#tom", f"it's {n}", f"text {n}"]
        for n in range(4, -1, -1)
    ]
    rows = on("conversations", "tom", "--json", "--before", "2022-06-01").json
    assert [row["LastMessageBody"] for row in rows] == ["text 2", "text 1", "text 0"]


@pytest.mark.usefixtures("talk")
def test_the_check_marks_the_rows_that_lag(on):
    on("send", "--from", "Tom", "--to", "Jerry", "not indexed")
    checked = on("conversations", "jerry", "--check")
    assert checked.lines == ["2026-01-01T09:09:00.000Z\tjerry#tom\tTom\ttext 9\tlags"]
    assert checked.err == "1 of 1 lag behind their last message\n"
    (row,) = on("conversations", "tom", "--check", "--json").json
    assert (row["Lags"], row["OtherUser"]) == (True, "Jerry")


def test_a_user_without_conversations_is_an_empty_list(on, table):
    for options, out in ([], ""), (["--json"], "[]\n"):
        empty = on("conversations", "nobody", *options)
        assert (empty.status, empty.out) == (0, out)
        assert empty.err.splitlines()[0] == f"nobody has no conversations in table {table.name}"


def test_a_table_without_the_index_says_what_to_do(chat, messages_table):
    failed = chat("conversations", "tom", "--table", messages_table)
    assert failed.status == 1
    assert "has no index ConversationsByRecency; deploy its stack again" in failed.error


# --- one message, one item


def test_a_message_is_read_edited_and_deleted(on, talk):
    message_id = talk[3][25:]
    lines = on("get", "tom#jerry", message_id[:13]).lines
    assert "Body: text 3" in lines
    assert on("edit", "jerry#tom", message_id, "[red]changed[/red]").lines == [talk[3]]
    edited = on("get", "jerry#tom", talk[3], "--json").json
    assert edited["Body"] == "[red]changed[/red]"
    assert re.fullmatch(r"\d{4}-.*\.\d{3}Z", edited["EditedAt"])
    assert on("delete", "jerry#tom", message_id).lines == [talk[3]]
    for command in (["get"], ["delete"], ["edit", "x"]):
        failed = on(command[0], "jerry#tom", talk[3], *command[1:])
        assert failed.status == 1
        assert failed.error == f"conversation jerry#tom has no message {talk[3]}"
    assert len(on("history", "jerry#tom").lines) == 9


def test_json_of_edit_and_delete_is_the_item(on, talk):
    edited = on("edit", "jerry#tom", talk[0], "new", "--json").json
    assert (edited["Body"], edited["MessageId"]) == ("new", talk[0][25:])
    assert on("delete", "jerry#tom", talk[0], "--json").json == edited


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["get", "tom#jerry", "abc"], 2, "'abc' names no message: TIME#ID, an id, or at least 4"),
        (["get", "tom#jerry", "nobody"], 1, "has no message whose id is 'nobody' or begins so"),
        (["get", "tom#jerry", "yesterday#abcd"], 1, "'yesterday' is not a time"),
        (["get", "tom#jerry"], 2, "name a message, CONVERSATION and TIME#ID or id, or an item"),
        (["get", "tom#jerry", "abcd", "--key", "a", "b"], 2, "'tom#jerry' and --key: name a"),
        (["get", "--key", "a"], 2, "has the key pk (text) and sk (text): --key takes 2 values"),
        (["get", "--key", "a", "b"], 1, 'has no item with the key "a" "b"'),
        (["delete", "--key", "a", "b"], 1, 'has no item with the key "a" "b"'),
        (["edit", "tom#jerry", "abcd", ""], 1, "the message is empty"),
        (["edit", "tom#jerry", "abcd", "x" * 1025], 1, "1025 characters"),
        (["history", "tom"], 2, "'tom' is not a conversation"),
        (["history", "tom#jerry", "--limit", "0"], 2, "'0' is not a number of 1 or more"),
        (["history", "tom#jerry", "--since", "yesterday"], 1, "'yesterday' is not a time"),
        (["history", "tom#jerry", "--before", "x#y"], 1, "'x' is not a time"),
        (["conversations", "tom#jerry"], 2, "cannot name a user"),
        (["conversations", "tom", "--before", "x"], 1, "'x' is not a time"),
        (["scan", "--segments", "17"], 2, "--segments must be at most 16, got 17"),
        (["put", "{"], 2, "ITEM: is not valid JSON"),
        (["put", "[1]"], 2, "ITEM: not an object"),
        (["put", "no-such-file.json"], 1, "no-such-file.json: No such file or directory"),
        (["put", "-", "--if-unchanged", "-"], 2, "ITEM and OLD cannot both be -"),
        (["put", '{"pk": "a"}'], 2, "the item has no sk"),
        (["put", '{"pk": "a", "sk": 1}'], 2, "sk is 1, not a text value"),
        (["put", '{"pk": "a", "sk": "b"}', "--if-unchanged", '{"pk": "a", "sk": "c"}'], 2,
         "ITEM and OLD have different keys"),
        (["put", '{"pk": "a", "sk": "b"}', "--if-unchanged", "{"], 2, "OLD: is not valid JSON"),
        (["put", '{"pk": {"S": "a"}, "sk": {"N": "x"}}', "--typed"], 2,
         "ITEM: attribute 'sk': 'x' is not the text of a number"),
        (["put", '{"pk": "a", "sk": "b", "c": "\\u001b[31m\\ud800"}'], 2, "surrogate pair"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(on, arguments, status, said):
    failed = on(*arguments)
    assert said in failed.error
    assert failed.status == status


def test_any_item_is_put_read_and_deleted_by_its_key(on, tmp_path, monkeypatch):
    item = {"pk": "a b", "sk": "", "N": 12345678901234567890123456789012345678, "X": [1.5, None]}
    item["sk"] = "\x1b[31m"
    assert on("put", json.dumps(item)).lines == ["a b\t\\x1b[31m\t{}"]
    shown = on("get", "--key", "a b", "\x1b[31m", "--json")
    assert json.loads(shown.out, parse_float=Decimal) == item
    file = tmp_path / "item.json"
    file.write_text(json.dumps(item | {"X": "from a file"}))
    assert on("put", str(file), "--if-unchanged", shown.out, "--json").json["X"] == "from a file"
    again = on("put", str(file), "--if-unchanged", shown.out)
    assert again.status == 1
    assert 'X is "from a file", OLD has [1.5, null]; nothing written' in again.error
    stdin(monkeypatch, json.dumps(item).encode())
    taken = on("put", "-", "--if-absent")
    assert taken.status == 1
    assert 'has an item with the key "a b" "\\u001b[31m" already; nothing written' in taken.error
    assert on("delete", "--key", "a b", "\x1b[31m").lines == ["a b\t\\x1b[31m"]
    stdin(monkeypatch, json.dumps(item).encode())
    assert on("put", "-", "--if-absent").status == 0


def test_typed_items_keep_their_types(on, table):
    item = {"pk": "a", "sk": "b", "L": {"x", "y"}, "B": b"\xff", "N": {Decimal(1), Decimal("2.5")}}
    table.put_item(Item=item)
    typed = on("get", "--key", "a", "b", "--typed").out
    assert json.loads(typed)["B"] == {"B": "/w=="}
    on("delete", "--key", "a", "b")
    assert on("put", typed, "--typed").status == 0
    (found,) = table.scan()["Items"]
    assert found == item
    # The members of a set have no order.
    again = on("scan", "--typed").json
    assert {name: _unordered(value) for name, value in again.items()} == {
        name: _unordered(value) for name, value in json.loads(typed).items()
    }


def _unordered(value):
    ((kind, content),) = value.items()
    return kind, sorted(content) if kind in ("SS", "NS", "BS") else content


# --- scan, tables


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("segments", ["1", "4"])
def test_a_scan_prints_every_item_on_a_line(on, talk, segments):
    lines = on("scan", "--segments", segments, "--json").lines
    assert len(lines) == 12  # and two memberships
    assert {json.loads(line)["sk"] for line in lines} >= {f"MESSAGE#{one}" for one in talk}
    cells = [line.split("\t") for line in on("scan", "--segments", segments).lines]
    assert {cell[1] for cell in cells} == {json.loads(line)["sk"] for line in lines}
    assert all("pk" not in json.loads(rest) for _, _, rest in cells)
    assert len(on("scan", "--segments", segments, "--limit", "3").lines) == 3


def test_every_table_is_listed_beyond_the_first_hundred(chat, client, name):
    dynamodb = client("dynamodb")
    names = [f"{name}-{n:03}" for n in range(101)]
    keys = {"KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST"}  # fmt: skip
    try:
        for each in names:
            dynamodb.create_table(TableName=each, **keys)
        assert set(names) <= set(chat("tables").lines)
        assert set(names) <= set(chat("tables", "--json").json)
    finally:
        for each in names:
            with contextlib.suppress(dynamodb.exceptions.ResourceNotFoundException):
                dynamodb.delete_table(TableName=each)


# --- what every command has


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
    assert on("history", "tom#jerry", "--capacity").err == (
        "consumed capacity: 1 read units, 0 write units\n"
    )
    sent = on("send", "--from", "a", "--to", "b", "x", "--capacity", "--json")
    assert sent.err == "consumed capacity: 0 read units, 1 write units\n"
    assert sent.json["Body"] == "x"
    scanned = on("scan", "--segments", "4", "--capacity").err
    assert (
        float(re.fullmatch(r"consumed capacity: (.*) read units, 0 write units\n", scanned)[1]) > 0
    )


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
        (
            ["--table", "no-such-table"],
            1,
            "table no-such-table does not exist in us-east-1; deploy",
        ),
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
)  # fmt: skip
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


def test_an_interrupted_command_does_not_promise_to_continue(on, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("chat.writing.send", interrupt)
    ended = on("send", "--from", "a", "--to", "b", "x")
    assert (ended.status, ended.error) == (130, "interrupted; what was written until then stays")


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


# --- processes: signals and pipes


@contextlib.contextmanager
def start(aws, *arguments):
    """A command as a process, which a failing test ends too: else it would wait for it."""
    process = subprocess.Popen([sys.executable, "-m", "chat", *arguments], cwd=PROJECT, text=True,
                               env=aws.environment(), stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)  # fmt: skip
    with process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.usefixtures("talk")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_follow_prints_what_comes_until_it_is_ended(aws, on, table, ending):
    with start(
        aws, "follow", "jerry#tom", "--last", "2", "--json", "--table", table.name
    ) as process:
        assert [json.loads(process.stdout.readline())["Body"] for _ in "ab"] == ["text 8", "text 9"]
        sent = on("send", "--from", "Tom", "--to", "Jerry", "news")
        assert (sent.status, sent.err) == (0, "")
        assert json.loads(process.stdout.readline())["Body"] == "news"
        process.send_signal(ending)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


def test_follow_waits_for_a_first_message(aws, on, table):
    with start(aws, "follow", "a#b", "--table", table.name) as process:
        assert (
            process.stderr.readline()
            == "conversation a#b has no messages yet; waiting for the first\n"
        )
        on("send", "--from", "A", "--to", "B", "one\n\x1b[31mtwo")
        assert process.stdout.readline() == "A → B: one\\n\\x1b[31mtwo\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_a_reader_that_has_enough_ends_a_scan_quietly(aws, table):
    with table.batch_writer() as batch:
        for n in range(500):
            batch.put_item({"pk": f"p{n}", "sk": "s", "Body": "x" * 2000})
    with start(aws, "scan", "--segments", "4", "--json", "--table", table.name) as process:
        assert json.loads(process.stdout.readline())
        process.stdout.close()
        assert process.stderr.read() == ""
        process.wait(30)


@pytest.mark.usefixtures("talk")
def test_nothing_of_a_terminal_is_in_a_pipe(aws, on, table):
    forced = aws.environment() | {"FORCE_COLOR": "1", "CLICOLOR_FORCE": "1", "TTY_COMPATIBLE": "1"}
    shown = subprocess.run(
        [sys.executable, "-m", "chat", "history", "jerry#tom", "--table", table.name],
        cwd=PROJECT, text=True, env=forced, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    assert shown.stdout.splitlines() == on("history", "jerry#tom").lines


def test_on_a_terminal_history_is_a_table(aws, table, talk):
    leader, follower = os.openpty()
    with os.fdopen(leader, "rb", buffering=0) as screen:
        process = subprocess.Popen(
            [sys.executable, "-m", "chat", "history", "jerry#tom", "--table", table.name],
            cwd=PROJECT, env=aws.environment() | {"TERM": "xterm", "COLUMNS": "120"},
            stdout=follower, stderr=subprocess.PIPE,
        )  # fmt: skip
        os.close(follower)
        shown = b""
        with contextlib.suppress(OSError):  # how Linux says that nobody writes any more
            while part := screen.read(4096):
                shown += part
        assert process.wait(30) == 0
        process.stderr.close()
    header, first, *_ = shown.decode().splitlines()
    assert "sent (UTC)" in header
    assert first.split() == [
        "2026-01-01T09:00:00.000Z",
        "Tom",
        "Jerry",
        "text",
        "0",
        talk[0][25:33],
    ]
