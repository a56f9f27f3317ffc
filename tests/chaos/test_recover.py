"""A recovery through a faulty network and a throttling DynamoDB."""

import re

import pytest

from embedded_aws.tests.support.steps import listed
from tests.support.faults import FAULTS, RESET_AFTER, faults
from tests.support.ops_deployment import quick_deployment
from tests.support.recoveries import KEYS, content, note, put

COUNT = 60


@pytest.fixture
def stage(aws, client, name):
    with quick_deployment(aws, client, name) as deployment:
        yield deployment.deploy(**KEYS)


def test_a_recovery_with_30_percent_of_faults_writes_each_item_once(stage, burst, monkeypatch, capsys):
    dynamodb, table = stage.client("dynamodb"), stage.table
    put(dynamodb, table, *[note(number, "good") for number in range(COUNT)])
    assert stage.ops("backup") == 0
    right = content(dynamodb, table)
    put(dynamodb, table, *[note(number, "poison") for number in range(0, COUNT, 2)], note(COUNT, "newer"))
    for number in range(1, COUNT, 2):
        dynamodb.delete_item(TableName=table, Key={name: note(number, "")[name] for name in ("pk", "sk")})
    burst.rules(*faults(FAULTS["all of them"]))
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", burst.endpoint)
    assert stage.ops("recover", "--yes", "--exact") == 0
    out, err = capsys.readouterr()
    assert len(burst.fired()) > COUNT / 3
    assert content(dynamodb, table) == right
    found = re.search(r"in (.+) to its state .* (\d+) written, 0 left, differences 0", out)
    assert found, out + err
    print(f"recovery time {found[1]}")
    assert [one for one in listed(dynamodb, "list_tables") if one.startswith(f"{table}.")] == []


def test_a_temporary_table_whose_deletion_was_not_answered_is_gone(stage, burst, monkeypatch, capsys):
    put(stage.client("dynamodb"), stage.table, note(0, "good"))
    assert stage.ops("backup") == 0
    put(stage.client("dynamodb"), stage.table, note(0, "poison"))
    burst.rules({"service": "dynamodb", "operation": "DeleteTable", **RESET_AFTER, "times": 1})
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", burst.endpoint)
    assert stage.ops("recover", "--yes") == 0
    assert "no longer exists" in capsys.readouterr().err
    assert [fault["operation"] for fault in burst.fired()] == ["DeleteTable"]
