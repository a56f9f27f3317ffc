"""Which function answers which call; what is not listed here stays with the engine."""

import json
import re
from collections.abc import Callable
from typing import Any

import ministack.services.backup as engine

from local.additions.backup import (
    jobs,
    protected,
    recovery_points,
    regions,
    restores,
    selections,
    store,
    vaults,
)
from local.additions.backup.requests import Request
from local.additions.replies import ApiError, Json, Reply, ok

_VAULT = r"/backup-vaults/(?P<vault>[^/]+)"
_POINT = _VAULT + r"/recovery-points/(?P<point>.+?)"  # an ARN, which may hold slashes
_SELECTIONS = r"/backup/plans/(?P<plan>[^/]+)/selections"
_RESOURCE = r"/resources/(?P<resource>.+?)"
_BACKUP_JOB = r"/backup-jobs/(?P<job>[^/]+)"
_RESTORE_JOB = r"/restore-jobs/(?P<job>[^/]+)"

# In order: the first that matches answers.
ROUTES: list[tuple[str, str, Callable[[Request], Json | None]]] = [
    ("GET", "/backup-vaults", vaults.list_all),
    ("PUT", _VAULT, vaults.create),
    ("GET", _VAULT, vaults.describe),
    ("DELETE", _VAULT, vaults.delete),
    ("GET", _VAULT + "/access-policy", vaults.access_policy),
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
    ("GET", "/resources", protected.list_all),
    ("GET", _RESOURCE + "/recovery-points", recovery_points.list_by_resource),
    ("GET", _RESOURCE + "/restore-jobs", restores.list_all),
    ("GET", _RESOURCE, protected.describe),
    ("GET", "/account-settings", regions.describe),
    ("PUT", "/account-settings", regions.update),
]


def install() -> None:
    """Answer the calls of ``ROUTES`` before the engine does."""
    engine_handle = engine.handle_request

    async def handle(
        method: str, path: str, headers: Any, body: bytes, query: dict[str, Any]
    ) -> Any:
        for wanted, pattern, handler in ROUTES:
            match = re.fullmatch(pattern, path.rstrip("/"))
            if wanted == method and match:
                return _answer(handler, match.groupdict(), headers, body, query)
        return await engine_handle(method, path, headers, body, query)

    engine.handle_request = handle


def _answer(
    handler: Callable[[Request], Json | None],
    path: dict[str, str],
    headers: Any,
    body: bytes,
    query: dict[str, Any],
) -> Reply:
    single = {name: value[0] if isinstance(value, list) else value for name, value in query.items()}
    request = Request(path, json.loads(body) if body else {}, single, headers)
    try:
        with store.one_moment():
            return ok(handler(request))
    except ApiError as error:
        return error.reply()
