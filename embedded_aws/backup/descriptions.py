"""How AWS Backup shows its records (model: the output shapes of Describe and List)."""

import ministack.services.backup as engine
from ministack.core.responses import get_account_id

from embedded_aws.backup import lifecycles, source_tables, store
from embedded_aws.backup.store import BackupJob, RecoveryPoint, RestoreJob
from embedded_aws.replies import Json


def backup_job(job: BackupJob) -> Json:
    """One job as DescribeBackupJob and ListBackupJobs show it; CreatedBy is a plan's alone."""
    state = job.state()
    point = store.points.get(job.point_arn)
    known = job.point_arn and (state == "COMPLETED" or (point and point.advanced))
    return _given(
        AccountId=get_account_id(),
        BackupJobId=job.id,
        BackupVaultName=job.vault,
        BackupVaultArn=engine._vault_arn(job.vault),
        VaultType="BACKUP_VAULT",
        RecoveryPointArn=job.point_arn if known else None,
        RecoveryPointLifecycle=job.lifecycle or None,
        ResourceArn=job.table_arn,
        ResourceName=source_tables.name_of(job.table_arn),
        ResourceType=source_tables.TYPE,
        IamRoleArn=job.role_arn,
        CreationDate=job.created,
        InitiationDate=job.created,
        StartBy=job.start_by,
        CompletionDate=(job.stopped or job.ends) if job.ended() else None,
        ExpectedCompletionDate=None if job.ended() else job.ends,
        State=state,
        StatusMessage=job.message if job.ended() else None,
        MessageCategory=_category(state),
        PercentDone=job.percent(),
        BackupSizeInBytes=job.size if state == "COMPLETED" else 0,
        BytesTransferred=job.size if state == "COMPLETED" else 0,
        IsParent=False,
    )


def recovery_point(point: RecoveryPoint) -> Json:
    """One point as DescribeRecoveryPoint and ListRecoveryPointsByBackupVault show it."""
    status = point.status()
    return _given(
        RecoveryPointArn=point.arn,
        BackupVaultName=point.vault,
        BackupVaultArn=engine._vault_arn(point.vault),
        VaultType="BACKUP_VAULT",
        ResourceArn=point.table_arn,
        ResourceName=source_tables.name_of(point.table_arn),
        ResourceType=source_tables.TYPE,
        IamRoleArn=point.role_arn,
        Status=status,
        CreationDate=point.created,
        InitiationDate=point.created,
        CompletionDate=None if status == "CREATING" else point.completed,
        BackupSizeInBytes=point.size,
        Lifecycle=point.lifecycle or None,
        CalculatedLifecycle=lifecycles.calculated(point.lifecycle, point.created) or None,
        EncryptionKeyArn=_key(point),
        IsEncrypted=True,
        StorageClass="WARM",
        LastRestoreTime=point.restored,
        IsParent=False,
    )


def recovery_point_of_resource(point: RecoveryPoint) -> Json:
    """One point as ListRecoveryPointsByResource shows it: the size has another name there."""
    return {
        "RecoveryPointArn": point.arn,
        "CreationDate": point.created,
        "Status": point.status(),
        "EncryptionKeyArn": _key(point),
        "BackupSizeBytes": point.size,
        "IsParent": False,
        "ResourceName": source_tables.name_of(point.table_arn),
        "VaultType": "BACKUP_VAULT",
    }


def restore_job(job: RestoreJob) -> Json:
    """One job as DescribeRestoreJob and ListRestoreJobs show it."""
    status = job.status()
    ended = status in ("COMPLETED", "FAILED")
    return _given(
        AccountId=get_account_id(),
        RestoreJobId=job.id,
        RecoveryPointArn=job.point.arn,
        RecoveryPointCreationDate=job.point.created,
        SourceResourceArn=job.point.table_arn,
        BackupVaultArn=engine._vault_arn(job.point.vault),
        ResourceType=source_tables.TYPE,
        IamRoleArn=job.role_arn,
        CreationDate=job.created,
        CompletionDate=job.ends if ended else None,
        Status=status,
        StatusMessage=job.message if ended else None,
        PercentDone="100.00%" if status == "COMPLETED" else "0.00%",
        BackupSizeInBytes=job.point.size,
        CreatedResourceArn=job.table_arn if status == "COMPLETED" else None,
        CreatedBy=_testing_plan(job),
        ValidationStatus=job.validation,
        ValidationStatusMessage=job.validation_message,
        IsParent=False,
    )


def _testing_plan(job: RestoreJob) -> Json | None:
    """The plan of a restore test: here a person starts one, with the role of its selection."""
    for entry in store.testing_plans.values():
        selections = entry["selections"].values()
        if any(selection["IamRoleArn"] == job.role_arn for selection in selections):
            return {"RestoreTestingPlanArn": entry["plan"]["RestoreTestingPlanArn"]}
    return None


def _category(state: str) -> str | None:
    return {"COMPLETED": "SUCCESS", "FAILED": "FAILURE", "EXPIRED": "FAILURE"}.get(state)


def _key(point: RecoveryPoint) -> str | None:
    """The vault's key encrypts an advanced point; otherwise the table's own key does."""
    vault = engine._vaults.get(point.vault)
    return vault["EncryptionKeyArn"] if vault and point.advanced else None


def _given(**fields: object) -> Json:
    """The fields that have a value: AWS leaves the others out."""
    return {name: value for name, value in fields.items() if value not in (None, "")}
