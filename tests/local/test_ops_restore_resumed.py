"""Restores that were interrupted: `--resume`, and their tables in inventory and clean-up."""

import json
import time
from contextlib import closing

import pytest

from embedded_aws.tests.support.engine import configure
from embedded_aws.tests.support.steps import create_backup_role, eventually, table_arn
from ops.restore.restoration import Underway
from tests.support.ops_deployment import QUICK, USUAL, Deployment

RECOVERABLE = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
EXPIRING = {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": "Gone"}}
SOON = ("--timeout", "0.1")
SHAPE = {
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
}


@pytest.fixture
def deployed(aws, client, name, monkeypatch):
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)
    configure(aws, **QUICK | {"recovery_delay_seconds": 0})
    with closing(Deployment(client, name)) as deployment:
        deployment.deploy(**RECOVERABLE, **EXPIRING)
        item = {"pk": {"S": "a"}, "Body": {"S": "x"}}
        deployment.client("dynamodb").put_item(TableName=deployment.table, Item=item)
        yield deployment
    configure(aws, **USUAL)


@pytest.fixture
def point(deployed, capsys):
    """The ARN of a recovery point of the deployment's table."""
    return backed_up(deployed, capsys)


def backed_up(deployed, capsys):
    assert deployed.ops("backup") == 0
    return capsys.readouterr().out.strip()


def begin_restore(deployed, point, target, role=None):
    """Start AWS Backup's job, as a run that is interrupted afterwards."""
    roles = deployed.client("iam").list_roles(PathPrefix="/messages/")["Roles"]
    usual = (r["Arn"] for r in roles if r["RoleName"].startswith(f"{deployed.stack}-RestoreRole-"))
    return deployed.client("backup").start_restore_job(
        RecoveryPointArn=point, IamRoleArn=role or next(usual), Metadata={"targetTableName": target}
    )["RestoreJobId"]


def begin_recovery(deployed, source, target):
    """Start a restore that DynamoDB does itself, which no job of AWS Backup tells of."""
    deployed.client("dynamodb").restore_table_to_point_in_time(
        SourceTableName=source, TargetTableName=target, UseLatestRestorableTime=True
    )


def when_active(deployed, table):
    dynamodb = deployed.client("dynamodb")
    eventually(lambda: dynamodb.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE")


def create_table(deployed, table, **tags):
    """A table that nobody restored."""
    pairs = [{"Key": f"messages:{key}", "Value": value} for key, value in tags.items()]
    deployed.client("dynamodb").create_table(TableName=table, **SHAPE, Tags=pairs)


def tags_of(deployed, table):
    tags = deployed.client("dynamodb").list_tags_of_resource(ResourceArn=table_arn(table))["Tags"]
    return {tag["Key"]: tag["Value"] for tag in tags}


def resume(deployed, capsys, target, *options):
    """The status, the last line of standard error, and the JSON of a resumed restore."""
    status = deployed.ops("restore", "--target", target, "--resume", "--json", *SOON, *options)
    out, err = capsys.readouterr()
    return status, err.splitlines()[-1], json.loads(out) if out else None


class TestRefusals:
    def test_a_table_that_nobody_restored_keeps_its_tags_and_settings(self, deployed, capsys):
        other = f"{deployed.table}-archive"
        create_table(deployed, other)
        status, line, _ = resume(deployed, capsys, other, "--reapply")
        assert (status, tags_of(deployed, other)) == (1, {})
        assert line.startswith(f"error: nothing shows that table {other} was restored from {deployed.table}: ")
        assert f"tag-resource --resource-arn {table_arn(other)} --tags" in line
        dynamodb = deployed.client("dynamodb")
        expiry = dynamodb.describe_time_to_live(TableName=other)["TimeToLiveDescription"]
        assert expiry["TimeToLiveStatus"] == "DISABLED"

    def test_a_table_of_another_stack_keeps_its_tag(self, deployed, capsys):
        other = f"{deployed.table}-prod"
        create_table(deployed, other, stack="Messages-other")
        status, line, _ = resume(deployed, capsys, other)
        assert (status, tags_of(deployed, other)) == (1, {"messages:stack": "Messages-other"})
        assert f"table {other} belongs to stack Messages-other (tag messages:stack)" in line
        assert "--stack Messages-other" in line

    def test_a_table_that_was_restored_from_another_one(self, deployed, aws, capsys):
        source, target = f"{deployed.table}-source", f"{deployed.table}.mixed"
        create_table(deployed, source)
        dynamodb = deployed.client("dynamodb")
        dynamodb.update_continuous_backups(TableName=source, **RECOVERABLE)
        configure(aws, restore_job_seconds=60)
        begin_recovery(deployed, source, target)
        status, line, _ = resume(deployed, capsys, target)
        assert status == 1
        assert f"table {target} was restored from {source}, not from {deployed.table}" in line
        assert f"--table {source}" in line

    def test_a_table_that_took_the_name_of_a_restored_one(self, deployed, point, capsys):
        target, dynamodb = f"{deployed.table}.twice", deployed.client("dynamodb")
        job = begin_restore(deployed, point, target)
        when_active(deployed, target)
        shown = deployed.client("backup").describe_restore_job(RestoreJobId=job)
        ended = shown["CompletionDate"]
        dynamodb.delete_table(TableName=target)
        # AWS shows whole seconds in places.
        eventually(lambda: time.time() > ended.timestamp() + 2)
        create_table(deployed, target)
        status, line, _ = resume(deployed, capsys, target)
        assert (status, tags_of(deployed, target)) == (1, {})
        assert f"nothing shows that table {target} was restored" in line

    def test_a_name_to_which_no_restore_is_under_way(self, deployed, capsys):
        target = f"{deployed.table}.none"
        status, line, _ = resume(deployed, capsys, target)
        assert status == 1
        assert line == (
            f"error: table {target} does not exist, and no restore to that name is under way in "
            "us-east-1; to begin one, leave out --resume"
        )

    def test_a_restore_that_failed_gives_the_reason(self, deployed, client, name, point, capsys):
        role = create_backup_role(client, f"{name}-powerless")
        job = begin_restore(deployed, point, f"{deployed.table}.bad", role)
        eventually(lambda: client("backup").describe_restore_job(RestoreJobId=job)["Status"] == "FAILED")
        status, line, _ = resume(deployed, capsys, f"{deployed.table}.bad")
        assert status == 1
        assert f"error: restore job {job} ended FAILED: " in line


class TestReports:
    def test_the_restored_point_although_a_newer_one_was_made(self, deployed, point, capsys):
        target = f"{deployed.table}.k1"
        begin_restore(deployed, point, target)
        when_active(deployed, target)
        newer = backed_up(deployed, capsys)
        for _ in range(2):  # the second time the table has its tags
            status, _, result = resume(deployed, capsys, target)
            assert (status, result["source_table"]) == (0, deployed.table)
            assert (newer != point, result["recovery_point_arn"]) == (True, point)
            points = deployed.client("backup").list_recovery_points_by_backup_vault(BackupVaultName=deployed.vault)[
                "RecoveryPoints"
            ]
            created = {p["RecoveryPointArn"]: p["CreationDate"] for p in points}[point]
            assert result["restored_to"] == created.isoformat()
        assert tags_of(deployed, target)["messages:restored"] == deployed.table

    def test_the_time_of_a_restore_by_dynamodb_while_it_says_so(self, deployed, aws, monkeypatch, capsys):
        configure(aws, restore_job_seconds=120)
        monkeypatch.setattr(Underway, "wait", lambda _, seconds: 0.0 * seconds)
        target = f"{deployed.table}.then"
        begin_recovery(deployed, deployed.table, target)
        summary = deployed.client("dynamodb").describe_table(TableName=target)["Table"]
        moment = summary["RestoreSummary"]["RestoreDateTime"]
        status, _, result = resume(deployed, capsys, target)
        assert (status, result["recovery_point_arn"]) == (0, None)
        assert result["restored_to"] == moment.isoformat()
        assert tags_of(deployed, target)["messages:restored"] == deployed.table

    def test_nothing_of_a_restore_that_only_the_tag_shows(self, deployed, capsys):
        target = f"{deployed.table}.tagged"
        begin_recovery(deployed, deployed.table, target)
        when_active(deployed, target)
        status, line, _ = resume(deployed, capsys, target)
        assert (status, "nothing shows that" in line) == (1, True)
        deployed.client("dynamodb").tag_resource(
            ResourceArn=table_arn(target), Tags=[{"Key": "messages:restored", "Value": deployed.table}]
        )
        status, _, result = resume(deployed, capsys, target)
        assert (status, result["recovery_point_arn"], result["restored_to"]) == (0, None, None)
        assert tags_of(deployed, target)["messages:stack"] == deployed.stack


def things(deployed, capsys):
    assert deployed.ops("inventory", "--json") == 0
    (held,) = json.loads(capsys.readouterr().out)["stacks"]
    return {thing["id"]: thing["detail"] for thing in held["things"] if thing["kind"] == "table"}


def staying(deployed, capsys, *options):
    assert deployed.ops("cleanup", "--json", *options) == 0
    stays = json.loads(capsys.readouterr().out)["stays"]
    return {item["id"]: item["reason"] for item in stays if item["kind"] == "table"}


class TestInterruptedRestores:
    @pytest.mark.parametrize("by", ["AWS Backup", "DynamoDB"])
    def test_a_table_that_is_being_restored_is_named(self, deployed, point, aws, by, capsys):
        configure(aws, restore_job_seconds=120)
        target = f"{deployed.table}.k1"
        if by == "AWS Backup":
            begin_restore(deployed, point, target)
        else:
            begin_recovery(deployed, deployed.table, target)
        detail = things(deployed, capsys)[target]
        assert detail.startswith(f"being restored from {deployed.table}, ")
        deployed.destroy()
        delete = f"`aws dynamodb delete-table --table-name {target} --region us-east-1`"
        assert staying(deployed, capsys, "--yes")[target] == (
            f"being restored from {deployed.table}, it holds data; to delete it: wait until it is ACTIVE, then {delete}"
        )

    def test_a_restored_table_without_tags_is_named_and_not_deleted(self, deployed, point, capsys):
        target = f"{deployed.table}.k1"
        begin_restore(deployed, point, target)
        when_active(deployed, target)
        assert things(deployed, capsys)[target].startswith(f"restored from {deployed.table}, ")
        deployed.destroy()
        for options in (("--dry-run",), ("--yes",), ("--yes",)):
            reason = staying(deployed, capsys, *options)[target]
            assert reason.startswith(f"restored from {deployed.table}, it holds data; to delete")
        assert deployed.client("dynamodb").scan(TableName=target)["Count"] == 1

    def test_the_table_of_a_killed_drill_is_named_after_dynamodb_restored_it(self, deployed, capsys):
        target = f"{deployed.table}.drill-0a1b2c3d"
        begin_recovery(deployed, deployed.table, target)
        when_active(deployed, target)
        assert things(deployed, capsys)[target].startswith(f"restored from {deployed.table}, ")

    def test_others_tables_of_such_names_are_left_out(self, deployed, capsys):
        create_table(deployed, f"{deployed.table}.archive")
        create_table(deployed, f"{deployed.table}.other", stack="Messages-other")
        create_table(deployed, f"{deployed.table}-2.drill-0a1b2c3d")
        assert list(things(deployed, capsys)) == [deployed.table]
        deployed.destroy()
        assert staying(deployed, capsys, "--yes") == {}
