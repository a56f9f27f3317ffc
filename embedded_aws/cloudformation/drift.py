"""Drift detection for the types of this project's stacks that the engine does not read.

The engine compares what a template sets with what a reader returns: a type without a reader is
NOT_CHECKED, a reader that returns None means DELETED. Not compared, although AWS does: the Metrics
of an alarm, the tags of a dashboard, replicas in other regions, which the engine does not keep.

Sources: CloudFormation User Guide, "Detect unmanaged configuration changes to stacks and resources
with drift detection" (only property values that are explicitly set are compared); the types'
schemas in the CloudFormation registry: a type without a read handler has no drift detection
(AWS::IAM::Policy, AWS::SQS::QueuePolicy, AWS::SNS::TopicPolicy), and write-only properties, such
as the Code of a function, are not compared.
"""

from collections.abc import Callable
from functools import partial

import ministack.services.cloudformation.drift as engine

from embedded_aws.cloudformation import drift_readers
from embedded_aws.replies import Json

# From the physical id and the template's properties to the present ones.
Reader = Callable[[str, Json], Json | None]
# Each type's reader, and the properties that it reads.
READERS: dict[str, tuple[Reader, str]] = {
    "AWS::DynamoDB::GlobalTable": (
        drift_readers.read_global_table,
        "AttributeDefinitions BillingMode GlobalSecondaryIndexes KeySchema Replicas "
        "SSESpecification StreamSpecification TableName TimeToLiveSpecification "
        "WriteOnDemandThroughputSettings WriteProvisionedThroughputSettings",
    ),
    "AWS::Backup::BackupPlan": (drift_readers.read_plan, "BackupPlan BackupPlanTags"),
    "AWS::Backup::BackupSelection": (drift_readers.read_selection, "BackupPlanId BackupSelection"),
    "AWS::Backup::BackupVault": (
        drift_readers.read_vault,
        "AccessPolicy BackupVaultName BackupVaultTags EncryptionKeyArn LockConfiguration",
    ),
    "AWS::Backup::RestoreTestingPlan": (
        drift_readers.read_testing_plan,
        "RecoveryPointSelection RestoreTestingPlanName ScheduleExpression "
        "ScheduleExpressionTimezone StartWindowHours Tags",
    ),
    "AWS::Backup::RestoreTestingSelection": (
        drift_readers.read_testing_selection,
        "IamRoleArn ProtectedResourceArns ProtectedResourceType RestoreTestingPlanName "
        "RestoreTestingSelectionName ValidationWindowHours",
    ),
    "AWS::CloudWatch::Alarm": (
        drift_readers.read_alarm,
        "ActionsEnabled AlarmActions AlarmDescription AlarmName ComparisonOperator "
        "DatapointsToAlarm EvaluationPeriods OKActions Tags Threshold TreatMissingData",
    ),
    "AWS::CloudWatch::Dashboard": (drift_readers.read_dashboard, "DashboardBody DashboardName"),
    "AWS::Events::Rule": (
        drift_readers.read_rule,
        "Description EventPattern Name ScheduleExpression State Tags Targets",
    ),
    "AWS::IAM::Role": (drift_readers.read_role, "ManagedPolicyArns PermissionsBoundary Policies"),
    "AWS::KMS::Alias": (drift_readers.read_alias, "AliasName TargetKeyId"),
    "AWS::KMS::Key": (drift_readers.read_key, "Description EnableKeyRotation KeyPolicy Tags"),
    "AWS::Lambda::EventSourceMapping": (
        drift_readers.read_mapping,
        "BatchSize BisectBatchOnFunctionError DestinationConfig Enabled EventSourceArn "
        "FilterCriteria FunctionName FunctionResponseTypes MaximumBatchingWindowInSeconds "
        "MaximumRecordAgeInSeconds MaximumRetryAttempts ParallelizationFactor "
        "StartingPosition Tags",
    ),
    "AWS::Lambda::Function": (drift_readers.read_function, "LoggingConfig"),
    "AWS::Lambda::Permission": (drift_readers.read_permission, ""),
    "AWS::SNS::Topic": (drift_readers.read_topic, "KmsMasterKeyId"),
    "AWS::SQS::Queue": (drift_readers.read_queue, "SqsManagedSseEnabled"),
    "AWS::StepFunctions::StateMachine": (drift_readers.read_state_machine, "DefinitionString RoleArn"),
}


def install() -> None:
    """Add READERS to the readers of the engine."""
    for kind, (read, properties) in READERS.items():
        original, known = engine._DRIFT_READERS.get(kind, (None, frozenset()))
        reader = partial(_extended, original, read) if original else read
        engine._DRIFT_READERS[kind] = (reader, known | set(properties.split()))


def _extended(original: Reader, more: Reader, physical_id: str, props: Json) -> Json | None:
    found = original(physical_id, props)
    return None if found is None else found | (more(physical_id, props) or {})
