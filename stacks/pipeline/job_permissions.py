"""What pipelines may do in the account: read every stage, and assume the roles of `cdk bootstrap`."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.annotations import acknowledge_own_policy, acknowledge_wide_action, acknowledge_wildcard
from stacks.permissions import actions, allow

# Descriptions of everything a stage has, and no data: enough for `cdk diff --method template`,
# `cdk drift`, and `python -m ops inventory`, `backups` and `orphans`. Not through the CDK's lookup
# role, which may read every item of every table. Drift detection reads each resource with the
# caller's permissions
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html).
READ_ACTIONS = actions(
    {
        "application-autoscaling": "Describe*",
        "backup": (
            "Describe* GetBackupPlan GetBackupSelection GetBackupVaultAccessPolicy "
            "GetBackupVaultNotifications GetLegalHold GetRestoreJobMetadata GetRestoreTesting* "
            "List*"
        ),
        "cloudformation": (
            "BatchDescribeTypeConfigurations Describe* DetectStackDrift DetectStackResourceDrift GetTemplate List*"
        ),
        "cloudwatch": "Describe* GetDashboard List*",
        "dynamodb": "Describe* GetResourcePolicy List*",
        "events": "Describe* List*",
        "iam": "GetRole GetRolePolicy ListAttachedRolePolicies ListRolePolicies ListRoles ListRoleTags",
        "kms": "DescribeKey GetKeyPolicy GetKeyRotationStatus List*",
        "lambda": "GetEventSourceMapping GetFunction* GetPolicy GetRuntimeManagementConfig List*",
        "logs": "Describe* GetDataProtectionPolicy List*",
        "sns": "GetDataProtectionPolicy GetSubscriptionAttributes GetTopicAttributes List*",
        "sqs": "GetQueueAttributes GetQueueUrl List*",
        "states": "Describe* List*",
        "tag": "GetResources",
    }
)
_READ_REASON = (
    "Descriptions of what a stage has, and no data; a watch must find unexpected resources too, under any name."
)
# Not image-publishing: the stack has no container image.
_PURPOSES = ("deploy", "file-publishing", "lookup")
_DEFAULT_QUALIFIER = "hnb659fds"


def reading_role(scope: Construct, id: str, *, jobs: iam.IPrincipal, description: str) -> iam.Role:
    """A role for ``jobs`` that may describe every stage in the account and region of the stack."""
    role = iam.Role(scope, id, description=description, assumed_by=jobs)
    role.add_to_policy(allow("*", *READ_ACTIONS))
    acknowledge_own_policy(role)
    acknowledge_wildcard(role, "*", _READ_REASON)
    for action in READ_ACTIONS:
        if "*" in action:
            acknowledge_wide_action(role, action, _READ_REASON)
    return role


def use_of_bootstrap_roles(
    scope: Construct, qualifier: str | None = None, regions: Sequence[str] = ()
) -> iam.PolicyStatement:
    """The permission to assume the roles of ``qualifier`` in the stack's account.

    Without a qualifier, those that the app's own stages use; without ``regions``, those of the
    stack's region.
    """
    qualifier = qualifier or scope.node.try_get_context("@aws-cdk/core:bootstrapQualifier") or _DEFAULT_QUALIFIER
    stack = Stack.of(scope)
    names = [
        f"cdk-{qualifier}-{purpose}-role-{stack.account}-{region}"
        for region in regions or [stack.region]
        for purpose in _PURPOSES
    ]
    return allow(
        [stack.format_arn(service="iam", region="", resource="role", resource_name=name) for name in names],
        "sts:AssumeRole",
    )
