"""The permissions boundary of pull requests' stages: the most that any of their roles may do."""

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from model.names import PREVIEW_LIMITS, ROLE_PATH, STACK_TAG
from stacks.annotations import WHOLE_SERVICES, acknowledge, acknowledge_wide_action, acknowledge_wildcard
from stacks.permissions import actions, allow

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
_ROLE_ACTIONS = actions(
    {"iam": "DeleteRole PassRole TagRole UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription"}
)
_BOUNDED_ROLE_ACTIONS = actions(
    {"iam": "AttachRolePolicy CreateRole DeleteRolePolicy DetachRolePolicy PutRolePermissionsBoundary PutRolePolicy"}
)
_MAPPINGS = [f"lambda:{verb}EventSourceMapping" for verb in ("Create", "Delete", "Get", "Update")]
_KEY_OF_BACKUP = ("kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey", "kms:RetireGrant")
# By tag, because AWS generates the names of plans, recovery points and keys.
_BY_TAG = ("backup:*", "kms:*")
_CREATED_WITH_TAG = ("backup:CreateBackupPlan", "kms:CreateKey")
# Needed too to create with tags; what is being created has no tags of its own yet.
_TAGGED_ON_CREATION = ("backup:TagResource", "kms:TagResource")
# Vaults are created in the store behind AWS Backup, which does not support resources
# (https://docs.aws.amazon.com/aws-backup/latest/devguide/access-control.html).
_VAULT_STORE = "backup-storage:MountCapsule"
_SCOPE = "The name or the tag of a pull request's stage; CloudFormation generates the rest."
_NO_RESOURCE = "Lists and descriptions, tags in the request, and actions that do not support resources."


class PreviewLimits(Construct):
    """A policy that is the permissions boundary of four kinds of roles.

    The role of the pull request's job, those of the CDK that deploy for it, CloudFormation's
    execution role, and those in its template: so no template reaches another stage.
    """

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self._stack = Stack.of(self)
        own = self._arn("iam", f"policy/{PREVIEW_LIMITS}", region="")
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            managed_policy_name=PREVIEW_LIMITS,
            description=f"The most that stages {STACKS} and what deploys them may do",
            statements=[
                *self._by_name(),
                *self._roles(own),
                *self._by_tag(),
                *self._bootstrap(),
                *self._mappings(),
                self._key_of_backup(),
                allow(["*"], *_DESCRIBING, _VAULT_STORE),
            ],
        )
        self._acknowledge()

    def _by_name(self) -> list[iam.PolicyStatement]:
        resources = [
            self._arn(service, pattern.format(STACKS))
            for service, patterns in sorted(_BY_NAME.items())
            for pattern in patterns
        ]
        # A dashboard has no region.
        resources.append(self._arn("cloudwatch", f"dashboard/{STACKS}", region=""))
        return [allow(resources, *(f"{service}:*" for service in sorted(_BY_NAME)))]

    def _roles(self, boundary: str) -> list[iam.PolicyStatement]:
        """Roles of the stage, as long as they are under this very boundary."""
        roles = [self._arn("iam", f"role{path}{STACKS}", region="") for path in ("/", ROLE_PATH)]
        return [
            allow(roles, *_ROLE_ACTIONS),
            allow(roles, *_BOUNDED_ROLE_ACTIONS, StringEquals={"iam:PermissionsBoundary": boundary}),
            allow(["*"], "iam:CreateServiceLinkedRole", StringEquals={"iam:AWSServiceName": ["backup.amazonaws.com"]}),
        ]

    def _by_tag(self) -> list[iam.PolicyStatement]:
        """What has the tag of a stage, and what gets it as it is created.

        Only CloudFormation may add it, to what a template creates: with it another team's resource would be a stage's.
        """
        tagged, tagging = f"aws:ResourceTag/{STACK_TAG}", f"aws:RequestTag/{STACK_TAG}"
        creating = {"aws:PrincipalArn": self._bootstrap_role("cfn-exec")}
        return [
            allow(["*"], *_BY_TAG, StringLike={tagged: STACKS}),
            allow(["*"], *_CREATED_WITH_TAG, StringLike={tagging: STACKS}),
            allow(["*"], *_TAGGED_ON_CREATION, StringLike={tagging: STACKS}, Null={tagged: "true"}, ArnLike=creating),
            allow([self._arn("kms", f"alias/{STACKS}")], "kms:CreateAlias", "kms:DeleteAlias"),
        ]

    def _bootstrap(self) -> list[iam.PolicyStatement]:
        """The CDK's own roles, bucket and parameter, bootstrapped for pull requests alone."""
        stack = self._stack
        bucket = f"arn:{stack.partition}:s3:::cdk-{QUALIFIER}-assets-{stack.account}-{stack.region}"
        parameter = self._arn("ssm", f"parameter/cdk-bootstrap/{QUALIFIER}/*")
        return [
            allow([self._bootstrap_role("*")], "iam:PassRole", "sts:AssumeRole"),
            allow([bucket, f"{bucket}/*"], "s3:*"),
            allow([parameter], "ssm:GetParameter", "ssm:GetParameters"),
        ]

    def _bootstrap_role(self, use: str) -> str:
        where = f"{self._stack.account}-{self._stack.region}"
        return self._arn("iam", f"role/cdk-{QUALIFIER}-{use}-role-{where}", region="")

    def _mappings(self) -> list[iam.PolicyStatement]:
        """Event source mappings of the stage's functions, which have ids for names; tags are set on creation."""
        function = self._arn("lambda", f"function:{STACKS}")
        mappings = self._arn("lambda", "event-source-mapping:*")
        return [
            allow(["*"], *_MAPPINGS, ArnLike={"lambda:FunctionArn": function}),
            allow([mappings], "lambda:TagResource", "lambda:UntagResource"),
        ]

    def _key_of_backup(self) -> iam.PolicyStatement:
        """The AWS managed key of vaults that have no other key, through AWS Backup only."""
        keys = self._arn("kms", "key/*")
        via = f"backup.{self._stack.region}.amazonaws.com"
        return allow([keys], *_KEY_OF_BACKUP, StringEquals={"kms:ViaService": via})

    def _arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        stack = self._stack
        where = stack.region if region is None else region
        return f"arn:{stack.partition}:{service}:{where}:{stack.account}:{resource}"

    def _acknowledge(self) -> None:
        acknowledge(
            self.policy,
            WHOLE_SERVICES,
            "It is a permissions boundary for stages of pull requests, on which CloudFormation needs every "
            "action that a template may need.",
        )
        document = self._stack.resolve(self.policy.document)
        for statement in document["Statement"]:
            for resource in _wide(statement["Resource"]):
                acknowledge_wildcard(self.policy, resource, _NO_RESOURCE if resource == "*" else _SCOPE)
            for action in _wide(statement["Action"]):
                acknowledge_wide_action(self.policy, action, _SCOPE)


def _wide(value: Any) -> list[Any]:
    """Those with a wildcard, of a list or of a single value."""
    return [each for each in (value if isinstance(value, list) else [value]) if "*" in str(each)]
