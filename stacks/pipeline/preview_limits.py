"""The most that anything of a pull request's stage may do."""

from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from model.names import PREVIEW_LIMITS, ROLE_PATH, STACK_TAG
from stacks.findings import WHOLE_SERVICES, acknowledge, acknowledge_wide_action, acknowledge_wildcard

STACKS = "Messages-pr-*"
QUALIFIER = "messagespr"
NAME = PREVIEW_LIMITS
# Of services whose resources bear the stack's name: anything, on those.
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
_DESCRIBING = (
    "application-autoscaling:Describe*",
    "backup:Describe*",
    "backup:Get*",
    "backup:List*",
    "cloudformation:Describe*",
    "cloudformation:List*",
    "cloudwatch:Describe*",
    "dynamodb:Describe*",
    "dynamodb:List*",
    "iam:Get*",
    "iam:List*",
    "kms:Describe*",
    "kms:List*",
    "lambda:List*",
    "logs:Describe*",
    "logs:ListTagsForResource",
    "tag:GetResources",
)
_ROLE_ACTIONS = (
    "iam:DeleteRole",
    "iam:PassRole",
    "iam:TagRole",
    "iam:UntagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRole",
    "iam:UpdateRoleDescription",
)
_BOUNDED_ROLE_ACTIONS = (
    "iam:AttachRolePolicy",
    "iam:CreateRole",
    "iam:DeleteRolePolicy",
    "iam:DetachRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
)
_MAPPINGS = (
    "lambda:CreateEventSourceMapping",
    "lambda:DeleteEventSourceMapping",
    "lambda:GetEventSourceMapping",
    "lambda:UpdateEventSourceMapping",
)
_KEY_OF_BACKUP = ("kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey", "kms:RetireGrant")
# By tag, because AWS makes up the names: plans and recovery points; keys.
_BY_TAG = ("backup:*", "kms:*")
_CREATED_WITH_TAG = ("backup:CreateBackupPlan", "kms:CreateKey")
# Needed too, by whoever creates with tags; what is being created has no tags of its own yet.
_TAGGED_ON_CREATION = ("backup:TagResource", "kms:TagResource")
# Vaults are made in the store behind AWS Backup, which has no resources
# (https://docs.aws.amazon.com/aws-backup/latest/devguide/access-control.html).
_VAULT_STORE = "backup-storage:MountCapsule"
_SCOPE = "The name or the tag of a pull request's stage; what comes after it is CloudFormation's."
_NO_RESOURCE = "Lists and descriptions, tags of the request, and calls that know no resources."


class PreviewLimits(Construct):
    """A policy that is the permissions boundary of four kinds of roles.

    That of the pull request's job, those of the CDK that deploy for it, the one
    CloudFormation works as, and those that its template makes: so no template,
    whoever wrote it, reaches another stage, not even through a role it makes.
    """

    def __init__(self, scope: Construct, id: str) -> None:
        super().__init__(scope, id)
        self._stack = Stack.of(self)
        own = self._arn("iam", f"policy/{NAME}", region="")
        self.policy = iam.ManagedPolicy(
            self,
            "Policy",
            managed_policy_name=NAME,
            description=f"The most that stages {STACKS} and what deploys them may do",
            statements=[
                *self._by_name(),
                *self._roles(own),
                *self._by_tag(),
                *self._bootstrap(),
                *self._mappings(),
                self._key_of_backup(),
                _allow(["*"], *_DESCRIBING, _VAULT_STORE),
            ],
        )
        self._acknowledge()

    def _by_name(self) -> list[iam.PolicyStatement]:
        actions = [f"{service}:*" for service in sorted(_BY_NAME)]
        resources = [
            self._arn(service, pattern.format(STACKS))
            for service, patterns in sorted(_BY_NAME.items())
            for pattern in patterns
        ]
        # A dashboard has no region.
        resources.append(self._arn("cloudwatch", f"dashboard/{STACKS}", region=""))
        return [_allow(resources, *actions)]

    def _roles(self, boundary: str) -> list[iam.PolicyStatement]:
        """Roles of the stage, as long as they are under this very boundary."""
        roles = [self._arn("iam", f"role{path}{STACKS}", region="") for path in ("/", ROLE_PATH)]
        return [
            _allow(roles, *_ROLE_ACTIONS),
            _allow(roles, *_BOUNDED_ROLE_ACTIONS, StringEquals={"iam:PermissionsBoundary": boundary}),
            _allow(["*"], "iam:CreateServiceLinkedRole", StringEquals={"iam:AWSServiceName": ["backup.amazonaws.com"]}),
        ]

    def _by_tag(self) -> list[iam.PolicyStatement]:
        """What has the tag of a stage, and what gets it as it is created.

        Something of another team may have no such tag either, and would be a stage's by the tag.
        So only CloudFormation may give it, which does so to what a template creates.
        """
        tagged, tagging = f"aws:ResourceTag/{STACK_TAG}", f"aws:RequestTag/{STACK_TAG}"
        creating = {"aws:PrincipalArn": self._bootstrap_role("cfn-exec")}
        return [
            _allow(["*"], *_BY_TAG, StringLike={tagged: STACKS}),
            _allow(["*"], *_CREATED_WITH_TAG, StringLike={tagging: STACKS}),
            _allow(["*"], *_TAGGED_ON_CREATION, StringLike={tagging: STACKS}, Null={tagged: "true"}, ArnLike=creating),
            _allow([self._arn("kms", f"alias/{STACKS}")], "kms:CreateAlias", "kms:DeleteAlias"),
        ]

    def _bootstrap(self) -> list[iam.PolicyStatement]:
        """The CDK's own roles, bucket and parameter, bootstrapped for pull requests alone."""
        where = f"{self._stack.account}-{self._stack.region}"
        bucket = f"arn:{self._stack.partition}:s3:::cdk-{QUALIFIER}-assets-{where}"
        parameter = self._arn("ssm", f"parameter/cdk-bootstrap/{QUALIFIER}/*")
        return [
            _allow([self._bootstrap_role("*")], "iam:PassRole", "sts:AssumeRole"),
            _allow([bucket, f"{bucket}/*"], "s3:*"),
            _allow([parameter], "ssm:GetParameter", "ssm:GetParameters"),
        ]

    def _bootstrap_role(self, use: str) -> str:
        where = f"{self._stack.account}-{self._stack.region}"
        return self._arn("iam", f"role/cdk-{QUALIFIER}-{use}-role-{where}", region="")

    def _mappings(self) -> list[iam.PolicyStatement]:
        """What calls the stage's functions; its name is an id, its tags come with its creation."""
        function = self._arn("lambda", f"function:{STACKS}")
        mappings = self._arn("lambda", "event-source-mapping:*")
        return [
            _allow(["*"], *_MAPPINGS, ArnLike={"lambda:FunctionArn": function}),
            _allow([mappings], "lambda:TagResource", "lambda:UntagResource"),
        ]

    def _key_of_backup(self) -> iam.PolicyStatement:
        """The key that AWS keeps for vaults without one of their own, through AWS Backup only."""
        keys = self._arn("kms", "key/*")
        via = f"backup.{self._stack.region}.amazonaws.com"
        return _allow([keys], *_KEY_OF_BACKUP, StringEquals={"kms:ViaService": via})

    def _arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        stack = self._stack
        where = stack.region if region is None else region
        return f"arn:{stack.partition}:{service}:{where}:{stack.account}:{resource}"

    def _acknowledge(self) -> None:
        acknowledge(
            self.policy,
            WHOLE_SERVICES,
            "It bounds what others are given, on stages of pull requests alone: by name, tag or "
            "this very boundary; there CloudFormation needs all that a template may ask for.",
        )
        document = self._stack.resolve(self.policy.document)
        for statement in document["Statement"]:
            for resource in filter(_is_wide, _listed(statement["Resource"])):
                reason = _NO_RESOURCE if resource == "*" else _SCOPE
                acknowledge_wildcard(self.policy, resource, reason)
            for action in filter(_is_wide, _listed(statement["Action"])):
                acknowledge_wide_action(self.policy, action, _SCOPE)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_wide(value: Any) -> bool:
    return "*" in str(value)


def _allow(resources: list[str], *actions: str, **conditions: object) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=resources, conditions=conditions)
