"""Change sets that bring resources in line with the template: DeploymentMode REVERT_DRIFT of CreateChangeSet.

What was changed by hand is changed back, what is gone is created again, with or without a change of the template.
Sources: CloudFormation User Guide, "Using drift-aware change sets"; API reference, DescribeChangeSet (DeploymentMode).
That something gone is an Add is inferred from ResourceChange ("adds a new resource"). Not here: SyncWithActual, for a
template that says what the resource is already; ResourceDriftStatus and the values before and after.
"""

import json
from collections.abc import Iterator

import ministack.services.cloudformation as cloudformation
import ministack.services.cloudformation.changesets as changesets
import ministack.services.cloudformation.drift as engine
import ministack.services.cloudformation.helpers as helpers
from ministack.core.responses import now_iso

from embedded_aws.cloudformation.change_sets import EXECUTABLE, UNCHANGED, made_by
from embedded_aws.replies import Handler, Json, Reply

MODE, REVERT = "DeploymentMode", "REVERT_DRIFT"


def create(original: Handler, form: Json) -> Reply:
    """CreateChangeSet."""
    reply = original(form)
    change_set = made_by(reply)
    if change_set and helpers._p(form, MODE) == REVERT:
        change_set[MODE] = REVERT
        changes = {one["ResourceChange"]["LogicalResourceId"]: one["ResourceChange"] for one in change_set["Changes"]}
        for drift in _drifted(change_set):
            planned = changes.setdefault(drift["LogicalResourceId"], {"Details": []})
            planned["Details"] += _details(drift, planned)
            planned |= {"Action": "Modify", "Scope": ["Properties"], "Replacement": "False"} | planned
            planned |= {name: drift[name] for name in ("LogicalResourceId", "PhysicalResourceId", "ResourceType")}
            if drift["StackResourceDriftStatus"] == "DELETED":
                planned |= {"Action": "Add", "Scope": [], "Details": []}
                del planned["Replacement"], planned["PhysicalResourceId"]
        change_set["Changes"] = [{"ResourceChange": change} for change in changes.values()]
        if changes and UNCHANGED in change_set["StatusReason"]:
            change_set.update(EXECUTABLE)
    return reply


def _drifted(change_set: Json) -> Iterator[Json]:
    """The drifts of the stack's resources that the template keeps."""
    stack = cloudformation._stacks[change_set["StackName"]]
    for logical_id, record in stack["_resources"].items():
        if logical_id in change_set["_template"]["Resources"] and engine.supports_drift(record["ResourceType"]):
            drift = engine.detect_resource_drift(stack, logical_id, record, now_iso())
            if drift["StackResourceDriftStatus"] in ("MODIFIED", "DELETED"):
                yield drift


def _details(drift: Json, planned: Json) -> Iterator[Json]:
    known = {one["Target"].get("Name") for one in planned["Details"]}
    names = (one["PropertyPath"].split("/")[1] for one in drift.get("PropertyDifferences", []))
    for name in dict.fromkeys(names):
        if name not in known:
            target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": "Never"}
            yield {"Target": target, "ChangeSource": "DirectModification"}


def describe(original: Handler, form: Json) -> Reply:
    """DescribeChangeSet."""
    status, headers, body = original(form)
    mode = f"<{MODE}>{REVERT}</{MODE}>".encode() if _reverting(form) else b""
    return status, headers, body.replace(b"</DescribeChangeSetResult>", mode + b"</DescribeChangeSetResult>")


def execute(original: Handler, form: Json) -> Reply:
    """ExecuteChangeSet: the engine updates from what it takes the resources to be now."""
    change_set = _reverting(form)
    if change_set and change_set["ExecutionStatus"] == "AVAILABLE":
        records = cloudformation._stacks[change_set["StackName"]]["_resources"]
        for drift in list(_drifted(change_set)):
            if drift["StackResourceDriftStatus"] == "DELETED":
                del records[drift["LogicalResourceId"]]
            else:
                record, compared = records[drift["LogicalResourceId"]], json.loads(drift["ExpectedProperties"])
                others = {name: value for name, value in record["Properties"].items() if name not in compared}
                record["Properties"] = others | json.loads(drift["ActualProperties"])
    return original(form)


def _reverting(form: Json) -> Json | None:
    """The change set that a request names, if it reverts drift."""
    name, stack = helpers._p(form, "ChangeSetName"), helpers._p(form, "StackName")
    found: Json | None = changesets._find_change_set(name, stack)[1]
    return found if found and MODE in found else None
