"""Faults of a network and of DynamoDB, as rules for microburst."""

from typing import Any

THROTTLED = {"error": {"code": "ProvisionedThroughputExceededException"}}
BROKEN = {"error": {"code": "InternalServerError", "status": 500}}
RESET_BEFORE = {"reset": True}
# The engine has made the write; its answer ends after one byte.
RESET_AFTER = {"response": {"abort_bytes": 1}}
LATE = {"latency": {"min": 10, "max": 60}}
FAULTS = {
    "throttled": [THROTTLED],
    "reset before the write": [RESET_BEFORE],
    "reset after the write": [RESET_AFTER],
    "late": [LATE],
    "all of them": [THROTTLED, BROKEN, RESET_BEFORE, RESET_AFTER, LATE],
}


def faults(kinds: list[dict[str, Any]], share: float = 0.3) -> list[dict[str, Any]]:
    """Rules that make ``share`` of all requests meet one of ``kinds``."""
    each = 1 - (1 - share) ** (1 / len(kinds))
    return [{"service": "dynamodb", "probability": each, **kind} for kind in kinds]
