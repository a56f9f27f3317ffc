"""IAM statements and ARNs that several constructs need."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import IConstruct

# The condition on a KMS key that only DynamoDB, on behalf of the caller, uses it.
THROUGH_DYNAMODB = {"kms:ViaService": "dynamodb.*.amazonaws.com"}


def allow(resources: str | Sequence[str], *actions: str, **conditions: Any) -> iam.PolicyStatement:
    """The statement that allows ``actions`` on ``resources``; ``conditions`` by operator (StringLike={...})."""
    named = [resources] if isinstance(resources, str) else list(resources)
    return iam.PolicyStatement(actions=list(actions), resources=named, conditions=conditions)


def arn(scope: IConstruct, service: str, resource: str, name: str, *, region: str | None = None) -> str:
    """``arn:...:<service>:<region>:<account>:<resource>:<name>`` in the stack's account, by default in its region."""
    return Stack.of(scope).format_arn(
        service=service, region=region, resource=resource, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
    )


def recovery_points_arn(scope: IConstruct, region: str | None = None) -> str:
    """The account's recovery points in ``region``, by default the stack's; AWS generates the ids."""
    return arn(scope, "backup", "recovery-point", "*", region=region)


def from_this_account(scope: IConstruct) -> dict[str, dict[str, str]]:
    """The condition against a confused deputy: a service acting for another account is refused."""
    return {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}


def backup_key_statements(key_arn: str, *use: str) -> list[iam.PolicyStatement]:
    """What a role for AWS Backup may do with a key: the actions ``use``, through the two services only.

    The conditions are those of AWS's own AWSBackupServiceRolePolicyForBackup.
    """
    services = ["dynamodb.*.amazonaws.com", "backup.*.amazonaws.com"]
    return [
        allow(key_arn, "kms:DescribeKey"),
        allow(key_arn, *use, StringLike={"kms:ViaService": services}),
        allow(key_arn, "kms:CreateGrant", Bool={"kms:GrantIsForAWSResource": "true"}),
    ]


def actions(by_service: Mapping[str, str]) -> list[str]:
    """``service:Action`` for each of a service's actions, which are separated by spaces."""
    return [f"{service}:{action}" for service, names in by_service.items() for action in names.split()]
