"""What a pipeline may look at: descriptions of everything a stage has, and no data.

Enough for `cdk diff --method template`, `cdk drift`, and `python -m ops inventory`, `backups` and
`orphans`. Not through the CDK's lookup role: that may read every item of every table.
"""

from aws_cdk import aws_iam as iam

# Drift detection reads each resource with the caller's permissions
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html).
_ACTIONS = (
    "application-autoscaling:Describe*",
    "backup:Describe*",
    "backup:GetBackupPlan",
    "backup:GetBackupSelection",
    "backup:GetBackupVaultAccessPolicy",
    "backup:GetBackupVaultNotifications",
    "backup:GetLegalHold",
    "backup:GetRestoreJobMetadata",
    "backup:GetRestoreTesting*",
    "backup:List*",
    "cloudformation:BatchDescribeTypeConfigurations",
    "cloudformation:Describe*",
    "cloudformation:DetectStackDrift",
    "cloudformation:DetectStackResourceDrift",
    "cloudformation:GetTemplate",
    "cloudformation:List*",
    "cloudwatch:Describe*",
    "cloudwatch:GetDashboard",
    "cloudwatch:List*",
    "dynamodb:Describe*",
    "dynamodb:GetResourcePolicy",
    "dynamodb:List*",
    "events:Describe*",
    "events:List*",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:ListRoles",
    "iam:ListRoleTags",
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:List*",
    "lambda:GetEventSourceMapping",
    "lambda:GetFunction*",
    "lambda:GetPolicy",
    "lambda:GetRuntimeManagementConfig",
    "lambda:List*",
    "logs:Describe*",
    "logs:GetDataProtectionPolicy",
    "logs:List*",
    "sns:GetDataProtectionPolicy",
    "sns:GetSubscriptionAttributes",
    "sns:GetTopicAttributes",
    "sns:List*",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:List*",
    "states:Describe*",
    "states:List*",
    "tag:GetResources",
)
WIDE = tuple(action for action in _ACTIONS if "*" in action)
REASON = "Descriptions of what a stage has, and no data; a watch must also find what nobody expects, under any name."


def reading() -> iam.PolicyStatement:
    """The permission to describe, in the account and region of the stack."""
    return iam.PolicyStatement(actions=list(_ACTIONS), resources=["*"])
