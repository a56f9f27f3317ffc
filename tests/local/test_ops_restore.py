"""`python -m ops restore` against the embedded AWS."""

import json
import signal
from datetime import UTC, timedelta

import pytest

from embedded_aws.tests.support.engine import configure
from embedded_aws.tests.support.steps import create_backup_role, table_arn
from ops.restore import restoration
from tests.support.ops_deployment import interrupted, quick_deployment

KEYS = {
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": kind} for name, kind in (("pk", "S"), ("sk", "N"))
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
}
RECOVERABLE = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 5}}
EXPIRING = {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": "Gone"}}
MANAGED = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForRestores"


@pytest.fixture
def deployment(aws, client, name, monkeypatch):
    with quick_deployment(aws, client, name, monkeypatch) as deployment:
        yield deployment


@pytest.fixture
def deployed(deployment, capsys):
    """A deployment with four items and a recovery point of them."""
    deployment.deploy(**KEYS)
    put(deployment, ("a", 1, "x"), ("a", 2, "y"), ("a", 10, "z"), ("b", 1, "w"))
    assert deployment.ops("backup") == 0
    capsys.readouterr()
    return deployment


def put(deployment, *items):
    for pk, sk, body in items:
        item = {"pk": {"S": pk}, "sk": {"N": str(sk)}, "Body": {"S": body}}
        deployment.client("dynamodb").put_item(TableName=deployment.table, Item=item)


def tables(deployment):
    """The names of the deployment's tables."""
    pages = deployment.client("dynamodb").get_paginator("list_tables").paginate()
    names = [name for page in pages for name in page["TableNames"]]
    return [name for name in names if name.startswith(deployment.table)]


def test_the_newest_point_becomes_a_table_with_the_same_items(deployed, capsys):
    target, dynamodb = f"{deployed.table}.restored", deployed.client("dynamodb")
    assert deployed.ops("restore", "--target", target) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == ["compared 4 items with 4 restored: 0 differences", table_arn(target)]
    assert "COMPLETED 100.00% after" in err
    assert " lacks " not in err
    assert dynamodb.scan(TableName=target)["Count"] == 4

    own = dynamodb.create_backup(TableName=target, BackupName="by-hand")["BackupDetails"]
    assert deployed.ops("inventory") == 0
    assert f"restored from {deployed.table}, about 4 items" in capsys.readouterr().out
    deployed.destroy()
    assert deployed.ops("cleanup", "--yes", "--json") == 0
    (stays,) = json.loads(capsys.readouterr().out)["stays"]
    assert (stays["kind"], stays["id"]) == ("table", target)
    assert stays["reason"].startswith(f"restored from {deployed.table}, it holds data; to delete")
    assert dynamodb.scan(TableName=target)["Count"] == 4
    dynamodb.delete_backup(BackupArn=own["BackupArn"])


def test_dynamodbs_form_of_an_arn_is_restored_through_aws_backup(deployment, capsys):
    backup = deployment.client("backup")
    switches = ("ResourceTypeOptInPreference", "ResourceTypeManagementPreference")
    backup.update_region_settings(**{name: {"DynamoDB": False} for name in switches})
    try:
        deployment.deploy()
        assert deployment.ops("backup", "--tag", "a=b") == 0
        arn, err = capsys.readouterr()
        arn = arn.strip()
        assert arn.startswith("arn:aws:dynamodb:")
        assert "tags not set" in err
        target = f"{deployment.table}.copy"
        assert deployment.ops("restore", arn, "--target", target, "--json") == 0
    finally:
        backup.update_region_settings(**{name: {"DynamoDB": True} for name in switches})
    result = json.loads(capsys.readouterr().out)
    assert (result["recovery_point_arn"], result["table_arn"]) == (arn, table_arn(target))
    assert result["comparison"]["differences"] == 0
    assert arn in [job["RecoveryPointArn"] for job in backup.list_restore_jobs()["RestoreJobs"]]


def test_every_kind_of_difference_is_found_and_named(deployed, capsys):
    put(deployed, ("a", 2, "changed"), ("c", 1, "new"), ("a", 11, "new"))
    key = {"pk": {"S": "b"}, "sk": {"N": "1"}}
    deployed.client("dynamodb").delete_item(TableName=deployed.table, Key=key)
    assert deployed.ops("restore", "--target", f"{deployed.table}.old") == 1
    out, err = capsys.readouterr()
    assert out.splitlines()[:-1] == [
        'missing pk="a" sk=11',
        'changed pk="a" sk=2: Body',
        'extra   pk="b" sk=1',
        'missing pk="c" sk=1',
        "compared 5 items with 4 restored: 4 differences (2 missing, 1 extra, 1 changed)",
    ]
    assert "pass --expect-differences" in err
    options = ("--expect-differences", "--show", "1", "--resume")
    assert deployed.ops("restore", "--target", f"{deployed.table}.old", *options) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ['missing pk="a" sk=11', "and 3 more differences"]


def test_a_time_and_the_latest_time_are_restored_through_recovery(deployment, aws, capsys):
    configure(aws, recovery_delay_seconds=0)
    deployment.deploy(**KEYS, **RECOVERABLE)
    put(deployment, ("a", 1, "x"))
    assert deployment.ops("restore", "--latest", "--target", f"{deployment.table}.now") == 0
    assert "compared 1 item with 1 restored: 0 differences" in capsys.readouterr().out

    window = deployment.client("dynamodb").describe_continuous_backups(TableName=deployment.table)
    window = window["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    first = window["EarliestRestorableDateTime"].astimezone(UTC)
    target = f"{deployment.table}.then"
    assert deployment.ops("restore", "--to-time", first.isoformat(), "--target", target) == 1
    assert 'missing pk="a" sk=1' in capsys.readouterr().out

    assert deployment.ops("restore", "--latest", "--drill") == 0
    assert "1 item compared, differences 0" in capsys.readouterr().out
    late = (first - timedelta(hours=1)).isoformat()
    assert deployment.ops("restore", "--to-time", late, "--target", f"{target}-2") == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert f"error: --to-time {late} is outside the restorable period of table {deployment.table}" in line
    assert sorted(tables(deployment)) == [f"{deployment.table}{end}" for end in ("", ".now", ".then")]


def test_a_restore_names_what_the_new_table_lacks_until_it_is_applied_again(deployment, capsys):
    stream = {"StreamSpecification": {"StreamViewType": "NEW_IMAGE"}}
    deployment.deploy(**RECOVERABLE, **EXPIRING, **stream, DeletionProtectionEnabled=True)
    dynamodb, target = deployment.client("dynamodb"), f"{deployment.table}.again"
    dynamodb.tag_resource(ResourceArn=table_arn(deployment.table), Tags=[{"Key": "team", "Value": "chat"}])
    assert deployment.ops("backup") == 0
    assert deployment.ops("restore", "--target", target) == 0
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"table {target} lacks what {deployment.table} has: tag team, time to live, stream, "
        "point-in-time recovery, deletion protection; to apply them, run this again with --resume --reapply"
    )
    resume = ("restore", "--target", target, "--resume", "--json", "--no-compare")
    dynamodb.update_continuous_backups(TableName=target, **RECOVERABLE)
    assert deployment.ops(*resume) == 0
    out, err = capsys.readouterr()
    assert ": tag team, time to live, stream, deletion protection; to apply" in err
    assert json.loads(out)["reapplied"] == []
    assert deployment.ops(*resume, "--reapply") == 0
    out, err = capsys.readouterr()
    assert " lacks " not in err
    assert [text.split(" (")[0] for text in json.loads(out)["reapplied"]] == [
        "tag team",
        "time to live",
        "stream",
        "deletion protection",
    ]
    shown = dynamodb.describe_table(TableName=target)["Table"]
    assert shown["DeletionProtectionEnabled"] is True
    assert shown["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE"
    tags = dynamodb.list_tags_of_resource(ResourceArn=shown["TableArn"])["Tags"]
    wanted = [("messages:stack", deployment.stack), ("team", "chat")]
    assert all({"Key": key, "Value": value} in tags for key, value in wanted)
    assert dynamodb.describe_time_to_live(TableName=target)["TimeToLiveDescription"]["AttributeName"] == "Gone"
    for name in (target, deployment.table):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)


def test_after_a_destroy_it_needs_a_role_or_a_backup_in_dynamodb(deployment, client, name, capsys):
    deployment.deploy(**RECOVERABLE)
    assert deployment.ops("backup") == 0
    deployment.destroy()
    capsys.readouterr()
    target = f"{deployment.table}.back"
    assert deployment.ops("restore", "--target", target) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: AWS Backup needs a role to restore with")
    assert "AWSBackupServiceRolePolicyForRestores" in line

    role = create_backup_role(client, f"{name}-restores")
    client("iam").attach_role_policy(RoleName=f"{name}-restores", PolicyArn=MANAGED)
    assert deployment.ops("restore", "--target", target, "--role", role) == 0
    err = capsys.readouterr().err
    assert "no longer exists: nothing to compare" in err
    assert err.splitlines()[-1] == (
        f"table {target} has no time to live, stream, point-in-time recovery, deletion protection; "
        f"--reapply cannot set them, because table {deployment.table} does not exist in us-east-1: "
        "use `aws dynamodb update-continuous-backups`, `aws dynamodb update-time-to-live` and `aws "
        "dynamodb update-table`"
    )

    listed = client("dynamodb").list_backups(TableName=deployment.table, BackupType="SYSTEM")
    (system,) = listed["BackupSummaries"]
    assert deployment.ops("restore", system["BackupArn"], "--target", f"{target}-2") == 0
    assert capsys.readouterr().out == f"{table_arn(f'{target}-2')}\n"


def test_an_impossible_restore_is_one_line_before_anything_starts(deployed, capsys):
    point = "arn:aws:backup:us-east-1:000000000000:recovery-point:none"
    for options, status, text in [
        ((point, "--drill"), 1, f"no recovery point or backup {point}"),
        (("--latest", "--drill"), 1, "has no point-in-time recovery"),
        (("--table", "Nobodys", "--drill"), 1, "no recovery point of table Nobodys"),
        (("--target", deployed.table, "--resume"), 2, f"--target {deployed.table} is the source table"),
        (("--target", deployed.table), 1, "exists already (ACTIVE); choose another --target"),
        (
            ("--target", "Other"),
            2,
            f"--target must start with '{deployed.table}.' (the stack's restore role allows no other name), got",
        ),
    ]:
        assert deployed.ops("restore", *options) == status
        out, err = capsys.readouterr()
        assert (out, err.splitlines()[-1].startswith("error: ")) == ("", True)
        assert text in err.splitlines()[-1]
    assert tables(deployed) == [deployed.table]


def test_a_failed_restore_gives_awss_reason(deployed, client, name, monkeypatch, capsys):
    monkeypatch.setattr(restoration, "_GRACE_SECONDS", 0.3)
    role = create_backup_role(client, f"{name}-powerless")
    for where in (("--target", f"{deployed.table}.x"), ("--drill",)):
        assert deployed.ops("restore", *where, "--role", role) == 1
        out, err = capsys.readouterr()
        assert (out, err.splitlines()[-1].startswith("error: restore job ")) == ("", True)
        assert "ended FAILED: " in err.splitlines()[-1]
        assert "RestoreTableFromAwsBackup" in err.splitlines()[-1]
    assert "failed: restore job " in err
    assert tables(deployed) == [deployed.table]


def test_a_drill_measures_and_leaves_nothing(deployed, capsys):
    assert deployed.ops("restore", "--drill") == 0
    out, err = capsys.readouterr()
    (line,) = out.splitlines()
    assert line.startswith(f"drill: {deployed.table} restored in ")
    assert "4 items compared, differences 0" in line
    assert f"{deployed.table}.drill-" in err
    put(deployed, ("z", 1, "later"))
    assert deployed.ops("restore", "--drill", "--json") == 1
    result = json.loads(capsys.readouterr().out)
    assert (result["comparison"]["items_compared"], result["comparison"]["missing"]) == (5, 1)
    assert result["recovery_seconds"] > 0
    assert result["recovery_point_age_seconds"] > 0
    assert tables(deployed) == [deployed.table]


def test_an_interrupted_drill_leaves_nothing_and_an_interrupted_restore_is_resumed(deployed, aws, capsys):
    configure(aws, restore_job_seconds=2)
    command = ("restore", "--stage", deployed.stage)
    status, out, err = interrupted(aws, "restore job ", *command, "--drill", number=signal.SIGTERM)
    assert (status, out, "Traceback" in err) == (130, "", False)
    assert err.splitlines()[-1].startswith("error: interrupted; table ")
    assert err.splitlines()[-1].endswith(" was deleted")
    assert tables(deployed) == [deployed.table]

    target = f"{deployed.table}.later"
    status, _, err = interrupted(aws, "restore job ", *command, "--target", target)
    assert (status, err.splitlines()[-1]) == (
        130,
        "error: interrupted; the restore goes on; to continue, run this again with --resume",
    )
    assert deployed.ops("restore", "--target", target, "--resume") == 0
    assert "0 differences" in capsys.readouterr().out
