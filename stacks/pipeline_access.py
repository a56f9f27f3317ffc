"""The access of a repository's pipelines to the account: ``make pipeline-access REPOSITORY=...``.

A stack of its own, deployed once by an administrator (docs/pipelines.md).
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import App, ArnFormat, CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.annotations import acknowledge_own_policy, acknowledge_wide_action, acknowledge_wildcard
from stacks.permissions import actions, allow
from stacks.pipeline.access import Access, from_context
from stacks.pipeline.preview_limits import QUALIFIER, PreviewLimits
from stacks.setting_fields import SettingsError

NAME = "MessagesPipelineAccess"
_AUDIENCE = "sts.amazonaws.com"
# Descriptions and no data: enough for `cdk diff --method template`, `cdk drift`, and `python -m ops
# inventory`, `backups` and `orphans`. The CDK's lookup role may read every item of every table.
# Drift detection reads each resource with the caller's permissions
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html).
_READ_ACTIONS = actions(
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
_READ_REASON = "Descriptions and no data; a watch must find unexpected resources too, under any name."
# Not image-publishing: the stack has no container image.
_PURPOSES = ("deploy", "file-publishing", "lookup")
_DEFAULT_QUALIFIER = "hnb659fds"


@dataclass(frozen=True, kw_only=True)
class Host:
    """How a host of repositories names a job in the subject of its OpenID Connect tokens.

    ``deployment`` is a job of an environment, ``preview`` a job of a pull request's stage, ``any``
    every job, on any branch and for the repository's own pull requests. ``{}`` is the repository,
    and a second one the environment's name.
    """

    issuer: str
    deployment: str
    preview: str
    any: str


HOSTS = {
    # https://docs.github.com/en/actions/reference/security/oidc; a fork's job gets no token.
    "github": Host(
        issuer="token.actions.githubusercontent.com",
        deployment="repo:{}:environment:{}",
        preview="repo:{}:environment:pr",
        any="repo:{}:*",
    ),
    # https://docs.gitlab.com/ci/cloud_services/aws/: the subject has the branch and no environment,
    # so users who may push to main, which GitLab protects, may deploy.
    "gitlab": Host(
        issuer="gitlab.com",
        deployment="project_path:{}:ref_type:branch:ref:main",
        preview="project_path:{}:ref_type:branch:ref:*",
        any="project_path:{}:*",
    ),
}


class PipelineAccess(Stack):
    """Roles for jobs of pipelines: one that reads, one per environment, one for pull requests."""

    def __init__(self, scope: Construct, *, access: Access) -> None:
        super().__init__(scope, NAME, description=f"Permissions of the pipelines of {access.repository}")
        self._jobs = Jobs(self, "Jobs", access=access)
        reader = _reading_role(
            self, "Read", jobs=self._jobs.matching(self._jobs.host.any), description="Reads every stage"
        )
        self._output("ReadRoleArn", reader, "AWS_READ_ROLE_ARN")
        for name in access.environments:
            self._add_deployer(name, access)
        if access.previews:
            self._add_previews()

    def _add_deployer(self, environment: str, access: Access) -> None:
        suffix = "".join(part.capitalize() for part in environment.split("-"))
        role = _reading_role(
            self,
            f"Deploy{suffix}",
            jobs=self._jobs.matching(self._jobs.host.deployment, environment),
            description=f"Deploys from the environment {environment}, through the roles of the CDK",
        )
        role.add_to_policy(_use_of_bootstrap_roles(self, regions=access.regions.get(environment, ())))
        self._output(f"DeployRoleArn{suffix}", role, "AWS_DEPLOY_ROLE_ARN")

    def _add_previews(self) -> None:
        limits = PreviewLimits(self, "PreviewLimits").policy
        role = iam.Role(
            self,
            "Preview",
            description="Deploys and removes the stages of pull requests",
            assumed_by=self._jobs.matching(self._jobs.host.preview),
            # The same policy twice: the role's permissions, and the most that it can ever be given.
            managed_policies=[limits],
            permissions_boundary=limits,
        )
        role.add_to_policy(_use_of_bootstrap_roles(self, QUALIFIER))
        acknowledge_own_policy(role)
        self._output("PreviewRoleArn", role, "AWS_PR_ROLE_ARN")

    def _output(self, name: str, role: iam.Role, variable: str) -> None:
        CfnOutput(self, name, value=role.role_arn, description=f"Value of the pipelines' variable {variable}")


class Jobs(Construct):
    """The jobs of the repository, and the OIDC provider by which the account identifies them."""

    def __init__(self, scope: Construct, id: str, *, access: Access) -> None:
        super().__init__(scope, id)
        self.host = HOSTS[access.host]
        self._repository = access.repository
        if access.existing_provider:
            self._provider_arn = Stack.of(self).format_arn(
                service="iam",
                region="",
                resource="oidc-provider",
                resource_name=self.host.issuer,
                arn_format=ArnFormat.SLASH_RESOURCE_NAME,
            )
        else:
            # Without thumbprints: AWS verifies certificates by its own list of authorities
            # (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html).
            provider = iam.OidcProviderNative(
                self, "Provider", url=f"https://{self.host.issuer}", client_ids=[_AUDIENCE]
            )
            self._provider_arn = provider.oidc_provider_arn

    def matching(self, pattern: str, *environment: str) -> iam.IPrincipal:
        """The jobs whose subject matches a pattern of the host."""
        subject = pattern.format(self._repository, *environment)
        operator = "StringLike" if "*" in subject else "StringEquals"
        conditions = {"StringEquals": {f"{self.host.issuer}:aud": _AUDIENCE}}
        conditions.setdefault(operator, {})[f"{self.host.issuer}:sub"] = subject
        return iam.WebIdentityPrincipal(self._provider_arn, conditions)


def _reading_role(scope: Construct, id: str, *, jobs: iam.IPrincipal, description: str) -> iam.Role:
    """A role for ``jobs`` that may describe every stage in the account and region of the stack."""
    role = iam.Role(scope, id, description=description, assumed_by=jobs)
    role.add_to_policy(allow("*", *_READ_ACTIONS))
    acknowledge_own_policy(role)
    acknowledge_wildcard(role, "*", _READ_REASON)
    for action in _READ_ACTIONS:
        if "*" in action:
            acknowledge_wide_action(role, action, _READ_REASON)
    return role


def _use_of_bootstrap_roles(
    scope: Construct, qualifier: str | None = None, regions: Sequence[str] = ()
) -> iam.PolicyStatement:
    """The permission to assume the roles of ``qualifier`` in the stack's account.

    By default the qualifier of the app's own stages, and the stack's region.
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


def main() -> None:
    """Synthesize; a wrong setting ends in one line and status 1."""
    app = App()
    try:
        access = from_context(app.node.get_all_context())
    except SettingsError as error:
        sys.exit(f"error: {error}")
    PipelineAccess(app, access=access)
    app.synth()


if __name__ == "__main__":
    main()
