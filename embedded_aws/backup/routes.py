"""The function for each call of AWS Backup; the engine answers calls that are not listed here."""

import json
import re
from collections.abc import Callable
from typing import Any

from embedded_aws.backup import (
    backup_jobs,
    backup_plans,
    constraints,
    recovery_points,
    requests,
    restore_jobs,
    restore_testing,
    store,
    vaults,
)
from embedded_aws.backup.requests import Request
from embedded_aws.replies import ApiError, Json, ok

_VAULT = r"/backup-vaults/(?P<vault>[^/]+)"
_POINT = _VAULT + r"/recovery-points/(?P<point>.+?)"  # an ARN, which may hold slashes
_SELECTIONS = r"/backup/plans/(?P<plan>[^/]+)/selections"
_RESOURCE = r"/resources/(?P<resource>.+?)"
_BACKUP_JOB = r"/backup-jobs/(?P<job>[^/]+)"
_RESTORE_JOB = r"/restore-jobs/(?P<job>[^/]+)"
_HOLD = r"/legal-holds/(?P<hold>[^/]+)"
_TESTING_PLAN = r"/restore-testing/plans/(?P<plan>[^/]+)"
_TESTING_SELECTION = _TESTING_PLAN + r"/selections/(?P<selection>[^/]+)"

# In order: the first that matches answers.
ROUTES: list[tuple[str, str, Callable[[Request], Json | None]]] = [
    ("GET", "/backup-vaults", vaults.list_vaults),
    ("PUT", _VAULT, vaults.create_vault),
    ("GET", _VAULT, vaults.describe_vault),
    ("DELETE", _VAULT, vaults.delete_vault),
    ("GET", _VAULT + "/access-policy", vaults.get_policy),
    ("PUT", _VAULT + "/access-policy", vaults.put_policy),
    ("DELETE", _VAULT + "/access-policy", vaults.remove_policy),
    ("PUT", _VAULT + "/vault-lock", vaults.put_lock),
    ("DELETE", _VAULT + "/vault-lock", vaults.remove_lock),
    ("GET", _VAULT + "/resources", recovery_points.list_protected),
    ("GET", _VAULT + "/recovery-points", recovery_points.list_by_vault),
    ("GET", _POINT + "/restore-metadata", recovery_points.restore_metadata),
    ("GET", _POINT, recovery_points.describe_point),
    ("POST", _POINT, recovery_points.update_lifecycle),
    ("DELETE", _POINT, recovery_points.delete_point),
    ("PUT", _SELECTIONS, backup_plans.create_selection),
    ("GET", _SELECTIONS + "/(?P<selection>[^/]+)", backup_plans.get_selection),
    ("DELETE", _SELECTIONS + "/(?P<selection>[^/]+)", backup_plans.delete_selection),
    ("PUT", "/backup-jobs", backup_jobs.start_backup_job),
    ("GET", "/backup-jobs", backup_jobs.list_backup_jobs),
    ("GET", _BACKUP_JOB, backup_jobs.describe_backup_job),
    ("POST", _BACKUP_JOB, backup_jobs.stop_backup_job),
    ("PUT", "/restore-jobs", restore_jobs.start),
    ("GET", "/restore-jobs", restore_jobs.list_all),
    ("GET", _RESTORE_JOB, restore_jobs.describe),
    ("GET", _RESTORE_JOB + "/metadata", restore_jobs.metadata),
    ("PUT", _RESTORE_JOB + "/validations", restore_jobs.put_validation),
    ("GET", "/resources", recovery_points.list_protected),
    ("GET", _RESOURCE + "/recovery-points", recovery_points.list_by_resource),
    ("GET", _RESOURCE + "/restore-jobs", restore_jobs.list_all),
    ("GET", _RESOURCE, recovery_points.describe_protected),
    ("PUT", "/copy-jobs", backup_jobs.start_copy_job),
    ("GET", "/copy-jobs", backup_jobs.list_copy_jobs),
    ("GET", "/copy-jobs/(?P<job>[^/]+)", backup_jobs.describe_copy_job),
    ("POST", "/legal-holds", recovery_points.create_hold),
    ("GET", "/legal-holds", recovery_points.list_holds),
    ("GET", _HOLD, recovery_points.get_hold),
    ("DELETE", _HOLD, recovery_points.cancel_hold),
    ("GET", _HOLD + "/recovery-points", recovery_points.list_held_points),
    ("PUT", "/restore-testing/plans", restore_testing.create_plan),
    ("GET", "/restore-testing/plans", restore_testing.list_plans),
    ("GET", _TESTING_PLAN, restore_testing.get_plan),
    ("PUT", _TESTING_PLAN, restore_testing.update_plan),
    ("DELETE", _TESTING_PLAN, restore_testing.delete_plan),
    ("PUT", _TESTING_PLAN + "/selections", restore_testing.create_selection),
    ("GET", _TESTING_PLAN + "/selections", restore_testing.list_selections),
    ("GET", _TESTING_SELECTION, restore_testing.get_selection),
    ("PUT", _TESTING_SELECTION, restore_testing.update_selection),
    ("DELETE", _TESTING_SELECTION, restore_testing.delete_selection),
    ("GET", "/account-settings", backup_jobs.describe_settings),
    ("PUT", "/account-settings", backup_jobs.update_settings),
]


async def handle_request(original: Any, method: str, path: str, headers: Any, body: bytes, query: Json) -> Any:
    """Answer the calls of ``ROUTES`` before the engine does."""
    try:
        constraints.check(method, path, query, body)
    except ApiError as error:
        return error.reply()
    for wanted, pattern, handler in ROUTES:
        match = re.fullmatch(pattern, path.rstrip("/"))
        if wanted == method and match:
            if handler is recovery_points.delete_point:
                requests.note_deletion()
            await requests.delay()
            single = {key: v[0] if isinstance(v, list) else v for key, v in query.items()}
            request = Request(match.groupdict(), json.loads(body) if body else {}, single, headers)
            try:
                with store.one_moment():
                    vaults.check_call(request, method, path, body)
                    return ok(handler(request))
            except ApiError as error:
                return error.reply()
    await requests.delay()
    return await original(method, path, headers, body, query)
