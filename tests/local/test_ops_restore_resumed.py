"""Restores that were interrupted: `--resume`, and their tables in inventory and clean-up."""

import json

import pytest

from embedded_aws.tests.support.engine import configure
from embedded_aws.tests.support.steps import eventually, listed, table_arn
from ops.restore import restoration

RECOVERABLE = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
FOREIGN = [{"Key": "messages:stack", "Value": "Messages-other"}]
EXPIRING = {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": "Gone"}}


@pytest.fixture
def deployed(quick_stage, setting):
    setting("recovery_delay_seconds", 0)
    quick_stage.deploy(**RECOVERABLE, **EXPIRING)
    item = {"pk": {"S": "a"}, "Body": {"S": "x"}}
    quick_stage.client("dynamodb").put_item(TableName=quick_stage.table, Item=item)
    return quick_stage


def backed_up(deployed, capsys):
    """The ARN of a new recovery point."""
    assert deployed.ops("backup") == 0
    return capsys.readouterr().out.strip()


def start_job(deployed, point, target):
    """Start AWS Backup's job, as a run that is interrupted afterwards."""
    roles = listed(deployed.client("iam"), "list_roles", PathPrefix="/messages/")
    usual = (r["Arn"] for r in roles if r["RoleName"].startswith(f"{deployed.stack}-RestoreRole-"))
    return deployed.client("backup").start_restore_job(
        RecoveryPointArn=point, IamRoleArn=next(usual), Metadata={"targetTableName": target}
    )["RestoreJobId"]


def start_recovery(deployed, source, target):
    """Start a restore by DynamoDB itself, without a job of AWS Backup."""
    deployed.client("dynamodb").restore_table_to_point_in_time(
        SourceTableName=source, TargetTableName=target, UseLatestRestorableTime=True
    )


def when_active(deployed, table):
    dynamodb = deployed.client("dynamodb")
    eventually(lambda: dynamodb.describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE")


def tags_of(deployed, table):
    tags = deployed.client("dynamodb").list_tags_of_resource(ResourceArn=table_arn(table))["Tags"]
    return {tag["Key"]: tag["Value"] for tag in tags}


def resume(deployed, capsys, target, *options):
    """The status, the last line of standard error, and the JSON of a resumed restore."""
    status = deployed.ops("restore", "--target", target, "--resume", "--json", "--timeout", "0.1", *options)
    out, err = capsys.readouterr()
    return status, err.splitlines()[-1], json.loads(out) if out else None


def test_a_table_that_was_not_restored_from_the_source_is_refused_and_kept(deployed, aws, capsys):
    table, dynamodb = deployed.table, deployed.client("dynamodb")
    deployed.make_table(f"{table}-archive")
    deployed.make_table(f"{table}-prod", Tags=FOREIGN)
    deployed.make_table(f"{table}-source")
    dynamodb.update_continuous_backups(TableName=f"{table}-source", **RECOVERABLE)
    configure(aws, restore_job_seconds=60)
    start_recovery(deployed, f"{table}-source", f"{table}.mixed")
    unproven = f"nothing shows that table {table}{{}} was restored from {table}: "
    for end, words, remedy in [
        ("-archive", unproven, f"tag-resource --resource-arn {table_arn(f'{table}-archive')} --tags"),
        ("-prod", unproven, "check --target"),
        (".mixed", f"table {table}.mixed was restored from {table}-source, not from ", f"--table {table}-source"),
        (".none", "table {table}{} does not exist, and no restore to that name is running in us-east-1; ", "--resume"),
    ]:
        status, line, _ = resume(deployed, capsys, table + end, "--reapply")
        assert (status, line.startswith(f"error: {words.format(end, table=table)}")) == (1, True), line
        assert remedy in line
    assert tags_of(deployed, f"{table}-archive") == {}
    assert tags_of(deployed, f"{table}-prod") == {"messages:stack": "Messages-other"}
    expiry = dynamodb.describe_time_to_live(TableName=f"{table}-archive")["TimeToLiveDescription"]
    assert expiry["TimeToLiveStatus"] == "DISABLED"


def test_a_resumed_restore_reports_what_aws_backup_dynamodb_or_the_tag_knows(deployed, aws, monkeypatch, capsys):
    backup, dynamodb = deployed.client("backup"), deployed.client("dynamodb")
    target, point = f"{deployed.table}.k1", backed_up(deployed, capsys)
    start_job(deployed, point, target)
    when_active(deployed, target)
    assert backed_up(deployed, capsys) != point  # a newer one
    shown = backup.describe_recovery_point(BackupVaultName=deployed.vault, RecoveryPointArn=point)
    for _ in range(2):  # the second time the table has its tags
        status, _, result = resume(deployed, capsys, target)
        assert (status, result["source_table"], result["recovery_point_arn"]) == (0, deployed.table, point)
        assert result["restored_to"] == shown["CreationDate"].isoformat()
    assert tags_of(deployed, target)["messages:restored"] == deployed.table

    # DynamoDB shows a restore while it runs; then only the tag does.
    old, new = f"{deployed.table}.tagged", f"{deployed.table}.then"
    start_recovery(deployed, deployed.table, old)
    when_active(deployed, old)
    status, line, _ = resume(deployed, capsys, old)
    assert (status, "nothing shows that" in line) == (1, True)
    tags = [{"Key": "messages:restored", "Value": deployed.table}]
    dynamodb.tag_resource(ResourceArn=table_arn(old), Tags=tags)
    status, _, result = resume(deployed, capsys, old)
    assert (status, result["recovery_point_arn"], result["restored_to"]) == (0, None, None)
    assert tags_of(deployed, old)["messages:stack"] == deployed.stack

    configure(aws, restore_job_seconds=120)
    monkeypatch.setattr(restoration, "wait", lambda *_, **__: 0.0)
    start_recovery(deployed, deployed.table, new)
    shown = dynamodb.describe_table(TableName=new)["Table"]
    status, _, result = resume(deployed, capsys, new)
    assert (status, result["recovery_point_arn"]) == (0, None)
    assert result["restored_to"] == shown["RestoreSummary"]["RestoreDateTime"].isoformat()
    assert tags_of(deployed, new)["messages:restored"] == deployed.table


def test_inventory_and_clean_up_name_the_tables_of_interrupted_restores_and_keep_them(deployed, aws, capsys):
    table, point = deployed.table, backed_up(deployed, capsys)
    done, drill, by_backup, by_dynamodb = (f"{table}.{end}" for end in ("k1", "drill-0a1b2c3d", "k2", "k3"))
    start_job(deployed, point, done)
    start_recovery(deployed, table, drill)
    when_active(deployed, done)
    when_active(deployed, drill)
    configure(aws, restore_job_seconds=120)
    start_job(deployed, point, by_backup)
    start_recovery(deployed, table, by_dynamodb)
    deployed.make_table(f"{table}.archive")
    deployed.make_table(f"{table}.other", Tags=FOREIGN)
    deployed.make_table(f"{table}-2.drill-0a1b2c3d")

    assert deployed.ops("inventory", "--json") == 0
    (held,) = json.loads(capsys.readouterr().out)["stacks"]
    found = {thing["id"]: thing["detail"] for thing in held["things"] if thing["kind"] == "table"}
    assert found.keys() == {table, done, drill, by_backup, by_dynamodb}
    for target in (done, drill):
        assert found[target].startswith(f"restored from {table}, ")
    for target in (by_backup, by_dynamodb):
        assert found[target].startswith(f"being restored from {table}, ")

    own = deployed.client("dynamodb").create_backup(TableName=done, BackupName="by-hand")["BackupDetails"]
    deployed.destroy()
    for options in (("--dry-run",), ("--yes",), ("--yes",)):
        assert deployed.ops("cleanup", "--json", *options) == 0
        stays = json.loads(capsys.readouterr().out)["stays"]
        reasons = {item["id"]: item["reason"] for item in stays if item["kind"] == "table"}
        delete = "`aws dynamodb delete-table --table-name {} --region us-east-1`"
        kept = f"restored from {table}, it holds data; to delete it: "
        assert reasons == {
            **{target: kept + delete.format(target) for target in (done, drill)},
            **{
                target: f"being {kept}wait until it is ACTIVE, then {delete.format(target)}"
                for target in (by_backup, by_dynamodb)
            },
        }
    assert deployed.client("dynamodb").scan(TableName=done)["Count"] == 1
    assert deployed.client("dynamodb").describe_backup(BackupArn=own["BackupArn"])
