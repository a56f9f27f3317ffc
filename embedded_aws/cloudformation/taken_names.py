"""Custom names that are taken: a stack neither gets nor changes what it did not create.

The engine writes over it. Sources: CloudFormation CLI guide, "Resource type handler contract" (a create handler fails
with AlreadyExists); the text: stratospheric-dev/stratospheric#204. Of types outside of ``RECORDS`` and ``REFUSING``
only the names that a stack has are known.
"""

import uuid
from typing import Any

import ministack.services.backup as backup
import ministack.services.cloudformation as cloudformation
import ministack.services.cloudwatch as cloudwatch
import ministack.services.cloudwatch_logs as logs
import ministack.services.dynamodb as dynamodb
import ministack.services.ecr as ecr
import ministack.services.iam as iam
import ministack.services.kms as kms
import ministack.services.lambda_svc as lambda_svc
import ministack.services.sns as sns
import ministack.services.sqs as sqs
import ministack.services.stepfunctions as stepfunctions

from embedded_aws.backup import store
from embedded_aws.cloudformation.backup_resources import TESTING_PLAN, VAULT
from embedded_aws.cloudformation.schemas import name_property
from embedded_aws.cloudformation.table_resources import GLOBAL_TABLE, TABLE
from embedded_aws.replies import Json

# The engine's records of a service, by name or ARN.
RECORDS: dict[str, Any] = {
    VAULT: backup._vaults,
    TESTING_PLAN: store.testing_plans,
    TABLE: dynamodb._tables,
    GLOBAL_TABLE: dynamodb._tables,
    "AWS::CloudWatch::Alarm": cloudwatch._alarms,
    "AWS::CloudWatch::Dashboard": cloudwatch._dashboards,
    "AWS::ECR::Repository": ecr._repositories,
    "AWS::IAM::ManagedPolicy": iam._policies,
    "AWS::IAM::Role": iam._roles,
    "AWS::KMS::Alias": kms._aliases,
    "AWS::Lambda::Function": lambda_svc._functions,
    "AWS::Logs::LogGroup": logs._log_groups,
    "AWS::SNS::Topic": sns._topics,
    "AWS::SQS::Queue": sqs._queue_name_to_url,
    "AWS::StepFunctions::StateMachine": stepfunctions._state_machines,
}
# Their services refuse a taken name in words of their own.
REFUSING = (TABLE, GLOBAL_TABLE, VAULT, TESTING_PLAN)


def refuse_taken(kind: str, logical_id: str, properties: Json, stack: str) -> None:
    """Raise ValueError when another resource of the type has the name that the template gives."""
    name = None if kind in REFUSING else properties.get(name_property(kind) or "")
    if name and is_taken(kind, logical_id, str(name), stack):
        raise ValueError(
            f'Resource handler returned message: "{already_exists(kind, str(name))}" '
            f"(RequestToken: {uuid.uuid4()}, HandlerErrorCode: AlreadyExists)"
        )


def already_exists(kind: str, name: str) -> str:
    """The text for a taken name."""
    return f"Resource of type '{kind}' with identifier '{name}' already exists."


def is_taken(kind: str, logical_id: str, name: str, stack: str) -> bool:
    """Whether a resource of the type has the name, other than the stack's own under this logical id.

    Its own, because the engine updates some types by creating them again.
    """
    record = cloudformation._stacks.get(stack, {}).get("_resources", {}).get(logical_id, {})
    if record.get("ResourceType") == kind and record["Properties"].get(name_property(kind)) == name:
        return False
    if kind in RECORDS:
        ends = (f":{name}", f"/{name}")
        return any(key == name or (key.startswith("arn:") and key.endswith(ends)) for key in RECORDS[kind])
    return any(
        record.get("ResourceType") == kind and record.get("Properties", {}).get(name_property(kind)) == name
        for stack in cloudformation._stacks.values()
        for record in stack.get("_resources", {}).values()
    )
