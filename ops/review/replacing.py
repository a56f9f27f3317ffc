"""Which changes put another resource in the place of one. Pure.

From ``createOnlyProperties`` and ``conditionalCreateOnlyProperties`` of the resource types'
schemas, which tests/stacks/test_review_replacing.py holds the table against.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ops.review.spelling import short

Resources = Mapping[str, Mapping[str, Any]]
CREATE_ONLY = {
    "AWS::Backup::BackupSelection": {"BackupPlanId", "BackupSelection"},
    "AWS::Backup::BackupVault": {"BackupVaultName", "EncryptionKeyArn"},
    "AWS::Backup::RestoreTestingPlan": {"RestoreTestingPlanName"},
    "AWS::Backup::RestoreTestingSelection": {
        "ProtectedResourceType",
        "RestoreTestingPlanName",
        "RestoreTestingSelectionName",
    },
    "AWS::CloudWatch::Alarm": {"AlarmName"},
    "AWS::CloudWatch::Dashboard": {"DashboardName"},
    "AWS::DynamoDB::GlobalTable": {"GlobalTableSourceArn", "KeySchema", "LocalSecondaryIndexes", "TableName"},
    "AWS::DynamoDB::Table": {"ImportSourceSpecification", "KeySchema", "TableName"},
    "AWS::Events::Rule": {"EventBusName", "Name"},
    "AWS::IAM::ManagedPolicy": {"Description", "ManagedPolicyName", "Path"},
    "AWS::IAM::Role": {"Path", "RoleName"},
    "AWS::KMS::Alias": {"AliasName"},
    "AWS::Lambda::EventSourceMapping": {
        "EventSourceArn",
        "SelfManagedEventSource",
        "StartingPosition",
        "StartingPositionTimestamp",
    },
    "AWS::Lambda::Function": {"DurableConfig", "FunctionName", "PackageType", "TenancyConfig"},
    "AWS::Lambda::Permission": {
        "Action",
        "EventSourceToken",
        "FunctionName",
        "FunctionUrlAuthType",
        "InvokedViaFunctionUrl",
        "Principal",
        "PrincipalOrgID",
        "SourceAccount",
        "SourceArn",
    },
    "AWS::Lambda::Url": {"Qualifier", "TargetFunctionArn"},
    "AWS::Logs::LogGroup": {"LogGroupName"},
    "AWS::S3::Bucket": {"BucketName", "BucketNamePrefix", "BucketNamespace"},
    "AWS::S3::BucketPolicy": {"Bucket"},
    "AWS::SNS::Subscription": {"Endpoint", "Protocol", "Region", "TopicArn"},
    "AWS::SNS::Topic": {"FifoTopic", "TopicName"},
    "AWS::SQS::Queue": {"FifoQueue", "QueueName"},
    "AWS::StepFunctions::StateMachine": {"StateMachineName", "StateMachineType"},
}
# A stream of other contents is another stream, of the same table.
_STREAM, _STREAM_ARN = "StreamSpecification", "StreamArn"


def replacements(before: Resources, after: Resources) -> dict[str, list[str]]:
    """The resources of both templates that another takes the place of, and what makes it so."""
    both = {name: (before[name], after[name]) for name in after if name in before}
    found = {
        name: [key for key in _create_only(new) if _of(old).get(key) != _of(new).get(key)]
        for name, (old, new) in both.items()
    }
    found = {name: why for name, why in found.items() if why}
    while more := dict(_following(after, found, both)):
        found |= more
    return found


def _following(
    after: Resources, replaced: Mapping[str, Any], both: Mapping[str, Any]
) -> Iterator[tuple[str, list[str]]]:
    """What refers, by a property that cannot change, to something that is another now."""
    for name in both.keys() - replaced.keys():
        why = [
            f"{key}, which refers to {short(other)}"
            for key in _create_only(after[name])
            for other, attribute in sorted(_references(_of(after[name]).get(key)))
            if other in replaced or (attribute == _STREAM_ARN and _has_new_stream(both.get(other)))
        ]
        if why:
            yield name, why


def _has_new_stream(both: tuple[Any, Any] | None) -> bool:
    return both is not None and _of(both[0]).get(_STREAM) != _of(both[1]).get(_STREAM)


def _references(value: Any) -> set[tuple[str, str]]:
    """The logical ids that a value refers to, each with the attribute; empty for ``Ref``."""
    if isinstance(value, list):
        return {one for member in value for one in _references(member)}
    if not isinstance(value, Mapping):
        return set()
    if set(value) == {"Ref"}:
        return {(value["Ref"], "")}
    if set(value) == {"Fn::GetAtt"}:
        target = value["Fn::GetAtt"]
        # A list, or the text with a dot that YAML allows.
        name, attribute = target.split(".", 1) if isinstance(target, str) else target
        return {(name, attribute)}
    if set(value) == {"Fn::Sub"}:
        found = re.findall(r"\$\{([^!}.]+)\.?([^}]*)\}", json.dumps(value["Fn::Sub"]))
        return set(found)
    return {one for member in value.values() for one in _references(member)}


def _create_only(resource: Mapping[str, Any]) -> list[str]:
    return sorted(CREATE_ONLY.get(resource["Type"], ()))


def _of(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    properties: Mapping[str, Any] = resource.get("Properties", {})
    return properties
