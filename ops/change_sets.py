"""A plan: one change set in each stack of a stage, all under the plan's name. What CloudFormation says about them."""

import argparse
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from cli.clients import Clients, find_stack
from cli.command_line import to_stderr
from cli.errors import OpsError, code, is_denied, message
from ops import template
from ops.review.wording import short

ChangeSet = Mapping[str, Any]
PREFIX = "plan-"
NEW_STACK = "REVIEW_IN_PROGRESS"  # a stack that has change sets and nothing else
DEAD = frozenset({"CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"})  # it can only be deleted
_NAME = re.compile(r"plan-[A-Za-z0-9-]{1,100}")
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html, PolicyAction.
_FATES = {
    "Delete": "is deleted",
    "Retain": "stays behind",
    "Snapshot": "is deleted after a snapshot",
    "ReplaceAndDelete": "the old one is deleted",
    "ReplaceAndRetain": "the old one stays behind",
    "ReplaceAndSnapshot": "the old one is deleted after a snapshot",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options that a plan and all that is done with it share."""
    template.add_stage(parser)
    parser.add_argument("--plan", type=checked_name, metavar="NAME", help="the plan's name, plan-...")


def new_name() -> str:
    """A name that no other plan has, and that says when it was made."""
    return f"{PREFIX}{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def checked_name(name: str) -> str:
    """The name of a plan. Raises ArgumentTypeError for what cannot be one."""
    if not _NAME.fullmatch(name):
        raise argparse.ArgumentTypeError(f"'{name}' is not the name of a plan: plan- and letters, digits and hyphens")
    return name


def refuse_unready(clients: Clients, stack: str) -> None:
    """Raise OpsError for a stack that changes now, or whose creation failed, which the CDK CLI would delete."""
    found = find_stack(clients, stack)
    status = found.status if found else NEW_STACK
    if status in DEAD:
        delete = f"aws cloudformation delete-stack --stack-name {stack} --region {clients.region}"
        raise OpsError(f"stack {stack} is {status} and can only be deleted: {delete}")
    if status.endswith("_IN_PROGRESS") and status != NEW_STACK:
        raise OpsError(f"stack {stack} is {status}; try again when this has ended")


def cdk(folder: Path, *arguments: str, quiet: bool = False) -> bool:
    """Run the CDK CLI on a cloud assembly; whether it succeeded.

    Its output goes to standard error, with ``quiet`` only that of a failure.
    """
    program = shutil.which("cdk")
    if program is None:
        raise OpsError("the CDK CLI is not on PATH; use the make target")
    command = [program, "-a", str(folder), *arguments, "--require-approval", "never"]
    environment = os.environ | {"CDK_DISABLE_CLI_TELEMETRY": "true"}
    output = subprocess.PIPE if quiet else 2
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode and done.stdout:
        to_stderr(done.stdout.strip())
    return done.returncode == 0


def described(clients: Clients, stack: str, name: str) -> ChangeSet | None:
    """The change set of a plan in a stack, with all its changes; None where there is none."""
    pages = clients("cloudformation").get_paginator("describe_change_set").paginate(StackName=stack, ChangeSetName=name)
    with _absent("ChangeSetNotFound"):
        return pages.build_full_result()  # type: ignore[no-any-return]
    return None


def template_of(clients: Clients, stack: str, name: str | None = None) -> Mapping[str, Any]:
    """The template of a plan's change set, or without ``name`` that of the deployed stack; empty where none is."""
    which = {"ChangeSetName": name} if name else {}
    with _absent("ChangeSetNotFound"):
        answer = clients("cloudformation").get_template(StackName=stack, TemplateStage="Original", **which)
        return answer["TemplateBody"] or {}
    return {}


def plans(clients: Clients, stack: str) -> list[ChangeSet]:
    """The summaries of a stack's plans whose execution has not begun."""
    pages = clients("cloudformation").get_paginator("list_change_sets").paginate(StackName=stack)
    with _absent():
        plans = [one for page in pages for one in page["Summaries"] if one["ChangeSetName"].startswith(PREFIX)]
        return [one for one in plans if not one.get("ExecutionStatus", "").startswith("EXECUTE_")]
    return []


def delete(clients: Clients, stack: str, name: str) -> None:
    """Delete a plan's change set, and the stack if it was made for change sets that are all gone."""
    cloudformation = clients("cloudformation")
    with _absent("ChangeSetNotFound"):
        cloudformation.delete_change_set(StackName=stack, ChangeSetName=name)
        listed = cloudformation.list_change_sets(StackName=stack)["Summaries"]
        is_last = all(one["Status"].startswith("DELETE_") for one in listed)
        found = find_stack(clients, stack)
        if found and found.status == NEW_STACK and is_last:
            try:
                cloudformation.delete_stack(StackName=stack)
            except ClientError as error:  # the pipelines' role for plans may not delete stacks
                if not is_denied(error):
                    raise
                to_stderr(f"stack {stack} is empty and stays, because these credentials may not delete it")


@contextmanager
def _absent(*codes: str) -> Iterator[None]:
    """Leave the block where the stack, or what the codes mean, does not exist."""
    try:
        yield
    except ClientError as error:
        no_stack = code(error) == "ValidationError" and "does not exist" in message(error)
        if not no_stack and code(error) not in codes:
            raise


def is_empty(change_set: ChangeSet) -> bool:
    """Whether CloudFormation found nothing to change; such a change set is FAILED."""
    # The two texts are those by which the CDK CLI and the AWS CLI know it.
    reason = change_set.get("StatusReason", "")
    return change_set["Status"] == "FAILED" and ("didn't contain changes" in reason or "No updates are" in reason)


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether CloudFormation finds nothing to change from one template to the other."""
    texts = ("Description", "Metadata")
    plain = [{key: value for key, value in side.items() if key not in texts} for side in (one, other)]
    return plain[0] == plain[1]


def changes(change_set: ChangeSet) -> list[str]:
    """What CloudFormation says that it will do to each resource; lines with ``!`` come first."""
    blocks = [_change(one["ResourceChange"]) for one in change_set.get("Changes", []) if "ResourceChange" in one]
    blocks.sort(key=lambda block: not block[0].startswith("!"))
    return [line for first, *rest in blocks for line in (first, *(f"    {one}" for one in rest))] or [
        "~ changed: the outputs alone"
    ]


def _change(change: Mapping[str, Any]) -> list[str]:
    title = f"{short(change['LogicalResourceId'])} ({change['ResourceType']})"
    action, fate = change["Action"], _FATES.get(change.get("PolicyAction", ""), "")
    recreating, touched = list[str](), list[str]()
    for target in (one.get("Target", {}) for one in change.get("Details", [])):
        name = target.get("Name") or target.get("Attribute", "")
        touched.append(name)
        if target.get("RequiresRecreation", "Never") != "Never":
            recreating.append(name)
    because = f"because of {', '.join(dict.fromkeys(recreating))}" if recreating else ""
    if action == "Modify" and change.get("Replacement") == "True":
        return [f"! replaced: {title}", *filter(None, ["; ".join(filter(None, [because, fate]))])]
    if action == "Modify" and change.get("Replacement") == "Conditional":
        decides = "CloudFormation decides during the deployment"
        return [f"! perhaps replaced: {title}", ", ".join(filter(None, [decides, because]))]
    if action == "Modify":
        return [f"~ changed: {title}", *filter(None, [", ".join(dict.fromkeys(touched))])]
    kind = {"Add": "+ added", "Remove": "- removed", "Import": "= imported", "SyncWithActual": "= as it is now"}.get(
        action, f"! {action.lower()}"
    )
    return [f"{kind}: {title}", *filter(None, [fate])]


def validation(clients: Clients, change_set: ChangeSet) -> Iterator[str]:
    """The findings of CloudFormation's validation before a deployment.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
    """
    # Not only failed events: a warning does not fail the change set.
    pages = clients("cloudformation").get_paginator("describe_events").paginate(ChangeSetName=change_set["ChangeSetId"])
    for event in (event for page in pages for event in page["OperationEvents"]):
        if event.get("EventType") == "VALIDATION_ERROR":
            where = event.get("ValidationPath") or event.get("LogicalResourceId", "")
            reason = " ".join(event.get("ValidationStatusReason", "").split())
            yield f"! validation: {event.get('ValidationName', 'failed')}: {reason}{f' ({where})' if where else ''}"
