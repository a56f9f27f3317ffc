"""What CloudFormation knows about a deployment: its status, its outputs, and a missing table."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from cli.clients import Clients
from cli.errors import OpsError, UsageError, code, is_denied, message
from model import names
from model.names import PREFIX, STAGE

_STACK = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A stack as CloudFormation describes it."""

    name: str
    status: str
    reason: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    created: datetime | None = None

    def output(self, key: str) -> str:
        """The output ``key``. Raises OpsError when the stack has none of that name."""
        try:
            return self.outputs[key]
        except KeyError:
            raise OpsError(f"stack {self.name} has no output {key} (status {self.status}); deploy it again") from None


def stack_name(*, stage: str, stack: str | None = None) -> str:
    """The stack that ``--stage`` or ``--stack`` means. Raises UsageError for a bad name."""
    if stack is not None:
        if not _STACK.fullmatch(stack):
            raise UsageError(
                f"'{stack}' is not a stack name: letters, digits and hyphens, a letter first, "
                "at most 128; pass --stack NAME"
            )
        return stack
    if not STAGE.fullmatch(stage):
        raise UsageError(f"'{stage}' is not a stage: it must match {STAGE.pattern}; pass --stage NAME or --stack NAME")
    return names.stack_name(stage)


def default_table(stack: str) -> str | None:
    """The table's name in stack ``Messages-<stage>`` unless a setting says otherwise."""
    if not stack.startswith(PREFIX):
        return None
    return names.table_name(stack.removeprefix(PREFIX))


def find(clients: Clients, name: str) -> Stack | None:
    """The deployed stack ``name``, or None when there is none (deleted ones included)."""
    found = _describe(clients("cloudformation"), name)
    return found if found and found.status != "DELETE_COMPLETE" else None


def deployed(clients: Clients, name: str) -> Stack:
    """The deployed stack ``name``. Raises OpsError when there is none, or it is going away."""
    found = find(clients, name)
    if found is None:
        raise OpsError(
            f"stack {name} does not exist in {clients.region}; deploy it, or name another one "
            "with --stage, --stack or --region"
        )
    if found.status.startswith("DELETE_"):
        raise OpsError(f"stack {name} is being deleted (status {found.status})")
    return found


def deleted(clients: Clients, name: str) -> Iterator[Stack]:
    """Earlier stacks of that name; CloudFormation remembers them for 90 days."""
    cloudformation = clients("cloudformation")
    pages = cloudformation.get_paginator("list_stacks").paginate(StackStatusFilter=["DELETE_COMPLETE"])
    for page in pages:
        for summary in page["StackSummaries"]:
            if summary["StackName"] == name:
                # A deleted stack is known by its id only.
                described = _describe(cloudformation, summary["StackId"])
                if described:
                    yield described


def _describe(cloudformation: Any, name_or_id: str) -> Stack | None:
    try:
        (described,) = cloudformation.describe_stacks(StackName=name_or_id)["Stacks"]
    except ClientError as error:
        if code(error) == "ValidationError" and "does not exist" in message(error):
            return None
        raise
    return Stack(
        name=described["StackName"],
        status=described["StackStatus"],
        reason=described.get("StackStatusReason", ""),
        outputs={o["OutputKey"]: o["OutputValue"] for o in described.get("Outputs", [])},
        created=described.get("CreationTime"),
    )


def missing_table(clients: Clients, found: Stack | None) -> str:
    """One line that names the missing table of ``found``, and what to do; empty when it is there.

    Empty too where the caller may not ask, and while the stack itself changes or goes.
    """
    table = found.outputs.get("TableName") if found else None
    if not found or not table or not _is_settled(found):
        return ""
    try:
        clients("dynamodb").describe_table(TableName=table)
    except ClientError as error:
        if code(error) == "ResourceNotFoundException":
            return _line(found.name, table, clients.region)
        if not is_denied(error):
            raise
    return ""


def _is_settled(found: Stack) -> bool:
    return not found.status.startswith("DELETE_") and not found.status.endswith("_IN_PROGRESS")


def _line(stack: str, table: str, region: str) -> str:
    where = f"--stack {stack} --region {region}"
    return (
        f"table {table} of stack {stack} does not exist in {region} although the stack is "
        "deployed: it was deleted outside CloudFormation. First restore its data: `python -m ops "
        f"backups {where}` lists the backups, `python -m ops restore ARN --target {table}.restored "
        f"{where}` restores one. Then destroy the stack and deploy it again."
    )
