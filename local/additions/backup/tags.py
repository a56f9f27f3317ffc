"""Tags of recovery points, which only those that AWS Backup keeps itself can have (model)."""

from typing import Any

import ministack.services.backup as engine

from local.additions.backup import store


def install() -> None:
    """Let the engine's ListTags, TagResource and UntagResource find recovery points."""
    engine_resolve = engine._resolve_resource

    def resolve(arn: str) -> Any:
        point = store.points.get(arn)
        if point and point.advanced:
            return point.tags if point.status() else None
        return engine_resolve(arn)

    engine._resolve_resource = resolve
