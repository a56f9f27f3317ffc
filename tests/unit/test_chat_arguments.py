"""Wrong arguments of ``python -m chat``: status 2, one line, and nothing but the table's keys is read."""

import sys
from decimal import Decimal
from types import SimpleNamespace

import pytest

from chat.__main__ import main
from chat.items import key_of
from chat.target import MOST
from cli.errors import UsageError

ITEM = '{"pk": "a", "sk": "b"}'
SEND = ["send", "--from", "a", "--to", "b"]

WRONG = [
    ("history", ["tom"], "'tom' is not a conversation: two users joined by #"),
    ("history", ["tom#Tom"], "are the same user"),
    *[
        ("history", ["a#b", f"--limit={number}"], "--limit: must be between 1 and 1e+09, got ")
        for number in ("0", MOST + 1)
    ],
    *[
        ("history", ["a#b", f"--limit={text}"], "--limit: invalid number value: ")
        for text in ("", "x", "1.0", "9" * 5000)
    ],
    ("history", ["a#b", "--since", "yesterday"], "'yesterday' is not a time: ISO 8601 with a zone"),
    ("history", ["a#b", "--stage", "X!"], "'X!' is not a stage"),
    ("history", ["a#b", "--table", "x"], "--table: 'x' is not a table name: 3 to 255"),
    ("follow", ["a# "], "is not a user name"),
    ("conversations", ["tom#jerry"], "is not a user name"),
    ("send", ["--from", "a#", "--to", "b", "x"], "'a#' is not a user name"),
    ("send", ["--from", "a", "--to", "A", "x"], "'a' and 'A' are the same user"),
    ("send", ["--from", "a", "--to", "\u200b", "x"], "user '\\u200b' contains U+200B ZERO WIDTH"),
    ("send", ["--from", "a" * 2048, "--to", "b", "x"], "the key pk has 2063 bytes"),
    ("send", [*SEND[1:], "--at", "", "x"], "'' is not a time"),
    ("send", [*SEND[1:], "x" * 1025], "the message has 1025 characters; at most 1024 are allowed"),
    ("send", [*SEND[1:], " "], "the message is empty; it must have 1 to 1024 characters"),
    ("send", [*SEND[1:], "\udcff"], "'\\udcff' is not UTF-8 text"),
    ("edit", ["a#b", "abc", "x"], "'abc' is not a message: pass TIME#ID, a message id, or at least its first 4"),
    ("get", ["a#b"], "pass CONVERSATION and a message (TIME#ID or id), or --key"),
    ("get", ["a#b", "abcd", "--key", "a", "b"], "'a#b' and --key: pass a message or a key, not both"),
    ("get", ["--key", "a"], "has the key pk (text) and sk (text): --key takes 2 values, got 1"),
    ("scan", ["--segments", "17"], "--segments: must be between 1 and 16, got 17"),
    ("put", ["{"], "ITEM: is not valid JSON"),
    ("put", [""], "ITEM is empty; pass an item as JSON text, a file, or -"),
    ("put", ["-", "--if-unchanged", "-"], "ITEM and OLD cannot both be -; there is one standard input"),
    ("put", ['{"pk": "a"}'], "the item has no sk; table Messages has the key pk (text) and sk (text)"),
    ("put", [ITEM, "--if-unchanged", " "], "OLD is empty; pass an item"),
    ("put", [ITEM, "--if-unchanged", '{"pk": "a", "sk": "c"}'], "ITEM and OLD have different keys"),
    ("export", ["--conversation", "a"], "'a' is not a conversation"),
    ("export", ["--json"], "--json prints the result, and needs FILE"),
    ("export", ["--to", "bucket/p"], "--to 'bucket/p' is not s3://BUCKET or s3://BUCKET/PREFIX"),
    ("export", ["--to", "s3://bucket", "all.jsonl"], "FILE and --to: DynamoDB exports the whole table"),
    ("export", ["--to", "s3://bucket", "--conversation", "a#b"], "--conversation and --to: DynamoDB exports"),
    ("export", ["--from-time", "1h"], "--from-time needs --to"),
    ("export", ["--to", "s3://bucket", "--until-time", "yesterday"], "'yesterday' is not a time: ISO 8601"),
    ("export", ["--to", "s3://bucket", "--bucket-owner", "me"], "--bucket-owner 'me' is not an account: 12 digits"),
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


def _status(argv):
    try:
        return main(argv)
    except SystemExit as ended:  # argparse
        return ended.code


@pytest.mark.parametrize(("command", "arguments", "said"), WRONG, ids=lambda value: ascii(value)[:40])
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
    status = _status([command, *where, *arguments])
    printed = capsys.readouterr()
    assert (status, printed.out) == (2, "")
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    assert said in printed.err


@pytest.mark.parametrize("argv", [["history", "a#b"], ["follow", "a# "], [*SEND, " "], ["reindex", "a"]])
def test_mistakes_in_arguments_need_no_region(argv, monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    assert _status([*argv, "--table", "x"]) == 2


@pytest.mark.parametrize(
    "arguments", ["tables", "send --from a --to b x", "export FILE", f"import --check {__file__}"], ids=str
)
@pytest.mark.usefixtures("environment")
def test_a_closed_standard_output_is_reported_before_anything_is_done(monkeypatch, capsys, arguments):
    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", lambda *_: pytest.fail("a request"))
    monkeypatch.setattr(sys, "stdout", None)
    assert main(arguments.split()) == 1
    said = "error: standard output is closed, so nothing was done; to discard the output, use >/dev/null\n"
    assert capsys.readouterr().err == said


@pytest.mark.parametrize("arguments", ["import --check -", "put - --table T-1", "send --from a --to b -"])
def test_a_closed_standard_input_is_reported(monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, "stdin", None)
    assert main(arguments.split()) == 1
    assert capsys.readouterr() == ("", "error: standard input is closed, so - has nothing to read\n")


def table(kind):
    """A table whose partition key ``b`` has this type."""
    return SimpleNamespace(
        name="t",
        attribute_definitions=[{"AttributeName": "b", "AttributeType": kind}],
        key_schema=[{"AttributeName": "b", "KeyType": "HASH"}],
    )


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("N", "-4.50", Decimal("-4.5")),
        ("N", "1" + "0" * 50, Decimal("1E50")),
        ("B", "/w==", b"\xff"),
        ("N", "a", "--key: attribute 'b': 'a' is not a number in quotes; b is a number value"),
        ("N", "1e500", r"1E\+500 is out of range: 1E-130 to 9.99E\+125"),
        ("B", "?", "'\\?' is not base64; b is a binary value"),
    ],
)
def test_a_key_is_read_by_its_type(kind, text, value):
    if isinstance(value, str) and value != text:
        with pytest.raises(UsageError, match=value):
            key_of(table(kind), [text])
    else:
        assert key_of(table(kind), [text]) == {"b": value}
