"""Which function answers which call; what is not listed here stays with the engine."""

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import ministack.services.backup as engine

from embedded_aws.backup import (
    copies,
    faults,
    jobs,
    legal_holds,
    protected,
    recovery_points,
    regions,
    restore_testing,
    restores,
    selections,
    store,
    vault_locks,
    vault_policies,
    vaults,
)
from embedded_aws.backup.requests import Request
from embedded_aws.replies import ApiError, Json, Reply, ok

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
    ("GET", "/backup-vaults", vaults.list_all),
    ("PUT", _VAULT, vaults.create),
    ("GET", _VAULT, vaults.describe),
    ("DELETE", _VAULT, vaults.delete),
    ("GET", _VAULT + "/access-policy", vault_policies.get),
    ("PUT", _VAULT + "/access-policy", vault_policies.put),
    ("DELETE", _VAULT + "/access-policy", vault_policies.remove),
    ("PUT", _VAULT + "/vault-lock", vault_locks.put),
    ("DELETE", _VAULT + "/vault-lock", vault_locks.remove),
    ("GET", _VAULT + "/notification-configuration", vaults.notifications),
    ("GET", _VAULT + "/resources", protected.list_by_vault),
    ("GET", _VAULT + "/recovery-points", recovery_points.list_by_vault),
    ("GET", _POINT + "/restore-metadata", recovery_points.restore_metadata),
    ("GET", _POINT, recovery_points.describe),
    ("POST", _POINT, recovery_points.update_lifecycle),
    ("DELETE", _POINT, recovery_points.delete),
    ("PUT", _SELECTIONS, selections.create),
    ("GET", _SELECTIONS + "/(?P<selection>[^/]+)", selections.get),
    ("DELETE", _SELECTIONS + "/(?P<selection>[^/]+)", selections.delete),
    ("PUT", "/backup-jobs", jobs.start),
    ("GET", "/backup-jobs", jobs.list_all),
    ("GET", _BACKUP_JOB, jobs.describe),
    ("POST", _BACKUP_JOB, jobs.stop),
    ("PUT", "/restore-jobs", restores.start),
    ("GET", "/restore-jobs", restores.list_all),
    ("GET", _RESTORE_JOB, restores.describe),
    ("GET", _RESTORE_JOB + "/metadata", restores.metadata),
    ("PUT", _RESTORE_JOB + "/validations", restores.put_validation),
    ("GET", "/resources", protected.list_all),
    ("GET", _RESOURCE + "/recovery-points", recovery_points.list_by_resource),
    ("GET", _RESOURCE + "/restore-jobs", restores.list_all),
    ("GET", _RESOURCE, protected.describe),
    ("PUT", "/copy-jobs", copies.start),
    ("GET", "/copy-jobs", copies.list_all),
    ("GET", "/copy-jobs/(?P<job>[^/]+)", copies.describe),
    ("POST", "/legal-holds", legal_holds.create),
    ("GET", "/legal-holds", legal_holds.list_all),
    ("GET", _HOLD, legal_holds.get),
    ("DELETE", _HOLD, legal_holds.cancel),
    ("GET", _HOLD + "/recovery-points", legal_holds.list_points),
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
    ("GET", "/account-settings", regions.describe),
    ("PUT", "/account-settings", regions.update),
]


def install() -> None:
    """Answer the calls of ``ROUTES`` before the engine does."""
    engine_handle = engine.handle_request

    async def handle(method: str, path: str, headers: Any, body: bytes, query: dict[str, Any]) -> Any:
        for wanted, pattern, handler in ROUTES:
            match = re.fullmatch(pattern, path.rstrip("/"))
            if wanted == method and match:
                if handler is recovery_points.delete:
                    faults.note_deletion()
                await faults.delay()
                single = {key: v[0] if isinstance(v, list) else v for key, v in query.items()}
                content = json.loads(body) if body else {}
                request = Request(match.groupdict(), content, single, headers)
                check = partial(vault_policies.check_call, request, method, path, body)
                return _answer(handler, request, check)
        await faults.delay()
        return await engine_handle(method, path, headers, body, query)

    engine.handle_request = handle


def _answer(handler: Callable[[Request], Json | None], request: Request, check: Callable[[], None]) -> Reply:
    try:
        with store.one_moment():
            check()
            return ok(handler(request))
    except ApiError as error:
        return error.reply()
