"""What `python -m ops recover` refuses, what stops it, and how it then goes on: one line, and nothing lost."""

import json
import signal
import time
from datetime import UTC, datetime

import pytest

from dynamo.values import typed
from embedded_aws.tests.support.steps import listed, table_arn
from ops.__main__ import main
from ops.recover import command
from tests.support.lists import message
from tests.support.ops_deployment import interrupted
from tests.support.recoveries import KEYS, RECOVERABLE, content, note, put

THERE = "eu-west-1"
OTHER_KEYS = {
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "time")],
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "time", "KeyType": "RANGE"}],
}
GOOD, BAD = [note(number, "good") for number in range(12)], [note(number, "bad") for number in range(9)]
RIGHT = {item["pk"]["S"]: "good" for item in GOOD}


class Accident:
    """A stage with a backup and a damaged table."""

    def __init__(self, stage, capsys):
        self.stage, self.table, self.dynamodb, self._capsys = stage, stage.table, stage.client("dynamodb"), capsys

    def deployed(self, **properties):
        self.stage.deploy(**KEYS | properties)
        put(self.dynamodb, self.table, *GOOD)
        return self

    def backed_up(self):
        assert self.stage.ops("backup") == 0
        return self._capsys.readouterr().out.strip()

    def damaged(self):
        put(self.dynamodb, self.table, *BAD)
        return self

    def recover(self, *options):
        """The status, and the last lines of both outputs."""
        status = self.stage.ops("recover", *options)
        out, err = self._capsys.readouterr()
        return status, (out.splitlines() or [""])[-1], err.splitlines()[-1]

    def become_root(self):
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            self.stage.environment.setenv(name, "test")

    def content(self):
        return content(self.dynamodb, self.table)

    def tables(self, region="us-east-1"):
        names = listed(self.stage.client("dynamodb", region_name=region), "list_tables")
        return [name for name in names if name.startswith(f"{self.table}.")]


@pytest.fixture
def accident(quick_stage, setting, capsys):
    setting("recovery_delay_seconds", 0)
    return Accident(quick_stage, capsys)


def now():
    return datetime.now(UTC).replace(microsecond=0)


def test_an_impossible_recovery_is_one_line_and_starts_nothing(accident, name):
    accident.deployed(**RECOVERABLE)
    arn, dynamodb, table = accident.backed_up(), accident.dynamodb, accident.table
    accident.stage.make_table(f"{name}-other")
    other = dynamodb.create_backup(TableName=f"{name}-other", BackupName="other")["BackupDetails"]["BackupArn"]
    for options, status, words in [
        (("--to-time", "2020-01-31T09:00:00Z"), 1, f"is outside the restorable period of table {table}"),
        (("--to-time", "36500d"), 1, "is outside the restorable period"),
        ((other,), 1, f"is of table {name}-other, not of {table}"),
        ((f"{arn}-none",), 1, "no recovery point or backup"),
        (("--table", f"{name}-none"), 1, f"table {name}-none does not exist in us-east-1; deploy its stack"),
        (("--table", f"{name}-other"), 1, "has the key pk (S); recover needs pk (S) and sk (S)"),
    ]:
        found = accident.recover("--yes", *options)
        assert found[:2] == (status, ""), found
        assert found[2].startswith("error: ")
        assert words in found[2]
    assert accident.tables() == []

    accident.stage.become_user({"Action": "backup:StartRestoreJob"})
    status, _, line = accident.recover("--yes", arn)
    assert (status, "StartRestoreJob: AccessDenied" in line) == (1, True), line
    assert accident.tables() == []


def test_a_backup_that_is_not_finished_is_refused(accident, setting):
    accident.deployed()
    setting("backup_job_seconds", 60)
    job = accident.stage.start_job()
    point = accident.stage.client("backup").describe_backup_job(BackupJobId=job)["RecoveryPointArn"]
    status, _, line = accident.recover("--yes", point)
    assert (status, f"backup {point} is CREATING; only a COMPLETED" in line) == (1, True), line
    assert accident.recover("--yes")[0] == 1


def test_a_table_of_another_schema_is_refused_and_kept(accident):
    accident.stage.deploy(**OTHER_KEYS)
    accident.backed_up()
    accident.dynamodb.delete_table(TableName=accident.table)
    accident.dynamodb.create_table(TableName=accident.table, BillingMode="PAY_PER_REQUEST", **KEYS)
    status, _, line = accident.recover("--yes")
    assert (status, "has the key pk (S) and time (S)" in line) == (1, True), line
    assert accident.tables() == []


def test_an_item_that_looks_like_a_plan_is_not_skipped_silently(accident):
    accident.deployed().backed_up()
    odd = {"pk": {"S": "#recovery#1"}, "sk": {"S": "note"}}
    accident.dynamodb.put_item(TableName=accident.table, Item=odd)
    status, _, line = accident.recover("--yes", "--exact")
    assert (status, "an item's pk begins with '#recovery#'" in line) == (1, True), line
    assert accident.tables() == []
    assert "Item" in accident.dynamodb.get_item(TableName=accident.table, Key=odd)


def test_without_a_terminal_or_a_way_back_nothing_is_written(accident, monkeypatch, capsys):
    five = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    accident.deployed(BillingMode="PROVISIONED", ProvisionedThroughput=five)
    accident.backed_up()
    put(accident.dynamodb, accident.table, BAD[0])
    damaged = accident.content()
    status, out, _ = accident.recover("--dry-run")
    cost = "about 4 write units (<$0.01 on demand), 1.6 s at 2.5 a second"
    assert (status, out) == (0, f"to write: 1 item, 24 B, {cost}; left: 0")
    assert accident.stage.ops("recover") == 2
    *before, line = capsys.readouterr().err.splitlines()
    assert line == "error: cannot prompt: stdin is not a terminal; to write, pass --yes"
    assert not [said for said in before if said.startswith("restoring")]
    accident.stage.become_user({"Action": "dynamodb:CreateBackup"})
    status, _, line = accident.recover("--yes")
    assert (status, "or by a backup taken now: CreateBackup: AccessDenied" in line) == (1, True), line
    assert (accident.content(), accident.tables()) == (damaged, [])
    assert accident.recover("--yes", "--no-way-back")[0] == 0
    assert accident.content() == RIGHT

    put(accident.dynamodb, accident.table, BAD[0])
    accident.become_root()
    monkeypatch.setattr(command, "_LONG_SECONDS", 0)
    assert main(["recover", "--stage", accident.stage.stage, "--dry-run"]) == 0
    assert "python -m chat export --to s3://BUCKET/PREFIX" in capsys.readouterr().err
    assert accident.recover("--yes")[0] == 0
    (found,) = accident.dynamodb.list_backups(TableName=accident.table)["BackupSummaries"]
    assert found["BackupName"].startswith("before-recovery-")


def test_an_interrupted_recovery_is_continued_by_the_same_command_alone(accident, aws, setting, capsys):
    accident.deployed(**RECOVERABLE)
    time.sleep(1.1)
    began = now()
    time.sleep(12)  # more than the start of a process takes on a busy machine
    accident.damaged()
    command = ("recover", "--stage", accident.stage.stage, "--yes", "--to-time")
    setting("restore_job_seconds", 5)
    status, _, err = interrupted(aws, "CREATING", *command, began.isoformat(), number=signal.SIGTERM)
    assert (status, err.splitlines()[-1]) == (130, "error: interrupted; run the same command again to continue")
    assert accident.tables() == []
    span = f"{int((datetime.now(UTC) - began).total_seconds())}s"
    status, _, err = interrupted(aws, "writing to", *command, span, "--rate", "1")
    assert (status, err.splitlines()[-1]) == (130, "error: interrupted; run the same command again to finish")
    (temporary,) = accident.tables()
    assert accident.recover("--yes", "--to-time", span, "--exact")[2] == (
        f"error: table {temporary} has the plan of a recovery without options that limit it; finish that one, or drop "
        f"it: `aws dynamodb delete-table --table-name {temporary} --region us-east-1`"
    )
    status, _, line = accident.recover("--yes", "--to-time", now().isoformat())
    recovered_to = datetime.strptime(temporary[-16:], "%Y%m%dT%H%M%SZ")
    assert f"table {temporary} belongs to another recovery of {accident.table}" in line
    assert f"finish it with --to-time {recovered_to.isoformat()}Z" in line
    capsys.readouterr()
    assert accident.stage.ops("inventory") == 0
    assert f"{temporary}  " in capsys.readouterr().out
    # The span counts from when the recovery began.
    assert accident.recover("--yes", "--to-time", span)[0] == 0
    assert (accident.content(), accident.tables()) == (RIGHT, [])


@pytest.mark.parametrize("moment", ["before the plan is recorded", "while it is carried out"])
def test_of_two_recoveries_at_once_one_ends_in_one_line(accident, monkeypatch, moment):
    accident.deployed()
    accident.backed_up()
    accident.damaged()
    owner, name = {"before": (command, "_secure_way_back"), "while": (command.Recovery, "carry_out")}[moment.split()[0]]
    original, others = getattr(owner, name), []

    def after_another(*arguments):
        if not others:
            others.append(None)
            others[0] = main(["recover", "--yes", "--stage", accident.stage.stage])
        return original(*arguments)

    monkeypatch.setattr(owner, name, after_another)
    status, _, line = accident.recover("--yes")
    assert (status, others) == (1, [0])
    assert "no longer exists: another run has finished this recovery, or it was dropped" in line
    assert (accident.content(), accident.tables()) == (RIGHT, [])
    assert accident.recover("--yes")[0] == 0


def test_a_copy_in_another_region_is_restored_there(accident, client, name, backup_role):
    accident.deployed(**RECOVERABLE)
    point, there = accident.backed_up(), client("backup", region_name=THERE)
    vault = there.create_backup_vault(BackupVaultName=name)["BackupVaultArn"]
    client("backup").start_copy_job(
        RecoveryPointArn=point,
        SourceBackupVaultName=accident.stage.vault,
        DestinationBackupVaultArn=vault,
        IamRoleArn=accident.stage.role_arn,
    )
    (copy,) = there.list_recovery_points_by_backup_vault(BackupVaultName=name)["RecoveryPoints"]
    accident.damaged()
    stack = f"{accident.stage.stack}-Copies-us-east-1"
    status, _, line = accident.recover("--yes", copy["RecoveryPointArn"])
    assert (status, f"there is no stack {stack} whose role could restore it there; pass --role" in line) == (1, True), (
        line
    )

    output = {"CopiesRestoreRoleArn": {"Value": backup_role}}
    queue = {"Queue": {"Type": "AWS::SQS::Queue"}}
    cloudformation = client("cloudformation", region_name=THERE)
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps({"Resources": queue, "Outputs": output}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=stack, WaiterConfig={"Delay": 0.05})
    assert accident.recover("--yes", copy["RecoveryPointArn"])[0] == 0
    assert (accident.content(), accident.tables(), accident.tables(THERE)) == (RIGHT, [], [])
    cloudformation.delete_stack(StackName=stack)


def test_a_permission_that_is_missing_in_the_middle_is_one_line_and_the_rest_is_written_later(accident):
    accident.deployed()
    accident.backed_up()
    accident.damaged()
    accident.stage.become_user({"Action": "dynamodb:UpdateItem", "Resource": table_arn(accident.table)})
    status, _, line = accident.recover("--yes")
    assert (status, "AccessDenied" in line) == (1, True), line
    assert line.endswith("; run the same command again to finish")
    (temporary,) = accident.tables()
    accident.become_root()
    status, _, line = accident.recover("--dry-run", "--json")
    assert (status, line.startswith(f"table {temporary} of an earlier run is left; to drop it: ")) == (0, True)
    assert accident.tables() == [temporary]
    assert accident.recover("--yes")[0] == 0
    assert (accident.content(), accident.tables()) == (RIGHT, [])


def test_when_the_temporary_table_may_not_be_deleted_the_counts_are_printed_first(accident):
    accident.deployed().backed_up()
    accident.damaged()
    accident.stage.become_user({"Action": "dynamodb:DeleteTable"})
    status, out, line = accident.recover("--yes")
    (temporary,) = accident.tables()
    assert status == 1
    assert out.endswith("12 items compared, 9 written, 0 left, differences 0; temporary table not deleted"), out
    assert line.startswith(f"error: table {temporary} is left; delete it: `aws dynamodb delete-table --table-name ")
    assert "DeleteTable: AccessDenied" in line
    assert accident.content() == RIGHT


def test_of_two_unfinished_recoveries_the_user_chooses_one(accident):
    accident.deployed().backed_up()
    names = [f"{accident.table}.recover-{end}" for end in ("0000000f", "20260101T090000Z")]
    for name in names:
        accident.stage.make_table(name)
    status, _, line = accident.recover("--yes")
    assert status == 1
    began = [accident.dynamodb.describe_table(TableName=name)["Table"]["CreationDateTime"] for name in names]
    each = [f"{n} (begun {t.astimezone(UTC):%Y-%m-%d %H:%M:%S UTC})" for n, t in zip(names, began, strict=True)]
    assert line == (
        f"error: 2 recoveries of {accident.table} are not finished: tables {', '.join(each)}; delete all but the one "
        "to finish: `aws dynamodb delete-table --table-name NAME --region us-east-1`"
    )
    assert accident.tables() == names


def test_a_recovery_can_be_limited_and_json_has_everything(accident, capsys):
    accident.deployed()
    accident.backed_up()
    put(accident.dynamodb, accident.table, *BAD, note("NEWER", "newer"))
    accident.dynamodb.delete_item(TableName=accident.table, Key={name: GOOD[11][name] for name in ("pk", "sk")})

    def recovered(*options):
        capsys.readouterr()
        assert accident.stage.ops("recover", "--json", *options) == 0
        return json.loads(capsys.readouterr().out)

    plan = recovered("--dry-run", "--show", "0")
    assert [plan[name] for name in ("missing", "changed", "newer", "items_to_write")] == [1, 9, 1, 10]
    kinds = {(one["kind"], one["pk"]) for one in plan["items"]}
    assert kinds == {("missing", "NOTE#011"), ("newer", "NEWER"), *(("changed", f"NOTE#{n:03}") for n in range(9))}
    assert recovered("--yes", "--only-missing")["written"] == 1
    assert recovered("--yes", "--conversation", "Tom#Jerry")["items_compared"] == 0
    assert recovered("--yes", "--since", "1h")["items_compared"] == 0
    result = recovered("--yes", "--exact")
    assert [result[name] for name in ("written", "left", "differences", "unrecovered")] == [10, 0, 0, []]
    assert result["recovery_seconds"] > 0
    assert accident.content() == RIGHT


def test_lists_that_nothing_corrects_are_a_failure_with_its_remedy(accident):
    accident.deployed()
    one = typed(message(1))
    put(accident.dynamodb, accident.table, one)
    accident.backed_up()
    accident.dynamodb.delete_item(TableName=accident.table, Key={name: one[name] for name in ("pk", "sk")})
    status, out, line = accident.recover("--yes")  # the table has no stream
    assert (status, "1 written, 0 left, differences 0" in out) == (1, True)
    assert line.endswith("1 conversation (jerry#tom); to correct them: python -m chat reindex")
