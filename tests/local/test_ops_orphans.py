"""`python -m ops orphans` against an embedded AWS."""
# ruff: noqa: F811 (pytest hands fixtures over under their names)

import json
from contextlib import closing

import pytest

from embedded_aws.tests.support.engine import configure
from ops.__main__ import main
from tests.support.ops_deployment import QUICK, USUAL, Deployment
from tests.support.own_account import aws, client  # noqa: F401 (fixtures)


@pytest.fixture
def deployed(aws, client, name, monkeypatch):
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)
    configure(aws, **QUICK)
    with closing(Deployment(client, name)) as deployment:
        yield deployment.deploy()
    configure(aws, **USUAL)


def orphans(deployed, capsys, *options):
    """The command's status, and what it has of this test's stack."""
    status = main(["orphans", "--json", *options])
    (said, error) = capsys.readouterr()
    found = {one["stack"]: one for one in json.loads(said)["stacks"]}
    return status, found.get(deployed.stack), error


def test_a_stack_in_use_is_none_unless_it_should_be_gone(deployed, capsys):
    _, found, _ = orphans(deployed, capsys)
    assert found is None
    status, found, _ = orphans(deployed, capsys, "--ephemeral", deployed.stage)
    assert (status, found["status"]) == (1, "CREATE_COMPLETE")


def test_what_a_destroyed_stack_left_is_named_until_it_is_cleaned_up(deployed, capsys):
    deployed.destroy()
    status, found, error = orphans(deployed, capsys)
    assert (status, found["status"]) == (1, None)
    assert {"backup vault", "role"} <= {thing["kind"] for thing in found["things"]}
    assert f"{deployed.stack}: to remove it, python -m ops cleanup --stage " in error
    assert deployed.ops("cleanup", "--yes") == 0
    capsys.readouterr()
    _, found, _ = orphans(deployed, capsys)
    assert found is None


def test_a_table_that_the_clean_up_leaves_is_named_with_the_command_that_deletes_it(deployed, client, capsys):
    dynamodb, target = client("dynamodb"), f"{deployed.table}.k1"
    backup = dynamodb.create_backup(TableName=deployed.table, BackupName="by-hand")["BackupDetails"]
    arn = backup["BackupArn"]
    assert deployed.ops("restore", arn, "--target", target, "--no-compare") == 0
    deployed.destroy()
    assert deployed.ops("cleanup", "--yes") == 0
    capsys.readouterr()
    status, found, error = orphans(deployed, capsys)
    assert (status, [thing["id"] for thing in found["things"]]) == (1, [target])
    delete = f"`aws dynamodb delete-table --table-name {target} --region us-east-1`"
    assert f"{deployed.stack}: to remove it, {delete}" in error.splitlines()
