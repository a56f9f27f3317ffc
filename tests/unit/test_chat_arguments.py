"""Wrong arguments of ``python -m chat``: status 2, one line, and nothing but the table's keys is read."""

import argparse
import json

import pytest

from chat.__main__ import main
from chat.target import MOST, count

ITEM = '{"pk": "a", "sk": "b"}'
SIZE = json.dumps({"pk": "a", "sk": "b", "c": "x" * 409_599})
SEND = ["send", "--from", "a", "--to", "b"]

WRONG = [
    ("history", ["tom"], "'tom' is not a conversation: two users joined by #"),
    ("history", ["tom#Tom"], "are the same user"),
    ("history", ["a#b", "--limit", "0"], "'0' is not a number of 1 or more, up to 2147483647"),
    ("history", ["a#b", "--limit", str(MOST + 1)], "is not a number of 1 or more"),
    ("history", ["a#b", "--since", "yesterday"], "'yesterday' is not a time: ISO 8601 with a zone"),
    ("history", ["a#b", "--until", "2026-01-01T09:00"], "is not a time"),
    ("history", ["a#b", "--before", "x#y"], "'x' is not a time"),
    ("history", ["a#b", "--stage", "X!"], "'X!' is not a stage"),
    ("history", ["a#b", "--table", "x"], "'x' is not a table name: 3 to 255 of"),
    ("follow", ["a# "], "cannot name a user"),
    ("conversations", ["tom#jerry"], "cannot name a user"),
    ("conversations", ["tom", "--before", "x"], "'x' is not a time"),
    ("send", ["--from", "a#", "--to", "b", "x"], "'a#' cannot name a user"),
    ("send", ["--from", "a", "--to", "", "x"], "'' cannot name a user"),
    ("send", [*SEND[1:], "--at", "", "x"], "'' is not a time"),
    ("send", [*SEND[1:], "x" * 1025], "the message has 1025 characters; at most 1024 are allowed"),
    ("send", [*SEND[1:], " "], "the message is empty; it must have 1 to 1024 characters"),
    ("edit", ["a#b", "abc", "x"], "'abc' is not a message: pass TIME#ID, a message id, or at least its first 4"),
    ("edit", ["a#b", "abcd", ""], "the message is empty"),
    ("delete", ["a#b", "yesterday#abcd"], "'yesterday' is not a time"),
    ("get", ["a#b"], "pass CONVERSATION and a message (TIME#ID or id), or --key"),
    ("get", ["a#b", "abcd", "--key", "a", "b"], "'a#b' and --key: pass a message or a key, not both"),
    ("get", ["--key", "a"], "has the key pk (text) and sk (text): --key takes 2 values, got 1"),
    ("get", ["--key", "a", "x" * 1025], "the key sk has 1025 bytes; DynamoDB allows 1024"),
    ("scan", ["--segments", "17"], "--segments must be at most 16, got 17"),
    ("put", ["{"], "ITEM: is not valid JSON"),
    ("put", ["[1]"], "ITEM: not an object"),
    ("put", [""], "ITEM is empty; pass an item as JSON text, a file, or -"),
    ("put", ["-", "--if-unchanged", "-"], "ITEM and OLD cannot both be -; there is one standard input"),
    ("put", [SIZE], "ITEM has 409606 bytes; DynamoDB allows 409600"),
    ("put", [json.dumps({"pk": "x" * 2049, "sk": "b"})], "the key pk has 2049 bytes; DynamoDB allows 2048"),
    ("put", ['{"pk": "a"}'], "the item has no sk; table Messages has the key pk (text) and sk (text)"),
    ("put", ['{"pk": "a", "sk": 1}'], "sk is 1, not a text value"),
    ("put", ['{"pk": "", "sk": "b"}'], "pk is empty; a key must not be"),
    ("put", ['{"pk": {"S": "a"}, "sk": {"N": "x"}}', "--typed"], "'x' is not the text of a number"),
    ("put", ['{"pk": "a", "sk": "b", "c": "\\u001b[31m\\ud800"}'], "surrogate pair"),
    ("put", [ITEM, "--if-unchanged", " "], "OLD is empty; pass an item"),
    ("put", [ITEM, "--if-unchanged", '{"pk": "a", "sk": "c"}'], "ITEM and OLD have different keys"),
    ("export", ["--conversation", "a"], "'a' is not a conversation"),
    ("export", ["--json"], "--json prints the result, and needs FILE"),
    ("reindex", ["a#b", "a"], "'a' is not a conversation"),
    ("reindex", ["a#b", "--failed"], "name conversations, or pass --failed or --all, not both"),
    ("reindex", ["--failed"], "this needs the stack output FailureQueueUrl; use --stage or --stack instead of --table"),
    ("users", ["--user-pool-id", "nowhere"], "'nowhere' is not the id of a user pool"),
    ("tables", ["--nonsense"], "unrecognized arguments: --nonsense"),
]


@pytest.fixture
def environment(monkeypatch):
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("command", "arguments", "said"), WRONG, ids=lambda value: str(value)[:40])
@pytest.mark.usefixtures("environment")
def test_a_mistake_is_one_line(command, arguments, said, capsys, monkeypatch):
    def answer(_client, operation, _request):
        assert operation == "DescribeTable"
        keys = {"pk": "HASH", "sk": "RANGE"}
        return {
            "Table": {
                "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
                "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in keys],
            }
        }

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", answer)
    where = [] if command in ("users", "tables") or {"--table", "--stage"} & {*arguments} else ["--table", "Messages"]
    try:
        status = main([command, *where, *arguments])
    except SystemExit as ended:  # argparse
        status = ended.code
    printed = capsys.readouterr()
    assert (status, printed.out) == (2, "")
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert said in printed.err


@pytest.mark.parametrize("argv", [["history", "a#b"], ["follow", "a# "], [*SEND, " "], ["reindex", "a"]])
def test_what_the_arguments_alone_show_needs_no_region(argv, monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    assert main([*argv, "--table", "x"]) == 2


@pytest.mark.parametrize("text", ["-1", "", "x", "1_0", "١", " 1", "1.0", "9" * 20, "9" * 5000])
def test_what_is_not_a_number_of_things(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is not a number of 1 or more, up to"):
        count(text)


@pytest.mark.parametrize("argv", [["history", "a#b"], ["conversations", "a"], ["scan"]], ids=str)
@pytest.mark.usefixtures("environment")
def test_the_largest_number_fits_into_a_request(argv, monkeypatch):
    asked = []

    def answer(_client, _operation, request):
        asked.append(request)
        raise KeyboardInterrupt

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", answer)
    assert main([*argv, "--limit", str(MOST), "--table", "Messages", "--json"]) == 130
    assert asked[0]["Limit"] <= MOST
