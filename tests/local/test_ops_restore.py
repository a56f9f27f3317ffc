"""`python -m ops restore` against the embedded AWS."""

import json
import signal
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from embedded_aws.tests.support.engine import configure
from embedded_aws.tests.support.steps import create_backup_role, table_arn
from local.environment import PROJECT
from ops.restore import drill
from tests.support.ops_deployment import QUICK, USUAL, Deployment

KEYS = {
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": kind} for name, kind in (("pk", "S"), ("sk", "N"))
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
}
RECOVERABLE = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}


@pytest.fixture
def deployment(aws, client, name, monkeypatch):
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)
    configure(aws, **QUICK)
    with closing(Deployment(client, name)) as deployment:
        yield deployment
    configure(aws, **USUAL)


def put(deployment, *items):
    for pk, sk, body in items:
        item = {"pk": {"S": pk}, "sk": {"N": str(sk)}, "Body": {"S": body}}
        deployment.client("dynamodb").put_item(TableName=deployment.table, Item=item)


@pytest.fixture
def deployed(deployment, capsys):
    """A deployment with four items and a recovery point of them."""
    deployment.deploy(**KEYS)
    put(deployment, ("a", 1, "x"), ("a", 2, "y"), ("a", 10, "z"), ("b", 1, "w"))
    assert deployment.ops("backup") == 0
    capsys.readouterr()
    return deployment


@pytest.fixture
def switch(client):
    """``switch(False)``: the account's advanced DynamoDB backup, off for one test."""
    names = ("ResourceTypeOptInPreference", "ResourceTypeManagementPreference")

    def change(on):
        client("backup").update_region_settings(**{name: {"DynamoDB": on} for name in names})

    yield change
    change(True)


def tables(deployment):
    """The names of the deployment's tables."""
    pages = deployment.client("dynamodb").get_paginator("list_tables").paginate()
    names = [name for page in pages for name in page["TableNames"]]
    return [name for name in names if name.startswith(deployment.table)]


def test_the_newest_point_becomes_a_table_with_the_same_items(deployed, capsys):
    target = f"{deployed.table}.restored"
    assert deployed.ops("restore", "--target", target) == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == ["compared 4 items with 4 restored: 0 differences", table_arn(target)]
    assert "COMPLETED 100.00% after" in err
    assert deployed.client("dynamodb").scan(TableName=target)["Count"] == 4


def test_a_restored_table_is_in_the_inventory_and_stays_after_a_clean_up_which_names_it(deployed, capsys):
    target, dynamodb = f"{deployed.table}.restored", deployed.client("dynamodb")
    assert deployed.ops("restore", "--target", target) == 0
    own = dynamodb.create_backup(TableName=target, BackupName="by-hand")["BackupDetails"]
    capsys.readouterr()
    assert deployed.ops("inventory") == 0
    assert f"restored from {deployed.table}, about 4 items" in capsys.readouterr().out
    deployed.destroy()
    assert deployed.ops("cleanup", "--yes", "--json") == 0
    (stays,) = json.loads(capsys.readouterr().out)["stays"]
    assert (stays["kind"], stays["id"]) == ("table", target)
    assert stays["reason"].startswith(f"restored from {deployed.table}, it holds data; to delete")
    assert dynamodb.scan(TableName=target)["Count"] == 4
    assert dynamodb.describe_backup(BackupArn=own["BackupArn"])
    dynamodb.delete_backup(BackupArn=own["BackupArn"])


@pytest.mark.parametrize("advanced", [True, False], ids=["AWS Backup's ARN", "DynamoDB's ARN"])
def test_both_forms_of_an_arn_are_restored_through_aws_backup(deployment, switch, advanced, capsys):
    switch(advanced)
    deployment.deploy()
    assert deployment.ops("backup") == 0
    arn = capsys.readouterr().out.strip()
    assert arn.split(":")[2] == ("backup" if advanced else "dynamodb")
    target = f"{deployment.table}.copy"
    assert deployment.ops("restore", arn, "--target", target, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["recovery_point_arn"], result["table_arn"]) == (arn, table_arn(target))
    assert result["comparison"]["differences"] == 0
    jobs = deployment.client("backup").list_restore_jobs()["RestoreJobs"]
    assert arn in [job["RecoveryPointArn"] for job in jobs]


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
    assert "--expect-differences accepts it" in err
    options = ("--expect-differences", "--show", "1", "--resume")
    assert deployed.ops("restore", "--target", f"{deployed.table}.old", *options) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ['missing pk="a" sk=11', "and 3 more differences"]


def test_a_time_and_the_latest_time_are_restored_through_recovery(deployment, aws, capsys):
    configure(aws, recovery_delay_seconds=0)
    deployment.deploy(**KEYS, **RECOVERABLE)
    put(deployment, ("a", 1, "x"))
    target = f"{deployment.table}.now"
    assert deployment.ops("restore", "--latest", "--target", target) == 0
    assert "compared 1 item with 1 restored: 0 differences" in capsys.readouterr().out

    window = deployment.client("dynamodb").describe_continuous_backups(TableName=deployment.table)
    window = window["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    first = window["EarliestRestorableDateTime"].astimezone(UTC)
    target = f"{deployment.table}.then"
    assert deployment.ops("restore", "--to-time", first.isoformat(), "--target", target) == 1
    assert 'missing pk="a" sk=1' in capsys.readouterr().out

    assert deployment.ops("restore", "--latest", "--drill") == 0
    assert "1 item compared, differences 0" in capsys.readouterr().out
    assert sorted(tables(deployment)) == [f"{deployment.table}{end}" for end in ("", ".now", ".then")]

    late = (first - timedelta(hours=1)).isoformat()
    assert deployment.ops("restore", "--to-time", late, "--target", f"{target}-2") == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert f"error: --to-time {late} is outside of what table {deployment.table} can be" in line
    assert f"{target}-2" not in tables(deployment)


def test_what_a_restore_loses_is_applied_again(deployment, capsys):
    days = {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 5}
    deployment.deploy(
        PointInTimeRecoverySpecification=days,
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "Gone"},
        StreamSpecification={"StreamViewType": "NEW_IMAGE"},
        DeletionProtectionEnabled=True,
    )
    assert deployment.ops("backup") == 0
    target = f"{deployment.table}.again"
    assert deployment.ops("restore", "--target", target, "--reapply", "--json") == 0
    out = capsys.readouterr().out
    result = json.loads(out[out.index("{") :])
    assert [text.split(" (")[0] for text in result["reapplied"]] == [
        "tags",
        "time to live",
        "stream",
        "point-in-time recovery",
        "deletion protection",
    ]
    dynamodb = deployment.client("dynamodb")
    shown = dynamodb.describe_table(TableName=target)["Table"]
    assert shown["DeletionProtectionEnabled"] is True
    assert shown["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE"
    tags = dynamodb.list_tags_of_resource(ResourceArn=shown["TableArn"])["Tags"]
    assert {"Key": "messages:stack", "Value": deployment.stack} in tags
    expiry = dynamodb.describe_time_to_live(TableName=target)["TimeToLiveDescription"]
    assert expiry["AttributeName"] == "Gone"
    recovery = dynamodb.describe_continuous_backups(TableName=target)
    window = recovery["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert window["RecoveryPeriodInDays"] == 5
    for name in (target, deployment.table):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)


def test_a_restore_names_what_the_new_table_lacks_until_it_is_applied_again(deployment, capsys):
    deployment.deploy(
        **RECOVERABLE,
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "Gone"},
        StreamSpecification={"StreamViewType": "NEW_IMAGE"},
        DeletionProtectionEnabled=True,
    )
    dynamodb, target = deployment.client("dynamodb"), f"{deployment.table}.again"
    dynamodb.tag_resource(ResourceArn=table_arn(deployment.table), Tags=[{"Key": "team", "Value": "chat"}])
    assert deployment.ops("backup") == 0
    assert deployment.ops("restore", "--target", target) == 0
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"table {target} lacks what {deployment.table} has: tag team, time to live, stream, "
        "point-in-time recovery, deletion protection; to apply them, run this again with "
        "--resume --reapply"
    )
    dynamodb.update_continuous_backups(TableName=target, **RECOVERABLE)
    assert deployment.ops("restore", "--target", target, "--resume", "--no-compare") == 0
    last = capsys.readouterr().err.splitlines()[-1]
    assert ": tag team, time to live, stream, deletion protection; to apply" in last
    assert deployment.ops("restore", "--target", target, "--resume", "--reapply") == 0
    assert " lacks " not in capsys.readouterr().err
    for name in (target, deployment.table):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)


def test_a_table_like_its_source_lacks_nothing(deployed, capsys):
    assert deployed.ops("restore", "--target", f"{deployed.table}.restored") == 0
    assert " lacks " not in capsys.readouterr().err


def test_after_a_destroy_it_needs_a_role_or_a_backup_of_dynamodbs_own(deployment, client, name, capsys):
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
    client("iam").attach_role_policy(
        RoleName=f"{name}-restores",
        PolicyArn="arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForRestores",
    )
    assert deployment.ops("restore", "--target", target, "--role", role) == 0
    err = capsys.readouterr().err
    assert "does not exist any more: there is nothing to compare" in err
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


POINT = "arn:aws:backup:us-east-1:000000000000:recovery-point:none"


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        ((), 2, "one of the arguments --target --drill is required"),
        (("--target", "a b"), 2, "--target 'a b' is not a table name"),
        (("nonsense", "--target", "{}.x"), 2, "'nonsense' is not the ARN of a recovery point"),
        ((POINT.replace("us-east-1", "eu-west-1"), "--drill"), 2, "pass --region eu-west-1"),
        ((POINT.replace("0" * 12, "1" * 12), "--drill"), 2, "pass --profile"),
        ((POINT, "--target", "{}.x"), 1, f"no recovery point or backup {POINT}"),
        (("--latest", "--target", "{}.x"), 1, "has no point-in-time recovery"),
        (("--to-time", "yesterday", "--drill"), 2, "is not a time with a zone"),
        (("--to-time", "2026-01-01T09:00:00", "--drill"), 2, "is not a time with a zone"),
        (("--target", "{}", "--resume"), 2, "--target {} is the source itself"),
        (("--target", "{}"), 1, "exists already (ACTIVE); choose another --target"),
        (("--target", "Other"), 2, "restores tables whose name begins with '{}.', got 'Other'"),
        (("--table", "Nobodys", "--drill"), 1, "no recovery point of table Nobodys"),
        (("--role", "admin", "--drill"), 2, "--role 'admin' is not the ARN of an IAM role"),
        (("--drill", "--reapply"), 2, "a drill's table goes again"),
        (("--target", "{}.x", "--timeout", "0"), 2, "--timeout must be between"),
    ],
)
def test_bad_input_is_one_line_before_anything_starts(deployed_once, options, status, text, capsys):
    options = [option.format(deployed_once.table) for option in options]
    try:
        ended = deployed_once.ops("restore", *options)
    except SystemExit as usage:
        ended = usage.code
    out, err = capsys.readouterr()
    assert (ended, out) == (status, "")
    assert err.splitlines()[-1].startswith("error: ")
    assert text.format(deployed_once.table) in err.splitlines()[-1]
    assert tables(deployed_once) == [deployed_once.table]


@pytest.fixture(scope="module")
def deployed_module(aws, client):
    configure(aws, **QUICK)
    with closing(Deployment(client, f"r{datetime.now(UTC):%H%M%S%f}")) as deployment:
        deployment.deploy()
        deployment.start_job()
        yield deployment
    configure(aws, **USUAL)


@pytest.fixture
def deployed_once(deployed_module, aws, monkeypatch):
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)
    return deployed_module


def test_a_failed_restore_gives_awss_reason(deployed, client, name, capsys):
    role = create_backup_role(client, f"{name}-powerless")
    assert deployed.ops("restore", "--target", f"{deployed.table}.x", "--role", role) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: restore job ")
    assert "ended FAILED: " in line
    assert "RestoreTableFromAwsBackup" in line


def test_a_drill_measures_and_leaves_nothing(deployed, capsys):
    assert deployed.ops("restore", "--drill") == 0
    out, err = capsys.readouterr()
    (line,) = out.splitlines()
    assert line.startswith(f"drill: {deployed.table} restored in ")
    assert "4 items compared, differences 0" in line
    assert f"{deployed.table}.drill-" in err
    assert tables(deployed) == [deployed.table]


def test_a_drill_that_finds_differences_fails_and_leaves_nothing(deployed, capsys):
    put(deployed, ("z", 1, "later"))
    assert deployed.ops("restore", "--drill", "--json") == 1
    result = json.loads(capsys.readouterr().out)
    assert (result["comparison"]["items_compared"], result["comparison"]["missing"]) == (5, 1)
    assert result["recovery_seconds"] > 0
    assert result["recovery_point_age_seconds"] > 0
    assert tables(deployed) == [deployed.table]


def test_a_drill_whose_restore_fails_gives_the_reason_and_leaves_nothing(deployed, client, name, monkeypatch, capsys):
    monkeypatch.setattr(drill, "_GRACE_SECONDS", 0.3)
    role = create_backup_role(client, f"{name}-powerless")
    assert deployed.ops("restore", "--drill", "--role", role) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "the drill failed (restore job " in err
    assert err.splitlines()[-1].startswith("error: restore job ")
    assert tables(deployed) == [deployed.table]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_drill_leaves_nothing(deployed, aws, number):
    configure(aws, restore_job_seconds=2)
    out, err, status = interrupted(deployed, aws, number, "--drill")
    assert (status, out) == (130, "")
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("error: interrupted; table ")
    assert err.splitlines()[-1].endswith("is removed again")
    assert tables(deployed) == [deployed.table]


def test_an_interrupted_restore_is_resumed(deployed, aws, capsys):
    configure(aws, restore_job_seconds=2)
    target = f"{deployed.table}.later"
    _, err, status = interrupted(deployed, aws, signal.SIGINT, "--target", target)
    assert status == 130
    assert "the restore goes on; running this again with --resume continues" in err
    assert deployed.ops("restore", "--target", target, "--resume") == 0
    assert "0 differences" in capsys.readouterr().out


def interrupted(deployed, aws, number, *options):
    """Standard output, error and status of a restore that got a signal while it ran."""
    command = [sys.executable, "-m", "ops", "restore", "--stage", deployed.stage, *options]
    with subprocess.Popen(
        command, cwd=PROJECT, env=aws.environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        seen = ""
        while "restore job " not in seen:
            line = process.stderr.readline()
            assert line, seen
            seen += line
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    return out, seen + err, process.returncode
