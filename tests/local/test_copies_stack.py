"""A stage with a second stack for copies, from `make up` on, with the real CDK CLI in two regions."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from embedded_aws.tests.support.steps import back_up, listed
from ops.__main__ import main
from tests.conftest import PROJECT
from tests.support import commands

pytestmark = pytest.mark.usefixtures("quick_backups")
HOME, THERE = "us-east-1", "eu-west-1"


@pytest.fixture
def state(aws):
    return Path(aws.ca_file).parent


@pytest.fixture
def cdk(aws, state):
    """``cdk("destroy", ...)`` of what `make up` has synthesized, as the make targets call it; its output."""

    def run(*arguments, fails=False):
        done = commands.run("cdk", "-a", state / "cdk.out", *arguments, cwd=PROJECT, environment=aws.environment())
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    return run


def outputs(client, stack, region):
    cloudformation = client("cloudformation", region_name=region)
    (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def up(state, stage, environment):
    """What `make up` prints: it deploys to both regions, and suggests commands for where the stack is."""
    context = ["-c", f"region={HOME}", "-c", f"copy_region={THERE}"]
    command = [sys.executable, "-m", "local", "--state", state, "up", "--stage", stage, *context]
    done = subprocess.run(
        command, cwd=PROJECT, env=environment | {"AWS_REGION": THERE}, text=True, capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for shown in (
        f"regions {THERE}, {HOME}",
        f"Messages-{stage}: table Messages-{stage}, vault Messages-{stage}-",
        f"Messages-{stage}-Copies-{HOME}: vault Messages-{stage}-Copies-{HOME}-v",
        f"export AWS_REGION={HOME}",
        f"cdk -c stage={stage} {' '.join(context)} diff",
        f"python -m local --state {state} stop",
    ):
        assert shown in done.stdout


def test_two_stacks_from_make_up_to_clean_up(cdk, client, name, state, hostile, elsewhere, capsys):
    stage = name[:8]
    up(state, stage, hostile)
    assert elsewhere.seen == [], "the AWS that the environment names is left alone"
    deploy = ("deploy", "--all", "--require-approval", "never")
    own, copies = f"Messages-{stage}", f"Messages-{stage}-Copies-{HOME}"
    home, there = outputs(client, own, HOME), outputs(client, copies, THERE)
    (rule, _) = client("backup").get_backup_plan(BackupPlanId=home["BackupPlanId"])["BackupPlan"]["Rules"]
    vault_arn = rule["CopyActions"][0]["DestinationBackupVaultArn"]
    backup = client("backup", region_name=THERE)
    assert vault_arn in [v["BackupVaultArn"] for v in listed(backup, "list_backup_vaults")]
    role = home["BackupRoleArn"]
    made = back_up(client, home["BackupVaultName"], home["TableName"], role)
    client("backup").start_copy_job(
        RecoveryPointArn=made["RecoveryPointArn"],
        SourceBackupVaultName=home["BackupVaultName"],
        DestinationBackupVaultArn=vault_arn,
        IamRoleArn=role,
    )

    restored = f"{home['TableName']}.restored"
    (point,) = backup.list_recovery_points_by_backup_vault(BackupVaultName=there["BackupVaultName"])["RecoveryPoints"]
    where = ("--stack", copies, "--region", THERE)
    restore = ("restore", point["RecoveryPointArn"], *where, "--target", restored, "--no-compare")
    assert main([*restore, "--role", there["CopiesRestoreRoleArn"]]) == 0
    client("dynamodb", region_name=THERE).delete_table(TableName=restored)

    clean_up = ("cleanup", *where, "--yes", "--json", "--rate", "1000")
    assert main([*clean_up]) == 1, "a copies' stack in use keeps its copies"
    assert "is still deployed" in capsys.readouterr().err
    cdk("destroy", "--all", "--force")
    taken = f"'AWS::Backup::BackupVault' with identifier '{there['BackupVaultName']}' already exists"
    assert taken in " ".join(cdk(*deploy, fails=True).split())
    cdk(*deploy, "--import-existing-resources")
    held = backup.list_recovery_points_by_backup_vault(BackupVaultName=there["BackupVaultName"])
    assert len(held["RecoveryPoints"]) == 1, "adopted with the copies that are in it"

    cdk("destroy", "--all", "--force")
    own_clean_up = ("cleanup", "--stage", stage, "--yes", "--json", "--rate", "1000")
    command = f"python -m ops cleanup --stack {copies} --region {THERE}"
    for _ in range(2):  # also when the role is all that is left
        capsys.readouterr()
        assert main([*own_clean_up]) == 0
        said = json.loads(capsys.readouterr().out)["stays"]
        stays = {item["kind"]: item["reason"] for item in said}
        assert command in stays["role"], "the copies need it"
        assert command in stays["copy"]

    assert main([*clean_up]) == 0
    result = json.loads(capsys.readouterr().out)
    assert sorted(item["kind"] for item in result["deleted"]) == ["backup vault", "recovery point"]
    assert result["left"] == result["stays"] == []
    assert main([*own_clean_up]) == 0
    result = json.loads(capsys.readouterr().out)
    assert {item["kind"] for item in result["deleted"]} == {"role"}
    assert result["left"] == []
