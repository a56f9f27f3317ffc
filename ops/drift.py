"""Show which deployed resources of a stage differ from their template, because they were changed by hand."""

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

from botocore.exceptions import ClientError

from cli.clients import Clients, find_stack
from cli.command_line import to_stderr
from cli.errors import OpsError, code, message
from cli.polling import DeadlineError, poll
from ops import change_sets, template
from ops.review.wording import short

Drift = Mapping[str, Any]
_PATIENCE = 900.0  # seconds; AWS says that a detection of a large stack takes minutes
_SHOWN = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``python -m ops drift``."""
    template.add_stage(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print them; exit status 1 when there are any."""
    found: dict[str, list[str] | None] = {}
    with template.of_stage(arguments) as (_, stacks):
        for stack in stacks:
            with closing(Clients(region=stack.region)) as clients:
                drifts = detected(clients, stack.name)
                found[f"{stack.name} in {clients.region}"] = None if drifts is None else list(lines(drifts))
    if arguments.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for place, of_stack in found.items():
            nothing = ["not deployed" if of_stack is None else "nothing differs from the template"]
            print("\n".join([place, *(f"  {line}" for line in of_stack or nothing)]))
    return 1 if any(found.values()) else 0


def detected(clients: Clients, stack: str) -> list[Drift] | None:
    """The resources that differ, or are gone, the latter first; None where the stack is not deployed.

    Raises OpsError if CloudFormation cannot compare the stack now.
    """
    found = find_stack(clients, stack)
    if found is None or found.status == change_sets.NEW_STACK:
        return None
    cloudformation = clients("cloudformation")

    def ended() -> Any:
        answer = cloudformation.describe_stack_drift_detection_status(StackDriftDetectionId=id)
        return None if answer["DetectionStatus"] == "DETECTION_IN_PROGRESS" else answer

    try:
        id = cloudformation.detect_stack_drift(StackName=stack)["StackDriftDetectionId"]
        answer = poll(ended, seconds=_PATIENCE)
    except DeadlineError as error:
        raise OpsError(f"the drift of stack {stack} was not known after {error}; try again later") from None
    except ClientError as error:
        if code(error) != "ValidationError":
            raise
        raise OpsError(f"the drift of stack {stack} cannot be detected now: {message(error)}") from None
    # DETECTION_FAILED: the resources that could be read are still compared.
    if answer["DetectionStatus"] == "DETECTION_FAILED":
        to_stderr(f"{stack}: {answer.get('DetectionStatusReason', 'some resources could not be compared')}")
    drifts = list(_drifts(cloudformation, stack))
    return sorted(drifts, key=lambda one: one["StackResourceDriftStatus"] != "DELETED")


def _drifts(cloudformation: Any, stack: str) -> Iterator[Drift]:
    request = {"StackName": stack, "StackResourceDriftStatusFilters": ["MODIFIED", "DELETED"]}
    while True:
        answer = cloudformation.describe_stack_resource_drifts(**request)
        yield from answer["StackResourceDrifts"]
        if not answer.get("NextToken"):
            return
        request["NextToken"] = answer["NextToken"]


def lines(drifts: Iterable[Drift], change_set: change_sets.ChangeSet | None = None) -> Iterator[str]:
    """What differs, and with a change set what becomes of it when that is applied.

    An update sends the properties that the templates differ in, and compares nothing with the resource:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
    """
    for drift in drifts:
        title = f"{short(drift['LogicalResourceId'])} ({drift['ResourceType']})"
        if drift["StackResourceDriftStatus"] == "DELETED":
            name = drift.get("PhysicalResourceId", "")
            yield f"! GONE: {title}{f' {name}' if name else ''} was deleted outside CloudFormation"
        else:
            yield f"! changed by hand: {title}"
        for one in drift.get("PropertyDifferences", []):
            values = (str(one.get(side, "")) for side in ("ExpectedValue", "ActualValue"))
            was, now = (text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..." for text in values)
            yield f"    {one['PropertyPath'].lstrip('/')}: {was} in the template, is {now}"
        if change_set:
            yield f"    applying {_outcome(drift, change_set)}"


def _outcome(drift: Drift, change_set: change_sets.ChangeSet) -> str:
    """What applying the change set does to a difference."""
    is_gone = drift["StackResourceDriftStatus"] == "DELETED"
    every = [one["ResourceChange"] for one in change_set.get("Changes", []) if "ResourceChange" in one]
    change = next((one for one in every if one["LogicalResourceId"] == drift["LogicalResourceId"]), None)
    if change is None:
        keeps = "leaves it gone" if is_gone else "keeps this"
        return f"{keeps}; to undo it, plan with ARGS=--revert-drift"
    if change["Action"] == "Remove":
        return "removes it from the stack"
    if change.get("Replacement") == "True":
        return "replaces the resource"
    if change_set.get("DeploymentMode") == "REVERT_DRIFT":
        return "creates it again, without what it held" if is_gone else "undoes this"
    if is_gone:
        return "FAILS, because it changes a resource that does not exist"
    touched = {one.get("Target", {}).get("Name") for one in change.get("Details", [])} - {None}
    # A difference inside of a property: whether the update sends it is for the resource type to say.
    differing = {one["PropertyPath"].lstrip("/") for one in drift.get("PropertyDifferences", [])}
    if differing <= touched:
        return f"undoes this, because it sets {', '.join(sorted(differing))}"
    return f"may undo this, because it changes {', '.join(sorted(map(str, touched))) or 'the resource'}"
