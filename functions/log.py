"""Structured logs of the functions: one JSON object a line."""

import json


def log(message: str, **fields: object) -> None:
    """Write ``message`` and its ``fields`` to CloudWatch Logs, which can search them by name."""
    print(json.dumps({"message": message, **fields}, default=str))
