"""Drift detection for types that the engine does not read, or only in part.

The engine compares what a template sets with what a reader returns: a type without a reader is
NOT_CHECKED, a reader that returns None means DELETED. Not compared, although AWS does: the Metrics
of an alarm, the tags of a dashboard, replicas in other regions, which the engine does not keep.

Sources: CloudFormation User Guide, "Detect unmanaged configuration changes to stacks and resources with drift
detection" (only property values that are explicitly set are compared); the types' schemas in the CloudFormation
registry: a type without a read handler has no drift detection (AWS::IAM::Policy, AWS::SQS::QueuePolicy,
AWS::SNS::TopicPolicy), and write-only properties, such as the Code of a function, are not compared.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import ministack.services.backup as backup
import ministack.services.cloudformation.drift as engine
import ministack.services.cloudformation.provisioners as provisioners
import ministack.services.cloudwatch as cloudwatch
import ministack.services.dynamodb as dynamodb
import ministack.services.eventbridge as events
import ministack.services.iam as iam
import ministack.services.kms as kms
import ministack.services.lambda_svc as service
import ministack.services.sns as sns
import ministack.services.sqs as sqs
import ministack.services.stepfunctions as stepfunctions
from ministack.core.responses import get_region

from embedded_aws.backup import store, vaults
from embedded_aws.replies import Json

# From the physical id, or the engine's record, and the template's properties to the present ones.
Reader = Callable[[Any, Json], Json | None]
# Each type's reader, and the properties that it reads.
READERS: dict[str, tuple[Reader, str]] = {}
# The member by which elements of a list are compared.
NAMES = ("Region", "IndexName", "RuleName")
# The engine has no autoscaling: these are taken from the template.
SCALED = ("ReadCapacityAutoScalingSettings", "WriteCapacityAutoScalingSettings")


def extended(kind: str, known: tuple[Reader, frozenset[str]] | None) -> tuple[Reader, frozenset[str]]:
    """The engine's reader of a type and the properties that it reads, extended by READERS."""
    original, names = known or (None, frozenset())
    read, properties = READERS[kind]
    return partial(_extended, original, read) if original else read, names | frozenset(properties.split())


def _extended(original: Reader, more: Reader, physical_id: str, props: Json) -> Json | None:
    found = original(physical_id, props)
    return None if found is None else found | (more(physical_id, props) or {})


def _reads(kind: str, properties: str = "", records: Any = None) -> Callable[[Reader], Reader]:
    """A function that reads these properties of a type.

    With ``records`` it gets the record of the physical id in place of the id; without one the resource is deleted.
    """

    def add(reader: Reader) -> Reader:
        def read(identifier: str, props: Json) -> Json | None:
            found = identifier if records is None else records.get(identifier)
            return None if found is None else reader(found, props)

        READERS[kind] = read, properties
        return reader

    return add


@_reads(
    "AWS::Backup::BackupVault",
    "AccessPolicy BackupVaultName BackupVaultTags EncryptionKeyArn LockConfiguration",
    backup._vaults,
)
def _read_vault(found: Json, props: Json) -> Json:
    kept = {key: found[key] for key in ("BackupVaultName", "BackupVaultTags", "EncryptionKeyArn")}
    if found["Locked"]:
        days = vaults.MINIMUM_DAYS, vaults.MAXIMUM_DAYS
        lock = {name: found[name] for name in days if name in found}
        expected = props.get("LockConfiguration") or {}
        # Write-only, so taken from the template.
        grace = {name: days for name, days in expected.items() if name == vaults.GRACE_DAYS}
        kept["LockConfiguration"] = lock | grace
    if found.get("AccessPolicy"):
        kept["AccessPolicy"] = json.loads(found["AccessPolicy"])
    return kept


@_reads("AWS::Backup::BackupPlan", "BackupPlan BackupPlanTags", backup._plans)
def _read_plan(found: Json, props: Json) -> Json:
    """The properties of a BackupPlan; the API has other names for its rules and their vault."""
    rules = [
        rule | {"TargetBackupVault": rule.get("TargetBackupVaultName")}
        for rule in found["BackupPlan"].get("Rules") or []
    ]
    document = found["BackupPlan"] | {"BackupPlanRule": rules}
    return {"BackupPlan": set_in_template(document, props["BackupPlan"]), "BackupPlanTags": found["Tags"]}


@_reads("AWS::Backup::BackupSelection", "BackupPlanId BackupSelection", backup._selections)
def _read_selection(found: Json, props: Json) -> Json:
    document = set_in_template(found, props["BackupSelection"])
    return {"BackupPlanId": found["BackupPlanId"], "BackupSelection": document}


@_reads(
    "AWS::Backup::RestoreTestingPlan",
    "RecoveryPointSelection RestoreTestingPlanName ScheduleExpression ScheduleExpressionTimezone StartWindowHours Tags",
    store.testing_plans,
)
def _read_testing_plan(found: Json, props: Json) -> Json:
    document: Json = set_in_template(found["plan"], props)
    return document | {"Tags": tag_list(found["tags"])}


@_reads(
    "AWS::Backup::RestoreTestingSelection",
    "IamRoleArn ProtectedResourceArns ProtectedResourceType RestoreTestingPlanName "
    "RestoreTestingSelectionName ValidationWindowHours",
)
def _read_testing_selection(identifier: str, _: Json) -> Json | None:
    plan_name, name = identifier.split("|")
    testing = store.testing_plans.get(plan_name) or {"selections": {}}
    found: Json | None = testing["selections"].get(name)
    return found


@_reads(
    "AWS::DynamoDB::GlobalTable",
    "AttributeDefinitions BillingMode GlobalSecondaryIndexes KeySchema Replicas SSESpecification "
    "StreamSpecification TableName TimeToLiveSpecification WriteOnDemandThroughputSettings "
    "WriteProvisionedThroughputSettings",
)
def _read_global_table(name: str, props: Json) -> Json | None:
    """The table's properties; replicas in other regions are taken from the template."""
    found = engine._read_dynamodb_table(name, props)
    if found is None:
        return None
    table, region = dynamodb._tables[name], get_region()
    found |= _table_settings(name, table) | _throughput(table)
    found["Tags"] = tag_list(found["Tags"])
    indexes = table.get("GlobalSecondaryIndexes") or []
    found["GlobalSecondaryIndexes"] = [index | _throughput(index) for index in indexes]
    replicas = [found | {"Region": region} if replica["Region"] == region else replica for replica in props["Replicas"]]
    present: Json = set_in_template(found | {"Replicas": replicas}, props)
    return present


def _table_settings(name: str, table: Json) -> Json:
    encryption = table.get("SSEDescription") or {}
    recovery = dynamodb._pitr_settings.get(name)
    expiry = dynamodb._ttl_settings.get(name) or {}
    days = {"RecoveryPeriodInDays": recovery["Days"]} if recovery else {}
    return {
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": bool(recovery)} | days,
        "SSESpecification": {
            "SSEEnabled": encryption.get("Status") == "ENABLED",
            "SSEType": encryption.get("SSEType"),
            "KMSMasterKeyId": encryption.get("KMSMasterKeyArn"),
        },
        "TableClass": (table.get("TableClassSummary") or {}).get("TableClass", "STANDARD"),
        "TimeToLiveSpecification": {
            "Enabled": expiry.get("TimeToLiveStatus") == "ENABLED",
            "AttributeName": expiry.get("AttributeName"),
        },
    }


def _throughput(source: Json) -> Json:
    """The throughput of a table or an index, under every name that the type has for it."""
    units, maxima = source.get("ProvisionedThroughput"), source.get("OnDemandThroughput")
    return {
        f"{way}{kind}ThroughputSettings": values or {}
        for way in ("Read", "Write")
        for kind, values in (("Provisioned", units), ("OnDemand", maxima))
    }


@_reads("AWS::Lambda::Function", "LoggingConfig")
def _read_function(name: str, props: Json) -> Json:
    config = service._functions[name]["config"]
    return {"LoggingConfig": set_in_template(config.get("LoggingConfig"), props.get("LoggingConfig"))}


@_reads(
    "AWS::Lambda::EventSourceMapping",
    "BatchSize BisectBatchOnFunctionError DestinationConfig Enabled EventSourceArn FilterCriteria "
    "FunctionName FunctionResponseTypes MaximumBatchingWindowInSeconds MaximumRecordAgeInSeconds "
    "MaximumRetryAttempts ParallelizationFactor StartingPosition Tags",
    service._esms,
)
def _read_mapping(found: Json, props: Json) -> Json:
    return {
        **found,
        "FunctionName": same_or(found["FunctionName"], props["FunctionName"], ":"),
        "Tags": tag_list(found.get("Tags") or {}),
    }


@_reads("AWS::Lambda::Permission")
def _read_permission(statement_id: str, props: Json) -> Json | None:
    """Whether the Permission's statement exists; Lambda cannot change a statement."""
    of = provisioners._lambda_function_for_cfn_ref(props["FunctionName"])[0]
    statements = of["policy"]["Statement"] if of else []
    return {} if any(each["Sid"] == statement_id for each in statements) else None


@_reads(
    "AWS::CloudWatch::Alarm",
    "ActionsEnabled AlarmActions AlarmDescription AlarmName ComparisonOperator DatapointsToAlarm "
    "EvaluationPeriods OKActions Tags Threshold TreatMissingData",
    cloudwatch._alarms,
)
def _read_alarm(found: Json, _: Json) -> Json:
    """All, except for its Metrics."""
    threshold = float(found["Threshold"])  # the engine keeps a template's 0 as 0.0
    return {
        **found,
        "Tags": tag_list(cloudwatch._resource_tags.get(found["AlarmArn"]) or {}),
        "Threshold": int(threshold) if threshold.is_integer() else threshold,
    }


@_reads("AWS::CloudWatch::Dashboard", "DashboardBody DashboardName", cloudwatch._dashboards)
def _read_dashboard(found: Json, _: Json) -> Json:
    """All, except for its tags."""
    return found


@_reads("AWS::Events::Rule", "Description EventPattern Name ScheduleExpression State Tags Targets")
def _read_rule(name: str, props: Json) -> Json:
    identity = events._rule_key(name, provisioners._eb_rule_bus_name(props))
    found = events._rules[identity]
    return {
        **found,
        "EventPattern": engine._json_or(found["EventPattern"]),
        "Tags": tag_list(events._tags.get(found["Arn"]) or {}),
        "Targets": events._targets.get(identity) or [],
    }


@_reads("AWS::IAM::Role", "ManagedPolicyArns PermissionsBoundary Policies")
def _read_role(name: str, _: Json) -> Json:
    found = iam._roles[name]
    return {
        "ManagedPolicyArns": found["AttachedPolicies"],
        "PermissionsBoundary": found.get("PermissionsBoundary"),
        "Policies": [
            {"PolicyName": policy, "PolicyDocument": engine._json_or(document)}
            for policy, document in found["InlinePolicies"].items()
        ],
    }


@_reads("AWS::KMS::Key", "Description EnableKeyRotation KeyPolicy Tags", kms._keys)
def _read_key(found: Json, _: Json) -> Json | None:
    """A key that is pending deletion counts as deleted."""
    if found["KeyState"] == "PendingDeletion":
        return None
    return {
        "Description": found["Description"],
        "EnableKeyRotation": found.get("KeyRotationEnabled", False),
        "KeyPolicy": engine._json_or(found["Policy"]),
        "Tags": tag_list({tag["TagKey"]: tag["TagValue"] for tag in found.get("Tags") or []}),
    }


@_reads("AWS::KMS::Alias", "AliasName TargetKeyId")
def _read_alias(name: str, props: Json) -> Json | None:
    target = kms._aliases.get(kms._alias_arn(name))
    if target is None:
        return None
    return {"AliasName": name, "TargetKeyId": same_or(target, props["TargetKeyId"], "/")}


@_reads("AWS::SNS::Topic", "KmsMasterKeyId")
def _read_topic(arn: str, _: Json) -> Json:
    key = sns._topics[arn]["attributes"].get("KmsMasterKeyId")
    return {"KmsMasterKeyId": key} if key else {}


@_reads("AWS::SQS::Queue", "SqsManagedSseEnabled")
def _read_queue(url: str, _: Json) -> Json:
    """Encryption is on by default: SQS Developer Guide, "Encryption at rest in Amazon SQS"."""
    attributes = sqs._queues[url]["attributes"]
    return {"SqsManagedSseEnabled": attributes.get("SqsManagedSseEnabled", "true")}


@_reads("AWS::StepFunctions::StateMachine", "DefinitionString RoleArn")
def _read_state_machine(arn: str, _: Json) -> Json:
    found = stepfunctions._state_machines[arn]
    return {"DefinitionString": found["definition"], "RoleArn": found["roleArn"]}


def set_in_template(actual: Any, expected: Any) -> Any:
    """``actual`` without the members that ``expected`` does not set, at any depth.

    Elements of lists are compared by name; one that ``expected`` lacks is kept whole.
    """
    if isinstance(expected, list) and isinstance(actual, list):
        return [set_in_template(each, _namesake(each, expected)) for each in actual]
    if not isinstance(expected, dict) or not isinstance(actual, dict):
        return actual
    scaled = {name: value for name, value in expected.items() if name in SCALED}
    both = actual.keys() & expected.keys()
    return {name: set_in_template(actual[name], expected[name]) for name in both} | scaled


def _namesake(element: Any, others: list[Any]) -> Any:
    for name in NAMES:
        if isinstance(element, dict) and name in element:
            return next((other for other in others if other.get(name) == element[name]), None)
    return None


def tag_list(tags: Json) -> list[Json]:
    """Tags as a list of Key and Value."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def same_or(actual: str, expected: str, separator: str) -> str:
    """``expected`` if it is the ARN or the name of ``actual``, otherwise ``actual``."""
    return expected if expected.rsplit(separator, 1)[-1] == actual else actual
