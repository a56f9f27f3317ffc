"""Tags of recovery points, which only those that AWS Backup keeps itself can have (model).

They and the vaults' also count in conditions on aws:ResourceTag (Service Authorization Reference,
AWS Backup) and in the tagging API's lists.
"""

from collections.abc import Iterator
from typing import Any

import ministack.services.backup as engine
import ministack.services.tagging as tagging

from embedded_aws.backup import store


def install() -> None:
    """Let the engine find points and restore testing plans wherever it reads or writes tags."""
    engine_resolve = engine._resolve_resource

    def resolve(arn: str) -> Any:
        for testing in store.testing_plans.values():
            if testing["plan"]["RestoreTestingPlanArn"] == arn:
                return testing["tags"]
        point = store.points.get(arn)
        if point and point.advanced:
            return point.tags if point.status() else None
        return engine_resolve(arn)

    engine._resolve_resource = resolve
    engine_collect = tagging._collect_backup

    def collect() -> Iterator[tuple[str, Any]]:
        yield from engine_collect()
        for point in store.points.values():
            if point.advanced and point.status():
                yield point.arn, tagging._normalise_flat(point.tags)

    tagging._COLLECTORS["backup"] = tagging._RESOURCE_TAG_COLLECTORS["backup"] = collect
