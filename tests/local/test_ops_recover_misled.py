"""A recovery that could be misled: by a foreign table of the temporary name, by what the caller may not read."""

import re

import pytest

from embedded_aws.tests.support.steps import listed
from ops.recover import command
from ops.recover.recovery import Recovery
from ops.recover.temporary import _digest
from tests.support.recoveries import KEYS, RECOVERABLE, content, note, put

INDEX = {"IndexName": "other", "KeySchema": KEYS["KeySchema"], "Projection": {"ProjectionType": "ALL"}}


@pytest.fixture
def ops(quick_stage, capsys):
    """``ops("recover", "--yes")``: status, the lines of both outputs."""

    def run(*command):
        status = quick_stage.ops(*command)
        out, err = capsys.readouterr()
        return status, out.splitlines(), err.splitlines()

    return run


@pytest.fixture
def damaged(quick_stage, ops):
    """``damaged(2)``: the table and its client, after a backup with two good items that are bad now."""

    def deploy(count=1):
        table, dynamodb = quick_stage.deploy(**KEYS, **RECOVERABLE).table, quick_stage.client("dynamodb")
        put(dynamodb, table, *[note(number, "good") for number in range(1, count + 1)])
        ops("backup")
        put(dynamodb, table, *[note(number, "bad") for number in range(1, count + 1)])
        return table, dynamodb

    return deploy


@pytest.mark.parametrize(
    "foreign",
    [
        {"Tags": [{"Key": "owner", "Value": "another team"}]},
        {"Tags": [{"Key": "messages:stack", "Value": "Messages-other"}]},
        {"GlobalSecondaryIndexes": [INDEX]},
    ],
    ids=["other tags", "of another stack", "other indexes"],
)
def test_a_foreign_table_of_the_temporary_name_is_neither_read_nor_deleted(quick_stage, ops, foreign):
    table, dynamodb = quick_stage.deploy(**KEYS).table, quick_stage.client("dynamodb")
    put(dynamodb, table, note(1, "good"))
    _, (arn,), _ = ops("backup")
    name = f"{table}.recover-{_digest(arn)}"
    dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **KEYS, **foreign)
    put(dynamodb, name, note(1, "foreign"), note(2, "foreign"))
    status, out, err = ops("recover", "--yes", "--exact")
    assert (status, out) == (1, [])
    assert err[-1].startswith(f"error: table {name} exists, but by its tags, keys and indexes no recovery of {table}")
    assert content(dynamodb, table) == {"NOTE#001": "good"}
    assert content(dynamodb, name) == {"NOTE#001": "foreign", "NOTE#002": "foreign"}


def test_the_way_back_names_the_stack_and_the_region(quick_stage, ops, damaged):
    table, dynamodb = damaged()
    where = f"--stack {quick_stage.stack} --region us-east-1`"
    for start in ("way back: `python -m ops recover --to-time 2", f"way back: `python -m ops recover arn:.*/{table}/"):
        put(dynamodb, table, note(1, "bad"))
        status, _, err = ops("recover", "--yes")
        (line,) = [line for line in err if line.startswith("way back")]
        assert (status, bool(re.match(start, line)), line.endswith(where)) == (0, True, True), line
        off = {"PointInTimeRecoveryEnabled": False}
        dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=off)


def test_what_may_not_be_read_is_not_said_to_be_missing(quick_stage, ops, damaged):
    table, dynamodb = damaged()
    quick_stage.become_user({"Action": "dynamodb:DescribeContinuousBackups"})
    status, _, err = ops("recover", "--yes")
    assert status == 1
    assert err[-1].startswith(
        f"error: nothing was written: nothing shows that the present state of table {table} can be"
    )
    assert "has no point-in-time recovery" not in err[-1]
    assert content(dynamodb, table) == {"NOTE#001": "bad"}


def test_an_item_that_cannot_be_recovered_is_a_failure(quick_stage, ops):
    table, dynamodb = quick_stage.deploy(**KEYS).table, quick_stage.client("dynamodb")
    wide = {f"attribute{number}": {"S": "x"} for number in range(200)}
    put(dynamodb, table, note(1, "good") | wide, note(2, "good"))
    ops("backup")
    put(dynamodb, table, note(1, "bad") | wide, note(2, "bad"))
    status, out, err = ops("recover", "--yes")
    assert (status, content(dynamodb, table)) == (1, {"NOTE#001": "bad", "NOTE#002": "good"})
    assert "  left: NOTE#001  note  has more attributes than a condition of DynamoDB can have" in out
    assert err[-1].startswith("1 item cannot be recovered in place")


def test_a_dry_run_of_a_recovery_that_was_interrupted_does_not_say_that_it_writes(ops, damaged, monkeypatch):
    table, dynamodb = damaged()

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("ops.recover.write_back.WriteBack.run", interrupted)
        assert ops("recover", "--yes")[0] == 130
    status, _, err = ops("recover", "--dry-run")
    assert (status, "an earlier run planned to write 1 item" in err) == (0, True)
    to = rf"continuing the recovery of {table} to its state of [0-9: -]+ UTC, which began \d+ s ago"
    assert [line for line in err if re.fullmatch(to, line)], err
    status, _, err = ops("recover", "--yes", "--exact")
    assert (status, err[-1].partition(": `")[0]) == (
        1,
        f"error: table {temporary_table(dynamodb, table)} has the plan of a recovery without options that limit it; "
        "finish that one, or drop it",
    )
    assert content(dynamodb, table) == {"NOTE#001": "bad"}
    assert ops("recover", "--yes")[0] == 0
    assert content(dynamodb, table) == {"NOTE#001": "good"}


def temporary_table(dynamodb, table):
    (found,) = (name for name in listed(dynamodb, "list_tables") if name.startswith(f"{table}."))
    return found


@pytest.mark.parametrize(
    ("options", "owner", "step"),
    [
        (["--yes"], command, "_secure_way_back"),
        (["--dry-run"], command, "_print_plan"),
        (["--yes", "--conversation", "jerry#tom"], Recovery, "carry_out"),  # has nothing to write itself
    ],
)
def test_the_plan_of_another_run_is_not_deleted(ops, damaged, monkeypatch, options, owner, step):
    table, dynamodb = damaged(2)
    original = getattr(owner, step)

    def meanwhile(*arguments):
        """The other run, which takes over the table, writes, and is interrupted; then a person edits."""
        monkeypatch.setattr(owner, step, original)
        with monkeypatch.context() as patched:
            patched.setattr("ops.recover.recovery.follow_lists", interrupted)
            assert ops("recover", "--yes")[0] == 130
        put(dynamodb, table, note(1, "by hand"))
        return original(*arguments)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(owner, step, meanwhile)
    status, _, err = ops("recover", *options)
    assert status == (0 if options == ["--dry-run"] else 1), err
    assert temporary_table(dynamodb, table)
    assert ops("recover", "--yes")[0] == 0
    assert content(dynamodb, table) == {"NOTE#001": "by hand", "NOTE#002": "good"}
