"""`python -m ops backups`, `inventory` and `orphans` against an embedded AWS of their own."""
# ruff: noqa: F811 (pytest hands fixtures over under their names)

import json
from collections import Counter

import pytest
from botocore.client import BaseClient

from embedded_aws.tests.support.steps import back_up, listed
from ops.__main__ import main
from tests.support.ops_deployment import Deployment
from tests.support.own_account import aws, client  # noqa: F401 (fixtures)


@pytest.fixture
def deployed(quick_stage):
    return quick_stage.deploy(PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})


def test_backups_and_resources_of_a_stack_with_their_costs_before_and_after_the_destroy(
    deployed, client, vault, backup_role, capsys
):
    def printed(*command):
        capsys.readouterr()
        assert deployed.ops(*command) == 0
        return capsys.readouterr().out

    arn = printed("backup", "--retain", "2w").strip()
    other = back_up(client, vault, deployed.table, backup_role)["RecoveryPointArn"]
    client("dynamodb").create_backup(TableName=deployed.table, BackupName="by-hand")
    client("logs").create_log_group(logGroupName=deployed.log_group, tags={"messages:stack": deployed.stack})
    key = client("kms").create_key(Tags=[{"TagKey": "messages:stack", "TagValue": deployed.stack}])
    client("kms").create_alias(AliasName=f"alias/{deployed.stack}-1", TargetKeyId=key["KeyMetadata"]["KeyId"])
    found = json.loads(printed("backups", "--json"))
    assert found["tables"] == [deployed.table]
    rows = {row["arn"]: row for row in found["backups"]}
    assert (rows[arn]["vault"], rows[arn]["state"], bool(rows[arn]["expires"])) == (deployed.vault, "COMPLETED", True)
    assert (rows[other]["vault"], rows[other]["expires"]) == (vault, None)
    result = json.loads(printed("inventory", "--json"))
    (held,) = result["stacks"]
    assert (held["stack"], held["status"]) == (deployed.stack, "CREATE_COMPLETE")
    things = {thing["kind"]: thing for thing in held["things"]}
    assert set(things) == {"table", "backup vault", "recovery points", "table backup", "key", "role", "log group"}
    assert "point-in-time recovery" in things["table"]["detail"]
    assert things["backup vault"]["detail"] == "1 recovery point"
    assert things["recovery points"]["id"] == f"in vault {vault}"
    assert result["prices"]["region"] == result["region"] == "us-east-1"
    assert (things["key"]["monthly_usd"], round(result["monthly_usd"], 2)) == (1.0, 1.0)

    deployed.destroy()
    kinds = [row["kind"] for row in json.loads(printed("backups", "--json"))["backups"]]
    assert sorted(kinds) == ["RECOVERY_POINT", "RECOVERY_POINT", "SYSTEM", "USER"]
    header, *rows, total = printed("backups", "--table", deployed.table).splitlines()
    assert header.split() == ["AGE", "SIZE", "EXPIRES", "STATE", "KEPT", "IN", "A", "MONTH", "ARN"]
    assert (len(rows), any(arn in row for row in rows)) == (4, True)
    assert total.startswith(f"4 backups of {deployed.table}, ")
    first, *rows, total = printed("inventory").splitlines()
    assert first == f"{deployed.stack}: not deployed in us-east-1"
    assert any("SYSTEM, free, cannot be deleted" in row and "until" in row for row in rows)
    assert not any(row.split()[0] == "table" and row.split()[1] != "backup" for row in rows)
    assert total.startswith("$1.00 a month (list prices")


def test_all_stacks_that_left_a_trace_and_those_to_clean_up(deployed, client, capsys):
    def orphan(*options):
        """The command's status, what it lists for this test's stack, and its standard error."""
        capsys.readouterr()
        status = main(["orphans", "--json", *options])
        out, err = capsys.readouterr()
        return status, {one["stack"]: one for one in json.loads(out)["stacks"]}.get(deployed.stack), err

    other = Deployment(client, f"{deployed.stage}-b")
    for command, text in (("inventory", "nothing was found in"), ("backups", f"no backup of table {other.table} in")):
        assert other.ops(command) == 0
        assert capsys.readouterr().out.startswith(f"{text} account 000000000000")
    other.deploy(DeletionPolicy="Retain").destroy()
    assert deployed.ops("inventory", "--all", "--json") == 0
    stacks = {s["stack"]: s for s in json.loads(capsys.readouterr().out)["stacks"]}
    assert stacks[deployed.stack]["status"] == "CREATE_COMPLETE"
    assert stacks[other.stack]["status"] is None
    assert {"table", "backup vault", "role"} <= {thing["kind"] for thing in stacks[other.stack]["things"]}

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


def test_every_kind_is_listed_once_for_all_stacks(deployed, client, monkeypatch, capsys):
    destroyed = Deployment(client, f"{deployed.stage}-b").leave(everything=True)
    calls, call = Counter(), BaseClient._make_api_call

    def counted(self, operation, arguments):
        calls[operation] += 1
        return call(self, operation, arguments)

    monkeypatch.setattr(BaseClient, "_make_api_call", counted)
    assert deployed.ops("inventory", "--all", "--json") == 0
    held = {stack["stack"]: stack["things"] for stack in json.loads(capsys.readouterr().out)["stacks"]}
    kinds = {thing["kind"]: thing["detail"] for thing in held[destroyed.stack]}
    assert set(kinds) == {"backup vault", "table backup", "role", "log group"}
    assert kinds["backup vault"] == "2 recovery points"
    listings = (
        "DescribeLogGroups GetResources ListAliases ListBackupJobs ListBackupVaults ListRoles ListStacks ListTables"
    )
    assert {name: calls[name] for name in listings.split()} == dict.fromkeys(listings.split(), 1)
    assert calls["ListBackups"] == 2  # of USER backups, of SYSTEM backups
    vaults = listed(client("backup"), "list_backup_vaults")
    assert calls["ListRecoveryPointsByBackupVault"] <= 10 * len(vaults)
