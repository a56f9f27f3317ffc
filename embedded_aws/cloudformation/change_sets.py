"""What CloudFormation finds when it makes a change set: changed outputs, invalid properties, taken names, full buckets.

A stack that has nothing but change sets keeps its id. A change of outputs alone can be executed, although it changes no
resource. Invalid properties and taken names fail the change set, a bucket with objects that would be deleted does not.
DescribeEvents has the findings by the change set's ARN, or by its name with the stack's. Properties that refer to other
resources are not known yet, and pass.

Sources: CloudFormation User Guide, "Validate stack deployments"; aws/aws-cdk#2029 (outputs);
aws-cloudformation/cloudformation-cli#1116 (a name alone); the texts: aws-cloudformation/rain#744, aws/aws-cdk-cli#1463
(a missing property). Other texts are those with which the resource would fail. That FailedEvents leaves out a warning
is inferred from its documentation: "only returns failed events".
"""

import re
from collections.abc import Iterator
from typing import Any

import ministack.services.cloudformation as cloudformation
import ministack.services.cloudformation.changesets as changesets
import ministack.services.cloudformation.engine as templates
import ministack.services.cloudformation.helpers as helpers
import ministack.services.cloudformation.stacks as stacks
import ministack.services.s3 as s3
from ministack.core.responses import new_uuid

from embedded_aws.cloudformation.property_rules import Unknown, broken_rules
from embedded_aws.cloudformation.schemas import name_property
from embedded_aws.cloudformation.taken_names import already_exists, is_taken
from embedded_aws.replies import Handler, Json, Reply

PROPERTIES, NAMES, BUCKETS = "PROPERTY_VALIDATION", "NAME_CONFLICT_VALIDATION", "BUCKET_EMPTINESS_VALIDATION"
HOOKS = {PROPERTIES: "PropertyValidation", NAMES: "ResourceExistenceCheck"}
FAILED = (
    "The following hook(s)/validation failed: [{}]. To troubleshoot Early Validation errors, use the DescribeEvents "
    "API for detailed failure information."
)
UNCHANGED = "didn't contain changes"
EXECUTABLE = {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE", "StatusReason": ""}
Finding = tuple[str, str, str, str]  # logical id, validation, path, reason


def create(original: Handler, form: Json) -> Reply:
    """CreateChangeSet."""
    name = helpers._p(form, "StackName")
    earlier = cloudformation._stacks.get(name, {})
    status, headers, body = original(form)
    if waits := earlier.get("StackStatus") == "REVIEW_IN_PROGRESS":
        cloudformation._stacks[name] = earlier
    if change_set := made_by((status, headers, body)):
        stack = cloudformation._stacks[change_set["StackName"]]
        if waits:
            body = body.replace(change_set["StackId"].encode(), stack["StackId"].encode())
            change_set["StackId"] = stack["StackId"]
        before, after = (one["_template"].get("Outputs") for one in (stack, change_set))
        if UNCHANGED in change_set["StatusReason"] and before != after:
            change_set.update(EXECUTABLE)
        if change_set["Status"] != "FAILED" and not change_set["_disable_validation"]:
            _validate(change_set, stack)
    return status, headers, body


def made_by(reply: Reply) -> Json | None:
    """The change set that a reply of CreateChangeSet names; None for an error."""
    found = re.search(rb"<Id>(.+)</Id>", reply[2])
    change_set: Json | None = cloudformation._change_sets.get(found[1].decode()) if found else None
    return change_set


def _validate(change_set: Json, stack: Json) -> None:
    changed = [change["ResourceChange"] for change in change_set["Changes"]]
    found = [finding for change in changed for finding in _findings(change, change_set)]
    failed = sorted({f"AWS::EarlyValidation::{HOOKS[name]}" for _, name, _, _ in found if name in HOOKS})
    if failed:
        reason = FAILED.format(", ".join(failed))
        change_set.update(Status="FAILED", ExecutionStatus="UNAVAILABLE", StatusReason=reason)
    change_set["_operation"] = operation = new_uuid()
    kinds = {change["LogicalResourceId"]: change["ResourceType"] for change in changed}
    for logical_id, name, path, reason in found:
        event = stacks._operation_event(
            stack["StackId"], operation, "VALIDATION_ERROR", "CREATE_CHANGESET",
            LogicalResourceId=logical_id, ResourceType=kinds[logical_id], ValidationName=name,
            ValidationFailureMode="FAIL" if name in HOOKS else "WARN", ValidationStatus="FAILED",
            ValidationStatusReason=reason, ValidationPath=path,
        )  # fmt: skip
        event["OperationStatus"] = "FAILED" if failed else "SUCCEEDED"
        stack.setdefault("_operation_events", []).append(event)


def _findings(change: Json, change_set: Json) -> Iterator[Finding]:
    logical_id, kind, action = change["LogicalResourceId"], change["ResourceType"], change["Action"]
    place = f"/Resources/{logical_id}"
    if action in ("Add", "Modify"):
        properties = _known(change_set["_template"]["Resources"][logical_id].get("Properties", {}), change_set)
        for line in broken_rules(kind, properties):
            where, _, reason = line.partition(": ")
            reason = reason.replace("required key", "Required property")
            yield logical_id, PROPERTIES, f"{place}/Properties{where.removeprefix('#')}", reason
        name = properties.get(name_property(kind) or "")
        if action == "Add" and isinstance(name, str) and is_taken(kind, logical_id, name, change_set["StackName"]):
            yield logical_id, NAMES, place, already_exists(kind, name)
    bucket = change.get("PhysicalResourceId", "")
    if (
        kind == "AWS::S3::Bucket"
        and change.get("PolicyAction") == "Delete"
        and s3._buckets.get(bucket, {}).get("objects")
    ):
        yield (
            logical_id, BUCKETS, place,
            f"The bucket '{bucket}' is not empty. You must either delete all objects and versions or use the deletion "
            "policy to retain it, otherwise the delete operation will fail.",
        )  # fmt: skip


def _known(value: Any, change_set: Json) -> Any:
    """What a property will be, in which ``Unknown`` stands for what only the deployment tells."""
    if isinstance(value, list):
        return [each for one in value if (each := _known(one, change_set)) is not templates._NO_VALUE]
    if not isinstance(value, dict):
        return Unknown() if "{{resolve:" in str(value) else value
    if not any(name == "Ref" or name.startswith("Fn::") for name in value):
        known = {name: _known(each, change_set) for name, each in value.items()}
        return {name: each for name, each in known.items() if each is not templates._NO_VALUE}
    template, parameters = change_set["_template"], change_set["_resolved_params"]
    resolved = stacks._static_property(
        value, template["Resources"], parameters, templates._evaluate_conditions(template, parameters),
        template.get("Mappings", {}), change_set["StackName"], change_set["StackId"],
    )  # fmt: skip
    return Unknown() if resolved is None else resolved


def describe_events(original: Handler, form: Json) -> Reply:
    """DescribeEvents."""
    name, stack = helpers._p(form, "ChangeSetName"), helpers._p(form, "StackName")
    if not name:
        return original(form)
    if not stack and not name.startswith("arn:"):
        error: Reply = helpers._error(
            "ValidationError", "One of ChangeSetName, OperationId or StackName must be specified"
        )
        return error
    _, change_set = changesets._find_change_set(name, stack)
    rest = {key: value for key, value in form.items() if key not in ("ChangeSetName", "StackName")}
    return original(rest | {"OperationId": [(change_set or {}).get("_operation", "none")]})
