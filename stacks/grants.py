"""IAM statements and ARNs."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from model.names import ROLE_PATH
from stacks.annotations import acknowledge_own_policy, acknowledge_wildcards

# The condition on a KMS key that only DynamoDB, on behalf of the caller, uses it.
THROUGH_DYNAMODB = {"kms:ViaService": "dynamodb.*.amazonaws.com"}


class Allow(iam.PolicyStatement):
    """Allows ``actions`` on ``resources``; ``because`` says why their wildcards are right.

    Other keywords are conditions by operator: ``StringLike={...}``.
    """

    def __init__(self, resources: str | Sequence[str], *actions: str, because: str = "", **conditions: Any) -> None:
        named = [resources] if isinstance(resources, str) else list(resources)
        super().__init__(actions=list(actions), resources=named, conditions=conditions)
        # Kept here, because reading a property of the CDK's class is a request to another process.
        by_kind = {"Resource": named, "Action": actions}
        self.wildcards = [
            (kind, value, because) for kind, values in by_kind.items() for value in values if because and "*" in value
        ]


def permit(role: iam.Role, *statements: Allow) -> None:
    """Add ``statements`` to the policy of ``role``."""
    for statement in statements:
        role.add_to_policy(statement)
    accept_wildcards(role, statements)


def accept_wildcards(holder: Construct, statements: Sequence[Allow]) -> None:
    """Acknowledge the wildcards of ``statements``, which ``holder`` has, for their reasons."""
    acknowledge_wildcards(holder, [found for statement in statements for found in statement.wildcards])


def backup_role(scope: Construct, id: str, *, description: str, policy: str, statements: Sequence[Allow]) -> iam.Role:
    """A role for AWS Backup.

    Its ``policy`` is inline: one of its own would be deleted with the stack, and leave a role that can expire nothing.
    """
    role = iam.Role(
        scope,
        id,
        path=ROLE_PATH,
        description=description,
        assumed_by=iam.ServicePrincipal("backup.amazonaws.com"),
        inline_policies={policy: iam.PolicyDocument(statements=list(statements))},
    )
    acknowledge_own_policy(role)
    accept_wildcards(role, statements)
    return role


def arn(scope: IConstruct, service: str, rest: str, *, region: str | None = None) -> str:
    """``arn:...:<service>:<region>:<account>:<rest>`` in the stack's account, by default in its region."""
    return Stack.of(scope).format_arn(
        service=service, region=region, resource=rest, arn_format=ArnFormat.NO_RESOURCE_NAME
    )


def from_this_account(scope: IConstruct) -> dict[str, Any]:
    """The condition against a confused deputy: a service acting for another account is refused."""
    return {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}


def backup_key_statements(key_arn: str, *use: str, because: str = "", **conditions: Any) -> list[Allow]:
    """What a role for AWS Backup may do with a key: the actions ``use``, through the two services only.

    The conditions, besides ``conditions``, are those of AWS's own AWSBackupServiceRolePolicyForBackup.
    """
    services = {"kms:ViaService": ["dynamodb.*.amazonaws.com", "backup.*.amazonaws.com"]}
    for_services = {"kms:GrantIsForAWSResource": "true"}
    return [
        Allow(key_arn, "kms:DescribeKey", because=because, **conditions),
        Allow(key_arn, *use, StringLike=services, **conditions),
        Allow(key_arn, "kms:CreateGrant", Bool=for_services, **conditions),
    ]


def actions(by_service: Mapping[str, str]) -> list[str]:
    """``service:Action`` for each of a service's actions, which are separated by spaces."""
    return [f"{service}:{action}" for service, names in by_service.items() for action in names.split()]
