"""Calls of AWS Backup: the function with an operation's name answers it, and the engine the other operations."""

from collections.abc import Callable
from functools import cache
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
from embedded_aws.constraints import operations
from embedded_aws.replies import ApiError, Json, ok

MODULES = (backup_jobs, backup_plans, recovery_points, restore_jobs, restore_testing, vaults)


@cache
def handler(operation: str) -> Callable[[Request], Json | None] | None:
    """The function for an operation, named as boto3 names its method; None for an operation of the engine."""
    from botocore import xform_name  # not before the first request, as it would slow the server's start

    name = xform_name(operation)
    return next((getattr(module, name) for module in MODULES if hasattr(module, name)), None)


def call(operation: str, **members: Any) -> Any:
    """Answer a call that another service makes, whose members it has checked. Raises ApiError."""
    found = handler(operation)
    assert found
    return found(Request(members))


async def handle_request(original: Any, method: str, path: str, headers: Any, body: bytes, query: Json) -> Any:
    """Answer the calls for which there is a function before the engine does."""
    try:
        operation, members = requests.read(method, path, query, body)
        if operation == "DeleteRecoveryPoint":
            requests.note_deletion()
        await requests.delay()
        if found := handler(operation):
            with store.one_moment():
                vaults.check_call(operation, members)
                answer = found(Request(members, extract_access_key_id(headers, query)))
                return ok(answer and requests.shaped(operations("backup")[operation].output_shape, answer))
    except ApiError as error:
        return error.reply()
    return await original(method, path, headers, body, query)
