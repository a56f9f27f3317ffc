"""The function for each operation of AWS Backup; the engine answers operations that are not listed here."""

from collections.abc import Callable
from typing import Any

from ministack.core.router import extract_access_key_id

from embedded_aws.backup import (
    backup_jobs,
    backup_plans,
    recovery_points,
    requests,
    restore_jobs,
    restore_testing,
    store,
    vaults,
)
from embedded_aws.backup.requests import Request
from embedded_aws.replies import ApiError, Json, ok

OPERATIONS: dict[str, Callable[[Request], Json | None]] = {
    "ListBackupVaults": vaults.list_vaults,
    "CreateBackupVault": vaults.create_vault,
    "DescribeBackupVault": vaults.describe_vault,
    "DeleteBackupVault": vaults.delete_vault,
    "GetBackupVaultAccessPolicy": vaults.get_policy,
    "PutBackupVaultAccessPolicy": vaults.put_policy,
    "DeleteBackupVaultAccessPolicy": vaults.remove_policy,
    "PutBackupVaultLockConfiguration": vaults.put_lock,
    "DeleteBackupVaultLockConfiguration": vaults.remove_lock,
    "ListProtectedResourcesByBackupVault": recovery_points.list_protected,
    "ListRecoveryPointsByBackupVault": recovery_points.list_by_vault,
    "GetRecoveryPointRestoreMetadata": recovery_points.restore_metadata,
    "DescribeRecoveryPoint": recovery_points.describe_point,
    "UpdateRecoveryPointLifecycle": recovery_points.update_lifecycle,
    "DeleteRecoveryPoint": recovery_points.delete_point,
    "CreateBackupSelection": backup_plans.create_selection,
    "GetBackupSelection": backup_plans.get_selection,
    "DeleteBackupSelection": backup_plans.delete_selection,
    "StartBackupJob": backup_jobs.start_backup_job,
    "ListBackupJobs": backup_jobs.list_backup_jobs,
    "DescribeBackupJob": backup_jobs.describe_backup_job,
    "StopBackupJob": backup_jobs.stop_backup_job,
    "StartRestoreJob": restore_jobs.start,
    "ListRestoreJobs": restore_jobs.list_all,
    "DescribeRestoreJob": restore_jobs.describe,
    "GetRestoreJobMetadata": restore_jobs.metadata,
    "PutRestoreValidationResult": restore_jobs.put_validation,
    "ListProtectedResources": recovery_points.list_protected,
    "ListRecoveryPointsByResource": recovery_points.list_by_resource,
    "ListRestoreJobsByProtectedResource": restore_jobs.list_all,
    "DescribeProtectedResource": recovery_points.describe_protected,
    "StartCopyJob": backup_jobs.start_copy_job,
    "ListCopyJobs": backup_jobs.list_copy_jobs,
    "DescribeCopyJob": backup_jobs.describe_copy_job,
    "CreateLegalHold": recovery_points.create_hold,
    "ListLegalHolds": recovery_points.list_holds,
    "GetLegalHold": recovery_points.get_hold,
    "CancelLegalHold": recovery_points.cancel_hold,
    "ListRecoveryPointsByLegalHold": recovery_points.list_held_points,
    "CreateRestoreTestingPlan": restore_testing.create_plan,
    "ListRestoreTestingPlans": restore_testing.list_plans,
    "GetRestoreTestingPlan": restore_testing.get_plan,
    "UpdateRestoreTestingPlan": restore_testing.update_plan,
    "DeleteRestoreTestingPlan": restore_testing.delete_plan,
    "CreateRestoreTestingSelection": restore_testing.create_selection,
    "ListRestoreTestingSelections": restore_testing.list_selections,
    "GetRestoreTestingSelection": restore_testing.get_selection,
    "UpdateRestoreTestingSelection": restore_testing.update_selection,
    "DeleteRestoreTestingSelection": restore_testing.delete_selection,
    "DescribeRegionSettings": backup_jobs.describe_settings,
    "UpdateRegionSettings": backup_jobs.update_settings,
}


async def handle_request(original: Any, method: str, path: str, headers: Any, body: bytes, query: Json) -> Any:
    """Answer the calls of ``OPERATIONS`` before the engine does."""
    try:
        operation, members = requests.read(method, path, query, body)
        if operation == "DeleteRecoveryPoint":
            requests.note_deletion()
        await requests.delay()
        if operation in OPERATIONS:
            with store.one_moment():
                vaults.check_call(operation, members)
                return ok(OPERATIONS[operation](Request(members, extract_access_key_id(headers, query))))
    except ApiError as error:
        return error.reply()
    return await original(method, path, headers, body, query)
