"""Which resource the calls that name a Map Run are authorized on: that Map Run.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Step
Functions". The engine takes "*" for them.
"""

from typing import Any

import ministack.core.iam_actions as engine


def install() -> None:
    """Answer for requests of Step Functions with a ``mapRunArn``."""
    original = engine.extract_resource_arn

    def extract(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> Any:
        if service == "states":
            named = engine._safe_json_field(body, "mapRunArn")
            if named:
                return named
        return original(service, method, path, headers, body, *rest)

    engine.extract_resource_arn = extract
