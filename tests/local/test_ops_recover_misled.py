"""A recovery that could be misled: by a foreign table of the temporary name, by what the caller may not read."""

import pytest

from ops.recover.temporary import _digest
from tests.support.recoveries import KEYS, content, note, put

INDEX = {"IndexName": "other", "KeySchema": KEYS["KeySchema"], "Projection": {"ProjectionType": "ALL"}}


@pytest.fixture
def ops(quick_stage, capsys):
    """``ops("recover", "--yes")``: status, the lines of both outputs."""

    def run(*command):
        status = quick_stage.ops(*command)
        out, err = capsys.readouterr()
        return status, out.splitlines(), err.splitlines()

    return run


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
