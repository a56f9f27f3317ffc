"""Durations and faults of the embedded AWS, and its counters.

Each setting can be given when the server starts, as ``LOCAL_AWS_<NAME>`` in its environment, and
changed while it runs with ``POST /_ministack/config`` and ``{"additions.<name>": value}``.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

PREFIX = "additions."


@dataclass
class EngineSettings:
    """Durations in seconds, unless named otherwise; AWS needs minutes for the same steps."""

    backup_job_seconds: float = 1.0
    restore_job_seconds: float = 0.5
    # An export of a table to S3.
    export_seconds: float = 0.5
    # The shortest period of an incremental export; the one number of AWS.
    export_period_seconds: float = 900.0
    recovery_point_deleting_seconds: float = 0.5
    # From the end of the last recovery point's deletion until its vault can be deleted.
    vault_lag_seconds: float = 0.5
    # How long ago the latest time is that a table can be restored to; the one number of AWS.
    recovery_delay_seconds: float = 300.0
    # A vault whose recovery points answer a deletion with 200 and then turn EXPIRED.
    expiring_vault: str = ""
    # 0: the account has no service-linked role of AWS Backup, which deletes what a job's own role may not.
    backup_service_linked_role: float = 1.0
    # A day of a vault lock's ChangeableForDays: 0 makes a compliance lock final immediately.
    vault_lock_day_seconds: float = 86_400.0
    # A function's process is ended when it was not called for this long.
    function_idle_seconds: float = 60.0
    # From a change of an event source mapping until it is enabled, disabled or gone.
    mapping_change_seconds: float = 0.2
    # From a failed batch of a stream to its next try.
    stream_retry_seconds: float = 0.2
    # How much older the records of streams seem to what discards them by age.
    stream_records_older_seconds: float = 0.0
    # Every call of AWS Backup takes this much longer.
    latency_milliseconds: float = 0.0
    # Calls of DeleteRecoveryPoint that are answered within one second; more are throttled. 0: all.
    deletions_a_second: float = 0.0
    # Counted by the server, from whatever a test sets them to: calls of DeleteRecoveryPoint, and
    # the most of them that came within one second.
    deletions_seen: float = 0.0
    deletions_seen_in_a_second: float = 0.0

    def change(self, name: str, value: object) -> None:
        """Set one setting from text or a number.

        Raises ValueError for an unknown name, a negative number or text that is not a number.
        """
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        if name not in known:
            raise ValueError(f"'{name}' is not one of {', '.join(sorted(known))}")
        converted = type(known[name])(value)
        if isinstance(converted, float) and not converted >= 0:
            raise ValueError(f"'{name}' must be 0 or more, got {value}")
        setattr(self, name, converted)


CURRENT = EngineSettings()


def read(environment: Mapping[str, str]) -> None:
    """Take the settings that ``environment`` has."""
    for field in fields(CURRENT):
        value = environment.get(f"LOCAL_AWS_{field.name.upper()}")
        if value is not None:
            CURRENT.change(field.name, value)


async def handle_config(original: Any, path: str, method: str, body: bytes) -> Any:
    """Change settings, for requests that name one."""
    if path != "/_ministack/config" or method != "POST" or PREFIX.encode() not in body:
        return await original(path, method, body)
    values, headers = json.loads(body), {"Content-Type": "application/json"}
    before = {key: getattr(CURRENT, key.removeprefix(PREFIX), None) for key in values}
    try:
        for key, value in values.items():
            CURRENT.change(key.removeprefix(PREFIX), value)
    except (TypeError, ValueError) as error:
        return 400, headers, json.dumps({"error": str(error)}).encode()
    return 200, headers, json.dumps({"applied": values, "before": before}).encode()
