"""The permissions boundary of pull requests' stages: the most that any of their roles may do."""

from fnmatch import fnmatchcase
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from model.names import PREVIEW_LIMITS, ROLE_PATH, STACK_TAG
from stacks.annotations import WHOLE_SERVICES, acknowledge
from stacks.grants import Allow, accept_wildcards, actions, arn
from stacks.stage_key import stack_suffix

STACKS = "Messages-pr-*"
QUALIFIER = "messagespr"
# Services whose resources bear the stack's name: every action, on those.
_BY_NAME = {
    "backup": ("backup-vault:{}",),
    "cloudformation": ("stack/{}/*",),
    "cloudwatch": ("alarm:{}",),
    "dynamodb": ("table/{}",),
    "events": ("rule/{}",),
    "lambda": ("function:{}",),
    "logs": ("log-group:/aws/lambda/{}", "log-group:{}"),
    "sns": ("{}",),
    "sqs": ("{}",),
    "states": ("stateMachine:{}", "execution:{}", "mapRun:{}"),
}
_DESCRIBING = actions(
    {
        "application-autoscaling": "Describe*",
        "backup": "Describe* Get* List*",
        "cloudformation": "Describe* List*",
        "cloudwatch": "Describe*",
        "dynamodb": "Describe* List*",
        "iam": "Get* List*",
        "kms": "Describe* List*",
        "lambda": "List*",
        "logs": "Describe* ListTagsForResource",
        "tag": "GetResources",
    }
)
_ON_ROLES = "DeleteRole PassRole TagRole UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription"
_ON_BOUNDED = "AttachRolePolicy CreateRole DeleteRolePolicy DetachRolePolicy PutRolePermissionsBoundary PutRolePolicy"
_MAPPINGS = [f"lambda:{verb}EventSourceMapping" for verb in ("Create", "Delete", "Get", "Update")]
_KEY_OF_BACKUP = ("kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey", "kms:RetireGrant")
_REASON = "Stages of pull requests by name or tag; lists, descriptions, and actions that do not support resources."


class PreviewLimits(Construct):
    """A policy that is the permissions boundary of four kinds of roles.

    The role of the pull request's job, those of the CDK that deploy for it, CloudFormation's
    execution role, and those in its template: so no template reaches another stage.
    """

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        statements = [
            *self._by_name(),
            *self._by_tag(),
            *self._bootstrap(),
            # Event source mappings have ids for names; their tags are set on creation.
            self._allow("*", *_MAPPINGS, ArnLike={"lambda:FunctionArn": arn(self, "lambda", f"function:{STACKS}")}),
            self._allow(arn(self, "lambda", "event-source-mapping:*"), "lambda:TagResource", "lambda:UntagResource"),
            # The AWS managed key of vaults that have no other key, through AWS Backup only.
            self._allow(
                arn(self, "kms", "key/*"),
                *_KEY_OF_BACKUP,
                StringEquals={"kms:ViaService": f"backup.{Stack.of(self).region}.amazonaws.com"},
            ),
            # Vaults are created in the store behind AWS Backup, which does not support resources
            # (https://docs.aws.amazon.com/aws-backup/latest/devguide/access-control.html).
            self._allow("*", *_DESCRIBING, "backup-storage:MountCapsule"),
        ]
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            managed_policy_name=PREVIEW_LIMITS,
            description=f"Limits stages {STACKS} and the roles that deploy them",
            statements=statements,
        )
        reason = "It is a permissions boundary: CloudFormation needs every action that a template may need."
        acknowledge(self.policy, WHOLE_SERVICES, reason)
        accept_wildcards(self.policy, statements)

    def _allow(self, resources: str | list[str], *allowed: str, **conditions: Any) -> Allow:
        return Allow(resources, *allowed, because=_REASON, **conditions)

    def _by_name(self) -> list[Allow]:
        named = [
            arn(self, service, pattern.format(STACKS)) for service, patterns in _BY_NAME.items() for pattern in patterns
        ]
        # A dashboard has no region.
        named.append(arn(self, "cloudwatch", f"dashboard/{STACKS}", region=""))
        # Roles of the stage, as long as they are under this very boundary.
        roles = [arn(self, "iam", f"role{path}{STACKS}", region="") for path in ("/", ROLE_PATH)]
        boundary = {"iam:PermissionsBoundary": arn(self, "iam", f"policy/{PREVIEW_LIMITS}", region="")}
        service_linked = {"iam:AWSServiceName": ["backup.amazonaws.com"]}
        return [
            self._allow(named, *(f"{service}:*" for service in _BY_NAME)),
            self._allow(roles, *actions({"iam": _ON_ROLES})),
            self._allow(roles, *actions({"iam": _ON_BOUNDED}), StringEquals=boundary),
            self._allow("*", "iam:CreateServiceLinkedRole", StringEquals=service_linked),
        ]

    def _by_tag(self) -> list[Allow]:
        """What has the tag of a stage, and what gets it as it is created: AWS generates the names of these.

        Only CloudFormation may add it, to what a template creates: with it another team's resource would be a stage's.
        """
        tagged, tagging = {f"aws:ResourceTag/{STACK_TAG}": STACKS}, {f"aws:RequestTag/{STACK_TAG}": STACKS}
        untagged = {f"aws:ResourceTag/{STACK_TAG}": "true"}
        creating = {"aws:PrincipalArn": self._bootstrap_role("cfn-exec")}
        adding = ("backup:TagResource", "kms:TagResource")
        return [
            self._allow("*", "backup:*", "kms:*", StringLike=tagged),
            self._allow("*", "backup:CreateBackupPlan", "kms:CreateKey", StringLike=tagging),
            # Needed too to create with tags; what is being created has no tags of its own yet.
            self._allow("*", *adding, StringLike=tagging, Null=untagged, ArnLike=creating),
            self._allow(arn(self, "kms", f"alias/{STACKS}"), "kms:CreateAlias", "kms:DeleteAlias"),
        ]

    def _bootstrap(self) -> list[Allow]:
        """The CDK's own roles, bucket and parameter, bootstrapped for pull requests alone."""
        stack = Stack.of(self)
        bucket = f"arn:{stack.partition}:s3:::cdk-{QUALIFIER}-assets-{stack.account}-{stack.region}"
        parameter = arn(self, "ssm", f"parameter/cdk-bootstrap/{QUALIFIER}/*")
        return [
            self._allow(self._bootstrap_role("*"), "iam:PassRole", "sts:AssumeRole"),
            self._allow([bucket, f"{bucket}/*"], "s3:*"),
            self._allow(parameter, "ssm:GetParameter", "ssm:GetParameters"),
        ]

    def _bootstrap_role(self, use: str) -> str:
        stack = Stack.of(self)
        return arn(self, "iam", f"role/cdk-{QUALIFIER}-{use}-role-{stack.account}-{stack.region}", region="")


def state_machine_name(scope: Construct, purpose: str) -> str | None:
    """The name of a state machine in the stack of a pull request; otherwise None.

    CloudFormation's own name lacks the stack's (aws/aws-sam-cli#2022), by which the limits tell
    stages apart. Other stages keep that name: another machine would be a changed property of the
    dataset, which would be loaded again, with the messages that were deleted since.
    """
    stack = Stack.of(scope)
    if not fnmatchcase(stack.stack_name, STACKS):
        return None
    return f"{stack.stack_name}-{purpose}-{stack_suffix(scope)}"
