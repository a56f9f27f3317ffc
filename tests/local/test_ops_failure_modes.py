"""Everything that other clean-ups get wrong, each reproduced: what ours says and leaves.

One row per failure mode of a teardown; docs/backup-restore-cleanup.md has the same rows with what the command
says. The sources of AWS's behaviours are in embedded_aws/backup.
"""

import contextlib
import json
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from embedded_aws.tests.support.engine import configure
from embedded_aws.tests.support.steps import eventually, refused
from ops.inventory import vaults
from tests.support.ops_deployment import Deployment

GUARDED = {"vault", "role"}  # what must stay as long as one recovery point does
COMPLIANCE = {"MinRetentionDays": 7, "ChangeableForDays": 3}
ROWS: list[Any] = []


def row(*numbers: int, meaning: str) -> Any:
    """Put a function into the table, under the failure modes' numbers and their meaning."""

    def add(reproduce: Any) -> Any:
        ROWS.append((numbers, pytest.param(reproduce, id=f"{', '.join(map(str, numbers))}: {meaning}")))
        return reproduce

    return add


@dataclass
class Case:
    """One deployment that is about to be cleaned up, and the means to make that hard."""

    stage: Deployment
    set: Any
    aws: Any
    capsys: Any
    monkeypatch: Any
    err: str = ""

    def gone(self) -> None:
        """Clean up, and nothing is left."""
        assert self.cleanup(status=0)["left"] == []
        assert self.stage.remains() == set()

    def blocked(self, *words: str, kind: str = "recovery point", options: tuple[str, ...] = ()) -> str:
        """Clean up; something is left with these words as its reason, and so is what it needs."""
        (reason,) = {left["reason"] for left in self.cleanup(*options, status=1)["left"] if left["kind"] == kind}
        assert all(word in reason for word in words), reason
        assert self.stage.remains() == GUARDED
        return reason

    def cleanup(self, *options: str, status: int) -> Any:
        """Run the command, check its exit status, and return what it printed."""
        self.capsys.readouterr()
        agreed = () if "--dry-run" in options else ("--yes",)
        found = self.stage.ops("cleanup", "--json", "--rate", "1000", *agreed, *options)
        out, self.err = self.capsys.readouterr()
        assert found == status, f"{out}\n{self.err}"
        return json.loads(out) if out else None

    @property
    def backup(self) -> Any:
        return self.stage.client("backup")

    @property
    def vault(self) -> dict[str, str]:
        """The stage's vault, as an argument."""
        return {"BackupVaultName": self.stage.vault}


@pytest.fixture
def case(aws, quick_stage, setting, monkeypatch, capsys):
    return Case(quick_stage, setting, aws, capsys, monkeypatch)


def _kinds(items: list[dict[str, str]]) -> list[str]:
    return [item["kind"] for item in items]


@row(21, 22, meaning="a vault with points cannot be deleted, deletions take time, and the vault lags behind the list")
def _(case):
    case.stage.leave()
    assert refused(case.backup.delete_backup_vault, **case.vault)[1] == "InvalidRequestException"
    case.set("recovery_point_deleting_seconds", 0.6)
    case.set("vault_lag_seconds", 1)
    case.gone()
    assert "recovery points: 2 of 2 deleted" in case.err


@row(23, 28, meaning="the SDK has no waiters, a point is busy, and a deadline passes")
def _(case):
    assert case.backup.waiter_names == []
    case.stage.leave(3)
    case.set("recovery_point_deleting_seconds", 2)
    busy = {**case.vault, "RecoveryPointArn": case.stage.points()[0]}
    case.backup.delete_recovery_point(**busy)
    assert refused(case.backup.delete_recovery_point, **busy)[1] == "InvalidResourceStateException"
    configure(case.aws, deletions_seen=0)
    assert case.blocked(options=("--timeout", "0.01")) == "still there after 0.6 s; run this again"
    case.gone()
    # Those that are being deleted are only waited for.
    assert configure(case.aws, deletions_seen=0)["deletions_seen"] == 2


@row(24, 25, meaning="points turn EXPIRED although a deletion responds 200; the role that points need goes before them")
def _(case):
    case.stage.leave()
    case.set("expiring_vault", case.stage.vault)
    case.blocked("EXPIRED: AWS Backup accepted the deletion", "dynamodb:DeleteBackup", "iam:CreateServiceLinkedRole")
    # What is EXPIRED already is named in the next plan.
    planned = case.cleanup("--dry-run", status=0)["planned"]
    assert "AWS Backup could not delete it before" in planned[0]["reason"]
    assert _kinds(planned) == [*["recovery point"] * 2, "backup vault", "role"]
    case.set("expiring_vault", "")
    iam, role = case.stage.client("iam"), case.stage.role_arn.rpartition("/")[2]
    iam.delete_role_policy(RoleName=role, PolicyName="BackUpTable")
    iam.delete_role(RoleName=role)  # by hand; AWS Backup has its service-linked role then
    case.gone()


@row(26, 27, meaning="a legal hold, a compliance lock that can still be removed, and a governance lock")
def _(case):
    case.stage.leave()
    hold = case.backup.create_legal_hold(
        Title="case 7", Description="d", RecoveryPointSelection={"VaultNames": [case.stage.vault]}
    )["LegalHoldId"]
    case.blocked(f"legal hold 'case 7' ({hold})")
    assert case.backup.get_legal_hold(LegalHoldId=hold)["Status"] == "ACTIVE"
    case.backup.cancel_legal_hold(LegalHoldId=hold, CancelDescription="over")
    case.backup.put_backup_vault_lock_configuration(**COMPLIANCE, **case.vault)
    case.blocked("compliance mode: --unlock removes it (possible until 2")
    case.backup.delete_backup_vault_lock_configuration(**case.vault)
    case.backup.put_backup_vault_lock_configuration(**case.vault, MinRetentionDays=7)
    case.blocked("vault lock in governance mode: --unlock removes it")
    assert _kinds(case.cleanup("--unlock", status=0)["deleted"])[0] == "vault lock"
    assert case.stage.remains() == set()


@row(27, meaning="a vault lock in compliance mode, final")
def _(case):
    case.stage.deploy()
    case.stage.start_job(Lifecycle={"DeleteAfterDays": 30})
    case.stage.destroy()
    case.set("vault_lock_day_seconds", 0)
    case.backup.put_backup_vault_lock_configuration(**COMPLIANCE, **case.vault)
    case.blocked("vault lock in compliance mode, immutable since", options=("--unlock",))
    (point,) = [item for item in case.cleanup(status=1)["left"] if item["kind"] == "recovery point"]
    shown = case.backup.describe_recovery_point(**case.vault, RecoveryPointArn=point["id"])
    assert point["until"][:19] == shown["CalculatedLifecycle"]["DeleteAt"].isoformat()[:19]


@row(29, meaning="a job that still runs fills the vault again, or outlasts the deadline")
def _(case):
    case.stage.deploy(DeletionPolicy="Retain")
    case.stage.start_job()
    case.set("backup_job_seconds", 8)
    job = case.stage.start_job()
    case.stage.destroy()
    case.blocked(f"backup job {job} is still", kind="backup job", options=("--timeout", "0.01"))
    runs = case.backup.describe_backup_job(BackupJobId=job)["State"] == "RUNNING"  # not so on a very busy machine
    case.gone()
    assert not runs or f"backup job {job}: COMPLETED" in case.err


@row(30, 31, meaning="more points than a page, which go while their list is read")
def _(case):
    case.monkeypatch.setattr(vaults, "PAGE", 2)
    case.stage.leave(5)
    case.set("recovery_point_deleting_seconds", 0)
    configure(case.aws, deletions_seen=0)
    assert _kinds(case.cleanup(status=0)["deleted"]).count("recovery point") == 5
    assert case.stage.remains() == set()
    assert configure(case.aws, deletions_seen=0)["deletions_seen"] == 5  # none skipped, none twice


@row(32, 33, meaning="a system backup, which ListBackups does not show unasked, quotas and throttling")
def _(case):
    case.stage.deploy(PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    for number in range(3):
        case.stage.client("dynamodb").create_backup(TableName=case.stage.table, BackupName=f"by-hand-{number}")
    for _ in range(12):
        case.stage.start_job()
    case.stage.destroy()
    case.set("deletions_a_second", 8)
    result = case.cleanup(status=0)
    assert [_kinds(result["deleted"]).count(kind) for kind in ("table backup", "recovery point")] == [3, 12]
    (stays,) = result["stays"]
    assert (stays["kind"], "free, cannot be deleted" in stays["reason"]) == ("table backup", True)
    assert stays["until"] > "2026"
    assert case.stage.remains() == set()


@row(34, meaning="a point with DynamoDB's form of ARN goes through its vault only")
def _(case):
    with case.stage.without_advanced_features():
        case.stage.leave(1)
        (arn,) = case.stage.points()
        assert arn.startswith("arn:aws:dynamodb:")
        assert refused(case.stage.client("dynamodb").delete_backup, BackupArn=arn)[0] == 400
        case.gone()


@row(35, meaning="an access policy denies deletions, to all or to some; AccessDenied for a vault is no success")
def _(case):
    case.stage.leave(1)
    user = case.stage.become_user({"Action": "backup:DeleteBackupVault"})
    for principal, words in [
        (
            "*",
            "denies backup:DeleteRecoveryPoint to all principals (statement Keep): change it, or "
            "`aws backup delete-backup-vault-access-policy --backup-vault-name",
        ),
        # Only AWS can decide this one.
        (f"arn:aws:iam::000000000000:user/{user}", f"the access policy of {case.stage.vault}: change it first"),
    ]:
        denied = {"Sid": "Keep", "Effect": "Deny", "Action": ["backup:DeleteRecoveryPoint"], "Resource": "*"}
        statement = denied | {"Principal": {"AWS": principal}}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        case.backup.put_backup_vault_access_policy(Policy=policy, **case.vault)
        case.blocked(words)
        assert case.backup.get_backup_vault_access_policy(**case.vault)["Policy"] == policy
    case.backup.delete_backup_vault_access_policy(**case.vault)
    case.blocked("needs permission for DeleteBackupVault", kind="backup vault")
    assert case.stage.points() == []


@row(35, 37, meaning="points in the Default vault, which is not the stack's, and copies in other regions")
def _(case):
    case.stage.deploy()
    with contextlib.suppress(case.backup.exceptions.AlreadyExistsException):
        case.backup.create_backup_vault(BackupVaultName="Default")
    case.stage.start_job(BackupVaultName="Default")
    case.stage.start_job()
    there = case.stage.client("backup", region_name="eu-west-1")
    name = f"copies-of-{case.stage.stage}"
    arn = there.create_backup_vault(BackupVaultName=name)["BackupVaultArn"]
    for _ in range(2):
        case.backup.start_copy_job(
            RecoveryPointArn=case.stage.points()[0],
            SourceBackupVaultName=case.stage.vault,
            DestinationBackupVaultArn=arn,
            IamRoleArn=case.stage.role_arn,
        )
    case.stage.destroy()

    def copies():
        return there.list_recovery_points_by_backup_vault(BackupVaultName=name)["RecoveryPoints"]

    first, second = copies()
    there.delete_recovery_point(BackupVaultName=name, RecoveryPointArn=first["RecoveryPointArn"])
    eventually(lambda: len(copies()) == 1)
    stays = case.cleanup(status=0)["stays"]
    reasons = {kept["id"]: kept["reason"] for kept in stays}
    assert _kinds(stays) == ["copy", "copy"]
    assert f"in vault {name}, account 000000000000, region eu-west-1" in reasons.pop(second["RecoveryPointArn"])
    ((default, reason),) = reasons.items()
    assert "in a vault outside the stack" in reason
    point = case.backup.describe_recovery_point(BackupVaultName="Default", RecoveryPointArn=default)
    assert (point["Status"], len(copies())) == ("COMPLETED", 1)
    assert case.stage.remains() == set()


@row(36, meaning="a retained table is protected, and has a replica")
def _(case):
    case.stage.deploy(DeletionPolicy="Retain", DeletionProtectionEnabled=True)
    replicate = partial(case.stage.client("dynamodb").update_table, TableName=case.stage.table)
    replicate(ReplicaUpdates=[{"Create": {"RegionName": "eu-west-1"}}])
    case.stage.destroy()
    (stays,) = case.cleanup(status=0)["stays"]
    assert stays["reason"].startswith("retained and protected against deletion")
    assert "--no-deletion-protection-enabled`, wait until it is ACTIVE" in stays["reason"]
    assert "delete its replicas in eu-west-1 in the same way" in stays["reason"]
    assert case.stage.client("dynamodb").describe_table(TableName=case.stage.table)
    replicate(ReplicaUpdates=[{"Delete": {"RegionName": "eu-west-1"}}])


@row(
    38, 39, meaning="points are wiped although the stack is in use; the next deployment finds the retained names taken"
)
def _(case):
    case.stage.deploy(DeletionProtectionEnabled=True)
    for _ in range(3):
        case.stage.start_job()
    newest = case.stage.points()[0]
    assert case.cleanup(status=1) is None
    assert "is still deployed" in case.err
    assert case.cleanup("--while-deployed", status=2) is None
    assert "add --older-than, --keep-last" in case.err
    result = case.cleanup("--while-deployed", "--keep-last", "1", status=0)
    assert _kinds(result["deleted"]) == ["recovery point"] * 2
    reasons = {kept["kind"]: kept["reason"] for kept in result["stays"]}
    assert reasons["backup vault"] == "the stack is deployed; 1 recovery point of the stack not selected"

    case.stage.client("cloudformation").delete_stack(StackName=case.stage.stack)
    case.stage.wait_for("DELETE_FAILED")
    assert case.cleanup(status=1) is None
    assert "(status DELETE_FAILED); its deletion failed: " in case.err
    case.stage.client("dynamodb").update_table(TableName=case.stage.table, DeletionProtectionEnabled=False)
    case.stage.destroy()
    case.stage.deploy(ending="ROLLBACK_COMPLETE")
    assert case.cleanup(status=1) is None  # while a failed stack is there
    assert "(status ROLLBACK_COMPLETE); destroy it first" in case.err
    assert (case.stage.points(), case.stage.remains()) == ([newest], GUARDED)
    case.stage.destroy()
    case.gone()
    case.stage.deploy()
    assert case.stage.remains() == GUARDED


@row(40, 41, meaning="success is claimed where nothing was done, and the wrong account or region")
def _(case):
    case.capsys.readouterr()
    assert case.stage.ops("cleanup", "--yes") == 0
    out = case.capsys.readouterr().out
    assert out.startswith("nothing to delete found in account 000000000000, region us-east-1")
    assert "if the stack was elsewhere, pass --region or --profile" in out
    assert "deleted" not in out.replace("to delete", "")

    case.stage.leave()
    assert case.cleanup("--account", "111122223333", status=2) is None
    assert case.err.splitlines()[-1] == (
        "error: --account 111122223333, but the credentials belong to account 000000000000; "
        "check --profile and the AWS_* variables"
    )
    result = case.cleanup("--region", "eu-west-1", status=0)
    assert (result["deleted"], result["left"], result["region"]) == ([], [], "eu-west-1")
    assert case.err.startswith("account 000000000000, region eu-west-1, stack ")
    assert len(case.stage.points()) == 2
    case.cleanup("--account", "000000000000", status=0)


@row(42, meaning="one failure hides the others, or is hidden")
def _(case):
    case.stage.leave(5)
    forbidden = case.stage.points()[2]
    case.stage.become_user({"Action": "backup:DeleteRecoveryPoint", "Resource": forbidden})
    case.blocked("needs permission for DeleteRecoveryPoint")
    assert case.stage.points() == [forbidden]


@pytest.mark.parametrize("reproduce", [parameters for _, parameters in ROWS])
def test_failure_mode(reproduce, case):
    reproduce(case)


def test_no_failure_mode_is_missing():
    assert {number for numbers, _ in ROWS for number in numbers} == set(range(21, 43))
