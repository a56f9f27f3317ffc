"""`python -m ops backups`, `inventory` and `orphans` against an embedded AWS of their own."""
# ruff: noqa: F811 (pytest hands fixtures over under their names)

import json
from contextlib import closing

import pytest

from embedded_aws.tests.support.steps import back_up
from ops.__main__ import main
from tests.support.ops_deployment import Deployment
from tests.support.own_account import aws, client  # noqa: F401 (fixtures)


@pytest.fixture
def deployed(quick_stage):
    return quick_stage.deploy(PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})


def listed(deployed, capsys, *options):
    assert deployed.ops("backups", "--json", *options) == 0
    return json.loads(capsys.readouterr().out)


def test_the_backups_of_a_table_in_every_vault_and_after_the_stack(deployed, client, vault, backup_role, capsys):
    assert deployed.ops("backup", "--retain", "2w") == 0
    arn = capsys.readouterr().out.strip()
    other = back_up(client, vault, deployed.table, backup_role)["RecoveryPointArn"]
    client("dynamodb").create_backup(TableName=deployed.table, BackupName="by-hand")
    found = listed(deployed, capsys)
    assert found["tables"] == [deployed.table]
    by_arn = {row["arn"]: row for row in found["backups"]}
    assert (by_arn[arn]["vault"], by_arn[arn]["state"]) == (deployed.vault, "COMPLETED")
    assert by_arn[arn]["expires"] is not None
    assert (by_arn[other]["vault"], by_arn[other]["expires"]) == (vault, None)
    assert [row["kind"] for row in found["backups"]].count("USER") == 1

    deployed.destroy()
    kinds = [row["kind"] for row in listed(deployed, capsys)["backups"]]
    assert sorted(kinds) == ["RECOVERY_POINT", "RECOVERY_POINT", "SYSTEM", "USER"]
    assert listed(deployed, capsys, "--table", deployed.table)["tables"] == [deployed.table]
    assert deployed.ops("backups") == 0
    header, *rows, total = capsys.readouterr().out.splitlines()
    assert header.split() == ["AGE", "SIZE", "EXPIRES", "STATE", "KEPT", "IN", "A", "MONTH", "ARN"]
    assert (len(rows), any(arn in row for row in rows)) == (4, True)
    assert total.startswith(f"4 backups of {deployed.table}, ")


def test_everything_of_a_stack_with_its_cost_before_and_after_the_destroy(deployed, client, capsys):
    client("logs").create_log_group(logGroupName=deployed.log_group, tags={"messages:stack": deployed.stack})
    assert deployed.ops("backup") == 0
    kms = client("kms")
    key = kms.create_key(Tags=[{"TagKey": "messages:stack", "TagValue": deployed.stack}])
    kms.create_alias(AliasName=f"alias/{deployed.stack}-1", TargetKeyId=key["KeyMetadata"]["KeyId"])
    capsys.readouterr()
    assert deployed.ops("inventory", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    (held,) = result["stacks"]
    assert (held["stack"], held["status"]) == (deployed.stack, "CREATE_COMPLETE")
    things = {thing["kind"]: thing for thing in held["things"]}
    assert set(things) == {"table", "backup vault", "key", "role", "log group"}
    assert "point-in-time recovery" in things["table"]["detail"]
    assert things["backup vault"]["detail"] == "1 recovery point"
    assert result["prices"]["region"] == result["region"] == "us-east-1"
    assert (things["key"]["monthly_usd"], round(result["monthly_usd"], 2)) == (1.0, 1.0)

    deployed.destroy()
    assert deployed.ops("inventory") == 0
    first, *rows, total = capsys.readouterr().out.splitlines()
    assert first == f"{deployed.stack}: not deployed in us-east-1"
    assert any("SYSTEM, free, cannot be deleted" in row and "until" in row for row in rows)
    assert not any(row.split()[0] == "table" and row.split()[1] != "backup" for row in rows)
    assert total.startswith("$1.00 a month (list prices")


def test_all_stacks_that_left_a_trace(deployed, client, capsys):
    with closing(Deployment(client, f"{deployed.stage}-b")) as other:
        assert other.ops("inventory") == 0
        assert capsys.readouterr().out.startswith("nothing was found in account 000000000000")
        assert other.ops("backups") == 0
        assert capsys.readouterr().out.startswith(f"no backup of table {other.table} in ")
        other.deploy(DeletionPolicy="Retain").destroy()
        assert deployed.ops("inventory", "--all", "--json") == 0
        stacks = {s["stack"]: s for s in json.loads(capsys.readouterr().out)["stacks"]}
    assert stacks[deployed.stack]["status"] == "CREATE_COMPLETE"
    assert stacks[other.stack]["status"] is None
    kinds = {thing["kind"] for thing in stacks[other.stack]["things"]}
    assert {"table", "backup vault", "role"} <= kinds


def test_a_stack_is_an_orphan_once_it_is_destroyed_until_it_is_cleaned_up(deployed, capsys):
    def orphan(*options):
        """The command's status, what it lists for this test's stack, and its standard error."""
        capsys.readouterr()
        status = main(["orphans", "--json", *options])
        out, err = capsys.readouterr()
        return status, {one["stack"]: one for one in json.loads(out)["stacks"]}.get(deployed.stack), err

    assert orphan()[1] is None
    status, found, _ = orphan("--ephemeral", deployed.stage)
    assert (status, found["status"]) == (1, "CREATE_COMPLETE")
    deployed.destroy()
    status, found, error = orphan()
    assert (status, found["status"]) == (1, None)
    assert {"backup vault", "role"} <= {thing["kind"] for thing in found["things"]}
    assert f"{deployed.stack}: to remove it, python -m ops cleanup --stage " in error
    assert deployed.ops("cleanup", "--yes") == 0
    assert orphan()[1] is None
