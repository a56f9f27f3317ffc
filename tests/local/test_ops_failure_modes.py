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
from tests.support.ops_deployment import Deployment, quick_deployment

GUARDED = {"vault", "role"}  # what must stay as long as one recovery point does
COMPLIANCE = {"MinRetentionDays": 7, "ChangeableForDays": 3}
ROWS: list[Any] = []


def row(number: int, meaning: str) -> Any:
    """Put a function into the table, under the failure mode's number and meaning."""

    def add(reproduce: Any) -> Any:
        ROWS.append(pytest.param(reproduce, id=f"{number}: {meaning}"))
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
        found = self.stage.ops("cleanup", "--yes", "--json", "--rate", "1000", *options)
        out, self.err = self.capsys.readouterr()
        assert found == status, f"{out}\n{self.err}"
        return json.loads(out) if out else None

    def planned(self) -> Any:
        """What a dry run lists."""
        self.capsys.readouterr()
        assert self.stage.ops("cleanup", "--dry-run", "--json") == 0
        return json.loads(self.capsys.readouterr().out)["planned"]

    @property
    def backup(self) -> Any:
        return self.stage.client("backup")

    def become_user(self, *denied: dict[str, Any]) -> str:
        """Run the commands from now on as a user who may do all but what is denied; the user's name."""
        return self.stage.become_user(self.monkeypatch, *denied)


@pytest.fixture
def case(aws, client, name, setting, monkeypatch, capsys):
    with quick_deployment(aws, client, name, monkeypatch) as stage:
        yield Case(stage, setting, aws, capsys, monkeypatch)


@pytest.mark.parametrize("reproduce", ROWS)
def test_failure_mode(reproduce, case):
    reproduce(case)


def test_no_failure_mode_is_missing():
    assert {int(row.id.partition(":")[0]) for row in ROWS} == set(range(21, 43))


def _kinds(items: list[dict[str, str]]) -> list[str]:
    return [item["kind"] for item in items]


@row(21, "a vault with points cannot be deleted")
def _(case):
    case.stage.leave()
    assert refused(case.backup.delete_backup_vault, BackupVaultName=case.stage.vault)[1] == "InvalidRequestException"
    case.gone()


@row(22, "deletions are asynchronous, and the vault lags behind the list")
def _(case):
    case.stage.leave()
    case.set("recovery_point_deleting_seconds", 0.6)
    case.set("vault_lag_seconds", 1)
    case.gone()
    assert "recovery points: 2 of 2 deleted" in case.err


@row(23, "the SDK has no waiters, and a deadline passes")
def _(case):
    assert case.backup.waiter_names == []
    case.stage.leave()
    case.set("recovery_point_deleting_seconds", 3)
    assert case.blocked(options=("--timeout", "0.01")) == "still there after 0.6 s; run this again"
    case.gone()


@row(24, "a deletion responds 200 without permission, and the point turns EXPIRED")
def _(case):
    case.stage.leave()
    case.set("expiring_vault", case.stage.vault)
    case.blocked("EXPIRED: AWS Backup accepted the deletion", "dynamodb:DeleteBackup", "iam:CreateServiceLinkedRole")
    # What is EXPIRED already is named in the next plan.
    expired = [item for item in case.planned() if item["kind"] == "recovery point"]
    assert "AWS Backup could not delete it before" in expired[0]["reason"]
    case.set("expiring_vault", "")
    case.gone()


@row(25, "the role that points need goes before them")
def _(case):
    case.stage.leave()
    kinds = _kinds(case.planned())
    assert kinds.index("role") > kinds.index("backup vault") > kinds.index("recovery point")
    iam, role = case.stage.client("iam"), case.stage.role_arn.rpartition("/")[2]
    iam.delete_role_policy(RoleName=role, PolicyName="BackUpTable")
    iam.delete_role(RoleName=role)  # by hand; AWS Backup has its service-linked role then
    case.gone()


@row(26, "a legal hold")
def _(case):
    case.stage.leave()
    hold = case.backup.create_legal_hold(
        Title="case 7", Description="d", RecoveryPointSelection={"VaultNames": [case.stage.vault]}
    )["LegalHoldId"]
    case.blocked(f"legal hold 'case 7' ({hold})")
    assert case.backup.get_legal_hold(LegalHoldId=hold)["Status"] == "ACTIVE"
    case.backup.cancel_legal_hold(LegalHoldId=hold, CancelDescription="over")
    case.gone()


@row(27, "a vault lock in governance mode")
def _(case):
    case.stage.leave()
    case.backup.put_backup_vault_lock_configuration(BackupVaultName=case.stage.vault, MinRetentionDays=7)
    case.blocked("vault lock in governance mode: --unlock removes it")
    assert _kinds(case.cleanup("--unlock", status=0)["deleted"])[0] == "vault lock"
    assert case.stage.remains() == set()


@row(27, "a vault lock in compliance mode, final")
def _(case):
    case.stage.deploy()
    case.stage.start_job(Lifecycle={"DeleteAfterDays": 30})
    case.stage.destroy()
    case.set("vault_lock_day_seconds", 0)
    case.backup.put_backup_vault_lock_configuration(**COMPLIANCE, BackupVaultName=case.stage.vault)
    case.blocked("vault lock in compliance mode, immutable since", options=("--unlock",))
    (point,) = [item for item in case.cleanup(status=1)["left"] if item["kind"] == "recovery point"]
    shown = case.backup.describe_recovery_point(BackupVaultName=case.stage.vault, RecoveryPointArn=point["id"])
    assert point["until"][:19] == shown["CalculatedLifecycle"]["DeleteAt"].isoformat()[:19]


@row(27, "a vault lock in compliance mode that can still be removed")
def _(case):
    case.stage.leave()
    case.backup.put_backup_vault_lock_configuration(**COMPLIANCE, BackupVaultName=case.stage.vault)
    case.blocked("compliance mode: --unlock removes it (possible until 2")
    case.cleanup("--unlock", status=0)
    assert case.stage.remains() == set()


@row(28, "a point that AWS Backup is busy with")
def _(case):
    case.stage.leave(3)
    case.set("recovery_point_deleting_seconds", 1)
    busy = {"BackupVaultName": case.stage.vault, "RecoveryPointArn": case.stage.points()[0]}
    case.backup.delete_recovery_point(**busy)
    assert refused(case.backup.delete_recovery_point, **busy)[1] == "InvalidResourceStateException"
    configure(case.aws, deletions_seen=0)
    case.gone()
    # The busy one is waited for.
    assert configure(case.aws, deletions_seen=0)["deletions_seen"] == 2


@row(29, "a job that still runs fills the vault again")
def _(case):
    case.stage.deploy(DeletionPolicy="Retain")
    case.set("backup_job_seconds", 4)
    job = case.stage.start_job()
    case.stage.destroy()
    case.gone()
    assert f"backup job {job}: COMPLETED" in case.err


@row(29, "a job that outlasts the deadline")
def _(case):
    case.stage.deploy(DeletionPolicy="Retain")
    case.stage.start_job()
    case.set("backup_job_seconds", 60)
    job = case.stage.start_job()
    case.stage.destroy()
    case.blocked(f"backup job {job} is still", kind="backup job", options=("--timeout", "0.01"))
    case.backup.stop_backup_job(BackupJobId=job)
    case.gone()


@row(30, "more points than a page")
def _(case):
    case.monkeypatch.setattr(vaults, "PAGE", 2)
    case.stage.leave(5)
    assert _kinds(case.cleanup(status=0)["deleted"]).count("recovery point") == 5
    assert case.stage.remains() == set()


@row(31, "points that go while their list is read")
def _(case):
    case.monkeypatch.setattr(vaults, "PAGE", 1)
    case.stage.leave(4)
    case.set("recovery_point_deleting_seconds", 0)
    configure(case.aws, deletions_seen=0)
    case.gone()
    assert configure(case.aws, deletions_seen=0)["deletions_seen"] == 4  # none skipped, none twice


@row(32, "the system backup of a deleted table")
def _(case):
    case.stage.leave(PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    (stays,) = case.cleanup(status=0)["stays"]
    assert "free, cannot be deleted" in stays["reason"]
    assert stays["until"] > "2026"
    assert case.stage.remains() == set()


@row(33, "ListBackups shows one kind only, and DeleteBackup has a quota")
def _(case):
    case.stage.deploy(PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    for number in range(3):
        case.stage.client("dynamodb").create_backup(TableName=case.stage.table, BackupName=f"by-hand-{number}")
    case.stage.destroy()
    result = case.cleanup(status=0)
    assert _kinds(result["deleted"]).count("table backup") == 3
    assert _kinds(result["stays"]) == ["table backup"]


@row(33, "throttling in spite of everything")
def _(case):
    case.stage.leave(12)
    case.set("deletions_a_second", 8)
    case.gone()


@row(34, "a point with DynamoDB's form of ARN goes through its vault only")
def _(case):
    preferences = ("ResourceTypeOptInPreference", "ResourceTypeManagementPreference")
    case.backup.update_region_settings(**{name: {"DynamoDB": False} for name in preferences})
    try:
        case.stage.leave(1)
        (arn,) = case.stage.points()
        assert arn.startswith("arn:aws:dynamodb:")
        assert refused(case.stage.client("dynamodb").delete_backup, BackupArn=arn)[0] == 400
        case.gone()
    finally:
        case.backup.update_region_settings(**{name: {"DynamoDB": True} for name in preferences})


def _policy(principal: str) -> str:
    denied = {"Sid": "Keep", "Effect": "Deny", "Action": ["backup:DeleteRecoveryPoint"], "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [denied | {"Principal": {"AWS": principal}}]})


@row(35, "the access policy denies deletions")
def _(case):
    case.stage.leave()
    mine, policy = {"BackupVaultName": case.stage.vault}, _policy("*")
    case.backup.put_backup_vault_access_policy(Policy=policy, **mine)
    case.blocked(
        "denies backup:DeleteRecoveryPoint to all principals (statement Keep)",
        "`aws backup delete-backup-vault-access-policy --backup-vault-name",
    )
    assert case.backup.get_backup_vault_access_policy(**mine)["Policy"] == policy
    case.backup.delete_backup_vault_access_policy(**mine)
    case.gone()


@row(35, "an access policy for some, which only AWS can decide")
def _(case):
    case.stage.leave(1)
    policy = _policy(f"arn:aws:iam::000000000000:user/{case.become_user()}")
    case.backup.put_backup_vault_access_policy(BackupVaultName=case.stage.vault, Policy=policy)
    case.blocked(f"the access policy of {case.stage.vault}: change it first")


@row(35, "AccessDenied for a vault is no success")
def _(case):
    case.stage.leave()
    case.become_user({"Action": "backup:DeleteBackupVault", "Resource": "*"})
    case.blocked("needs permission for DeleteBackupVault", kind="backup vault")
    assert case.stage.points() == []


@row(35, "the Default vault is not the stack's")
def _(case):
    case.stage.deploy()
    with contextlib.suppress(case.backup.exceptions.AlreadyExistsException):
        case.backup.create_backup_vault(BackupVaultName="Default")
    case.stage.start_job(BackupVaultName="Default")
    case.stage.destroy()
    (stays,) = case.cleanup(status=0)["stays"]
    assert stays["kind"] == "copy"
    assert "in a vault outside the stack" in stays["reason"]
    point = case.backup.describe_recovery_point(BackupVaultName="Default", RecoveryPointArn=stays["id"])
    assert point["Status"] == "COMPLETED"


@row(36, "a retained table is protected, and has a replica")
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


@row(37, "copies in other regions")
def _(case):
    case.stage.deploy()
    case.stage.start_job()
    there = case.stage._make("backup", region_name="eu-west-1")
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
    first, second = there.list_recovery_points_by_backup_vault(BackupVaultName=name)["RecoveryPoints"]
    there.delete_recovery_point(BackupVaultName=name, RecoveryPointArn=first["RecoveryPointArn"])
    case.set("recovery_point_deleting_seconds", 0)
    listed = there.list_recovery_points_by_backup_vault
    eventually(lambda: len(listed(BackupVaultName=name)["RecoveryPoints"]) == 1)
    (stays,) = case.cleanup(status=0)["stays"]
    assert (stays["kind"], stays["id"]) == ("copy", second["RecoveryPointArn"])
    assert f"in vault {name}, account 000000000000, region eu-west-1" in stays["reason"]
    assert len(listed(BackupVaultName=name)["RecoveryPoints"]) == 1
    assert case.stage.remains() == set()


@row(38, "the next deployment finds the retained names taken")
def _(case):
    case.stage.leave(1)
    case.stage.deploy(ending="ROLLBACK_COMPLETE")
    assert case.cleanup(status=1) is None  # while a failed stack is there
    assert "(status ROLLBACK_COMPLETE); destroy it first" in case.err
    assert len(case.stage.points()) == 1
    case.stage.destroy()
    case.gone()
    case.stage.deploy()
    assert case.stage.remains() == GUARDED


@row(39, "points are wiped although the stack is in use")
def _(case):
    case.stage.deploy()
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
    assert case.stage.points() == [newest]
    assert case.stage.remains() == GUARDED


@row(40, "success is claimed where nothing was done")
def _(case):
    case.capsys.readouterr()
    assert case.stage.ops("cleanup", "--yes") == 0
    out = case.capsys.readouterr().out
    assert out.startswith("nothing to delete found in account 000000000000, region us-east-1")
    assert "if the stack was elsewhere, pass --region or --profile" in out
    assert "deleted" not in out.replace("to delete", "")


@row(41, "the wrong account")
def _(case):
    case.stage.leave()
    assert case.cleanup("--account", "111122223333", status=2) is None
    assert case.err.splitlines()[-1] == (
        "error: --account 111122223333, but the credentials belong to account 000000000000; "
        "check --profile and the AWS_* variables"
    )
    assert len(case.stage.points()) == 2
    case.cleanup("--account", "000000000000", status=0)


@row(41, "the wrong region")
def _(case):
    case.stage.leave()
    result = case.cleanup("--region", "eu-west-1", status=0)
    assert result["deleted"] == result["left"] == []
    assert result["region"] == "eu-west-1"
    assert case.err.startswith("account 000000000000, region eu-west-1, stack ")
    assert len(case.stage.points()) == 2


@row(42, "one failure hides the others, or is hidden")
def _(case):
    case.stage.leave(5)
    forbidden = case.stage.points()[2]
    case.become_user({"Action": "backup:DeleteRecoveryPoint", "Resource": forbidden})
    case.blocked("needs permission for DeleteRecoveryPoint")
    assert case.stage.points() == [forbidden]
