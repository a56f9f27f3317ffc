"""`python -m ops restore` against the embedded AWS."""

import json
import signal
from datetime import UTC, timedelta

import pytest

from embedded_aws.tests.support.steps import create_backup_role, listed, table_arn
from tests.support.ops_deployment import interrupted, quick_deployment

KEYS = {
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": kind} for name, kind in (("pk", "S"), ("sk", "N"))
    ],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
}
RECOVERABLE = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 5}}
EXPIRING = {"TimeToLiveSpecification": {"Enabled": True, "AttributeName": "Gone"}}
ITEMS = [("a", 1, "x"), ("a", 2, "y"), ("a", 10, "z"), ("b", 1, "w")]


@pytest.fixture(scope="module")
def deployed(aws, client):
    """A deployment with four items and a recovery point of them, for tests that leave both as they are."""
    with quick_deployment(aws, client, "restores") as deployment:
        deployment.deploy(**KEYS)
        put(deployment, *ITEMS)
        assert deployment.ops("backup") == 0
        yield deployment


@pytest.fixture
def target(deployed, name):
    return f"{deployed.table}.{name}"


def put(deployment, *items):
    for pk, sk, body in items:
        item = {"pk": {"S": pk}, "sk": {"N": str(sk)}, "Body": {"S": body}}
        deployment.client("dynamodb").put_item(TableName=deployment.table, Item=item)


def tables(deployment, prefix=""):
    """The names of the deployment's tables that begin with the table's name and ``prefix``."""
    pages = deployment.client("dynamodb").get_paginator("list_tables").paginate()
    names = [name for page in pages for name in page["TableNames"]]
    return [name for name in names if name.startswith(deployment.table + prefix)]


def test_a_drill_measures_names_every_difference_and_leaves_nothing(deployed, capsys):
    assert deployed.ops("restore", "--drill") == 0
    out, err = capsys.readouterr()
    (line,) = out.splitlines()
    assert line.startswith(f"drill: {deployed.table} restored in ")
    assert "4 items compared, differences 0" in line
    assert f"{deployed.table}.drill-" in err

    dynamodb = deployed.client("dynamodb")
    keys = [{"pk": {"S": pk}, "sk": {"N": sk}} for pk, sk in (("b", "1"), ("c", "1"), ("a", "11"))]
    put(deployed, ("a", 2, "changed"), ("c", 1, "new"), ("a", 11, "new"))
    dynamodb.delete_item(TableName=deployed.table, Key=keys[0])
    assert deployed.ops("restore", "--drill") == 1
    out, err = capsys.readouterr()
    *differences, line = out.splitlines()
    assert differences == [
        'missing pk="a" sk=11',
        'changed pk="a" sk=2: Body',
        'extra   pk="b" sk=1',
        'missing pk="c" sk=1',
    ]
    assert "5 items compared, differences 4" in line
    assert "pass --expect-differences" in err
    assert deployed.ops("restore", "--drill", "--json", "--expect-differences", "--show", "1") == 0
    result = json.loads(capsys.readouterr().out)
    found = result["comparison"]
    assert [found[key] for key in ("items_compared", "items_restored", "differences")] == [5, 4, 4]
    assert [found[key] for key in ("missing", "extra", "changed")] == [2, 1, 1]
    assert found["examples"] == [{"key": 'pk="a" sk=11', "kind": "missing", "attributes": []}]
    assert result["recovery_seconds"] > 0
    assert result["recovery_point_age_seconds"] > 0
    assert tables(deployed, ".drill") == []
    put(deployed, *ITEMS)
    for key in keys[1:]:
        dynamodb.delete_item(TableName=deployed.table, Key=key)


def test_an_impossible_restore_is_one_line_before_anything_starts(deployed, capsys):
    before = tables(deployed)
    point = "arn:aws:backup:us-east-1:000000000000:recovery-point:none"
    for options, status, text in [
        ((point, "--drill"), 1, f"no recovery point or backup {point}"),
        (("--latest", "--drill"), 1, "has no point-in-time recovery"),
        (("--table", "Nobodys", "--drill"), 1, "no recovery point of table Nobodys"),
        (("--table", "Nobodys", "--latest", "--drill"), 1, "table Nobodys does not exist in us-east-1, so it has no"),
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
    assert tables(deployed) == before


def test_a_failed_restore_gives_awss_reason(deployed, client, name, target, capsys):
    before = tables(deployed)
    role = create_backup_role(client, f"{name}-powerless")
    for where in (("--target", target), ("--drill",)):
        assert deployed.ops("restore", *where, "--role", role) == 1
        out, err = capsys.readouterr()
        assert (out, err.splitlines()[-1].startswith("error: restore job ")) == ("", True)
        assert "ended FAILED: " in err.splitlines()[-1]
        assert "RestoreTableFromAwsBackup" in err.splitlines()[-1]
    assert "failed: restore job " in err
    assert tables(deployed) == before


def test_an_interrupted_drill_leaves_nothing_and_an_interrupted_restore_is_resumed(
    deployed, target, setting, aws, capsys
):
    setting("restore_job_seconds", 6)
    command = ("restore", "--stage", deployed.stage)
    status, out, err = interrupted(aws, "restore job ", *command, "--drill", number=signal.SIGTERM)
    assert (status, out, "Traceback" in err) == (130, "", False)
    *_, deleted, last = err.splitlines()
    assert (deleted.endswith(" no longer exists"), last.startswith("error: interrupted; ")) == (True, True)
    assert tables(deployed, ".drill") == []

    status, _, err = interrupted(aws, "restore job ", *command, "--target", target)
    assert (status, err.splitlines()[-1]) == (
        130,
        "error: interrupted; the restore is still running; to continue, run this again with --resume",
    )
    assert deployed.ops("restore", "--target", target, "--resume") == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == ["compared 4 items with 4 restored: 0 differences", table_arn(target)]
    assert " lacks" not in err
    assert deployed.client("dynamodb").scan(TableName=target)["Count"] == 4
    assert deployed.ops("inventory") == 0
    assert f"restored from {deployed.table}, about 4 items" in capsys.readouterr().out


def test_a_time_and_the_latest_time_are_restored_through_recovery(quick_stage, setting, capsys):
    setting("recovery_delay_seconds", 0)
    quick_stage.deploy(**KEYS, **RECOVERABLE)
    put(quick_stage, ("a", 1, "x"))
    assert quick_stage.ops("restore", "--latest", "--target", f"{quick_stage.table}.now") == 0
    assert "compared 1 item with 1 restored: 0 differences" in capsys.readouterr().out

    window = quick_stage.client("dynamodb").describe_continuous_backups(TableName=quick_stage.table)
    window = window["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    first = window["EarliestRestorableDateTime"].astimezone(UTC)
    target = f"{quick_stage.table}.then"
    assert quick_stage.ops("restore", "--to-time", first.isoformat(), "--target", target) == 1
    assert 'missing pk="a" sk=1' in capsys.readouterr().out

    assert quick_stage.ops("restore", "--latest", "--drill") == 0
    assert "1 item compared, differences 0" in capsys.readouterr().out
    late = (first - timedelta(hours=1)).isoformat()
    assert quick_stage.ops("restore", "--to-time", late, "--target", f"{target}-2") == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert f"error: --to-time {late} is outside the restorable period of table {quick_stage.table}" in line
    assert sorted(tables(quick_stage)) == [f"{quick_stage.table}{end}" for end in ("", ".now", ".then")]


def test_a_restore_names_what_the_new_table_lacks_until_it_is_applied_again(quick_stage, capsys):
    stream = {"StreamSpecification": {"StreamViewType": "NEW_IMAGE"}}
    table, target = quick_stage.table, f"{quick_stage.table}.again"
    quick_stage.deploy(**RECOVERABLE, **EXPIRING, **stream, DeletionProtectionEnabled=True)
    dynamodb = quick_stage.client("dynamodb")
    dynamodb.tag_resource(ResourceArn=table_arn(table), Tags=[{"Key": "team", "Value": "chat"}])
    assert quick_stage.ops("backup") == 0
    assert quick_stage.ops("restore", "--target", target) == 0
    assert capsys.readouterr().err.splitlines()[-1] == (
        f"table {target} lacks: tag team, time to live, stream, point-in-time recovery, deletion protection; "
        "to copy them from its source, run this again with --resume --reapply"
    )
    resume = ("restore", "--target", target, "--resume", "--json", "--no-compare")
    dynamodb.update_continuous_backups(TableName=target, **RECOVERABLE)
    assert quick_stage.ops(*resume) == 0
    out, err = capsys.readouterr()
    assert " lacks: tag team, time to live, stream, deletion protection; " in err
    assert json.loads(out)["reapplied"] == []
    assert quick_stage.ops(*resume, "--reapply") == 0
    out, err = capsys.readouterr()
    assert " lacks" not in err
    reapplied = [text.split(" (")[0] for text in json.loads(out)["reapplied"]]
    assert reapplied == ["tag team", "time to live", "stream", "deletion protection"]
    shown = dynamodb.describe_table(TableName=target)["Table"]
    assert shown["DeletionProtectionEnabled"] is True
    assert shown["StreamSpecification"]["StreamViewType"] == "NEW_IMAGE"
    tags = dynamodb.list_tags_of_resource(ResourceArn=shown["TableArn"])["Tags"]
    wanted = [("messages:stack", quick_stage.stack), ("team", "chat")]
    assert all({"Key": key, "Value": value} in tags for key, value in wanted)
    assert dynamodb.describe_time_to_live(TableName=target)["TimeToLiveDescription"]["AttributeName"] == "Gone"
    for name in (target, table):
        dynamodb.update_table(TableName=name, DeletionProtectionEnabled=False)


def test_after_a_destroy_it_needs_a_role_or_a_backup_in_dynamodb(quick_stage, client, backup_role, capsys):
    with quick_stage.without_advanced_features():
        quick_stage.deploy(**RECOVERABLE)
        assert quick_stage.ops("backup", "--tag", "a=b") == 0
    out, err = capsys.readouterr()
    arn = out.strip()
    assert (arn.startswith("arn:aws:dynamodb:"), "tags not set" in err) == (True, True)
    quick_stage.destroy()
    table, target = quick_stage.table, f"{quick_stage.table}.back"
    assert quick_stage.ops("restore", "--target", target) == 1
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: AWS Backup needs a role to restore with")
    assert "AWSBackupServiceRolePolicyForRestores" in line

    assert quick_stage.ops("restore", arn, "--target", target, "--role", backup_role, "--json") == 0
    out, err = capsys.readouterr()
    result = json.loads(out)
    assert (result["recovery_point_arn"], result["table_arn"]) == (arn, table_arn(target))
    jobs = listed(client("backup"), "list_restore_jobs")
    assert arn in [job["RecoveryPointArn"] for job in jobs]
    assert "no longer exists: nothing to compare" in err
    assert err.splitlines()[-1] == (
        f"table {target} lacks: time to live, stream, point-in-time recovery, deletion protection; "
        f"its source {table} no longer exists: use `aws dynamodb update-continuous-backups`, "
        "`aws dynamodb update-time-to-live` and `aws dynamodb update-table`"
    )
    (system,) = client("dynamodb").list_backups(TableName=table, BackupType="SYSTEM")["BackupSummaries"]
    assert quick_stage.ops("restore", system["BackupArn"], "--target", f"{target}-2") == 0
    assert capsys.readouterr().out == f"{table_arn(f'{target}-2')}\n"
