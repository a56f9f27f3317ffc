"""The access of a repository's pipelines to the account: ``make pipeline-access REPOSITORY=...``.

A stack of its own, deployed once by an administrator (docs/pipelines.md).
"""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from model.names import PREFIX, STAGE
from stacks.annotations import acknowledge_own_policy
from stacks.grants import Allow, actions, arn, permit
from stacks.pipeline.preview_limits import QUALIFIER, PreviewLimits
from stacks.setting_fields import SettingsError
from stacks.settings import OTHER_KEYS, is_plain, settings_from_context

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
            "Describe* GetBackupPlan GetBackupSelection GetBackupVaultAccessPolicy GetBackupVaultNotifications "
            "GetLegalHold GetRestoreJobMetadata GetRestoreTesting* List*"
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
_KEYS = ("repository", "host", "environments", "existing_provider", "previews")


@dataclass(frozen=True, kw_only=True)
class Host:
    """How a host of repositories names a job in the subject of its OpenID Connect tokens.

    ``plan`` is a job of main, ``deployment`` a job of an environment, ``preview`` a job of a pull request's stage,
    ``any`` every job, on any branch and for the repository's own pull requests. ``{}`` is the repository, and a
    second one the environment's name.
    """

    repository: re.Pattern[str]
    issuer: str
    plan: str
    deployment: str
    preview: str
    any: str


HOSTS = {
    # https://docs.github.com/en/actions/reference/security/oidc; a fork's job gets no token. Since July
    # 2026 a new repository's subject carries its ids too, owner@123/name@456.
    "github": Host(
        repository=re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})(?:@[0-9]+)?/[A-Za-z0-9._-]{1,100}(?:@[0-9]+)?"),
        issuer="token.actions.githubusercontent.com",
        plan="repo:{}:ref:refs/heads/main",
        deployment="repo:{}:environment:{}",
        preview="repo:{}:environment:pr",
        any="repo:{}:*",
    ),
    # https://docs.gitlab.com/ci/cloud_services/aws/: the subject has the branch and no environment,
    # so users who may push to main, which GitLab protects, may deploy.
    "gitlab": Host(
        repository=re.compile(r"[A-Za-z0-9_.-]{1,255}(?:/[A-Za-z0-9_.-]{1,255}){1,20}"),
        issuer="gitlab.com",
        plan="project_path:{}:ref_type:branch:ref:main",
        deployment="project_path:{}:ref_type:branch:ref:main",
        preview="project_path:{}:ref_type:branch:ref:*",
        any="project_path:{}:*",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Access:
    """Which repository's pipelines get access.

    Each of ``environments`` deploys with its own role. ``existing_provider``: the account has the
    host's OIDC provider, of which there can be only one. ``previews``: add a role for the stacks of
    pull requests. ``regions``: of each environment's stage; default: the region of the access.
    """

    repository: str
    host: str = "github"
    environments: tuple[str, ...] = ("prod",)
    existing_provider: bool = False
    previews: bool = True
    regions: Mapping[str, Sequence[str]] = field(default_factory=dict)


def from_context(context: Mapping[str, Any]) -> Access:
    """The access that the context describes. Raises SettingsError."""
    given = {key: str(value) for key, value in context.items() if is_plain(key) and key not in OTHER_KEYS}
    for key in given:
        if key not in _KEYS:
            raise SettingsError(f"unknown setting {key!r} after -c; known are {', '.join(_KEYS)}")
    host, repository = given.get("host", "github"), given.get("repository", "")
    if host not in HOSTS:
        raise SettingsError(f"host is {host!r}; must be github or gitlab: -c host=gitlab")
    if not HOSTS[host].repository.fullmatch(repository):
        raise SettingsError(
            f"repository is {repository!r}; must be OWNER/NAME as the host spells it, with ids where its tokens "
            "have them (OWNER@1/NAME@2): make pipeline-access REPOSITORY=OWNER/NAME"
        )
    text = given.get("environments", "prod")
    environments = tuple(name.strip() for name in text.split(","))
    if not all(map(STAGE.fullmatch, environments)) or len({*environments, "pr"}) <= len(environments):
        raise SettingsError(
            f"environments is {text!r}; must be names of {STAGE.pattern}, separated "
            "by commas, each once, and not pr: -c environments=prod,staging"
        )
    switches = {"existing_provider": False, "previews": True}
    for key in switches.keys() & given.keys():
        if given[key].lower() not in ("true", "false"):
            raise SettingsError(f"{key} is {given[key]!r}; must be true or false: -c {key}=true")
        switches[key] = given[key].lower() == "true"
    regions = {name: _regions(context.get("stages", {}), name) for name in environments}
    return Access(repository=repository, host=host, environments=environments, regions=regions, **switches)


def _regions(stages: Any, stage: str) -> tuple[str, ...]:
    """The regions in which ``stage`` has stacks according to cdk.json; replicas are not stacks."""
    settings = settings_from_context({"stages": stages, "stage": stage})
    return tuple(filter(None, (settings.region, settings.copy_region)))


class PipelineAccess(Stack):
    """Roles for jobs of pipelines: one that reads, one that plans, one per environment, one for pull requests."""

    def __init__(self, scope: Construct, *, access: Access) -> None:
        super().__init__(scope, NAME, description=f"Permissions of the pipelines of {access.repository}")
        self._access, host = access, HOSTS[access.host]
        if access.existing_provider:
            self._provider = arn(self, "iam", f"oidc-provider/{host.issuer}", region="")
        else:
            # Without thumbprints: AWS verifies certificates by its own list of authorities
            # (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html).
            url = f"https://{host.issuer}"
            provider = iam.OidcProviderNative(Construct(self, "Jobs"), "Provider", url=url, client_ids=[_AUDIENCE])
            self._provider = provider.oidc_provider_arn
        reader = self._reading_role("Read", jobs=self._jobs(host.any), description="Reads every stage")
        self._output("ReadRoleArn", reader, "AWS_READ_ROLE_ARN")
        regions = sorted({one for name in access.environments for one in access.regions.get(name, ())})
        planner = self._reading_role("Plan", jobs=self._jobs(host.plan), description="Makes change sets of every stage")
        permit(planner, self._use_of_bootstrap_roles(regions=regions, purposes=("file-publishing", "lookup")))
        permit(planner, *self._making_of_change_sets(regions))
        self._output("PlanRoleArn", planner, "AWS_PLAN_ROLE_ARN")
        for name in access.environments:
            suffix = "".join(part.capitalize() for part in name.split("-"))
            role = self._reading_role(
                f"Deploy{suffix}",
                jobs=self._jobs(host.deployment, name),
                description=f"Deploys from the environment {name}, through the roles of the CDK",
            )
            permit(role, self._use_of_bootstrap_roles(regions=access.regions.get(name, ())))
            self._output(f"DeployRoleArn{suffix}", role, "AWS_DEPLOY_ROLE_ARN")
        if access.previews:
            limits = PreviewLimits(self, "PreviewLimits").policy
            role = iam.Role(
                self,
                "Preview",
                description="Deploys and removes the stages of pull requests",
                assumed_by=self._jobs(host.preview),
                # The same policy twice: the role's permissions, and the most that it can ever be given.
                managed_policies=[limits],
                permissions_boundary=limits,
            )
            permit(role, self._use_of_bootstrap_roles(QUALIFIER))
            acknowledge_own_policy(role)
            self._output("PreviewRoleArn", role, "AWS_PR_ROLE_ARN")

    def _output(self, name: str, role: iam.Role, variable: str) -> None:
        CfnOutput(self, name, value=role.role_arn, description=f"Value of the pipelines' variable {variable}")

    def _jobs(self, pattern: str, *environment: str) -> iam.IPrincipal:
        """The jobs whose subject matches a pattern of the host."""
        issuer = HOSTS[self._access.host].issuer
        subject = pattern.format(self._access.repository, *environment)
        conditions = {"StringEquals": {f"{issuer}:aud": _AUDIENCE}}
        conditions.setdefault("StringLike" if "*" in subject else "StringEquals", {})[f"{issuer}:sub"] = subject
        return iam.WebIdentityPrincipal(self._provider, conditions)

    def _reading_role(self, id: str, *, jobs: iam.IPrincipal, description: str) -> iam.Role:
        """A role for ``jobs`` that may describe every stage in the account and region of the stack."""
        role = iam.Role(self, id, description=description, assumed_by=jobs)
        permit(role, Allow("*", *_READ_ACTIONS, because=_READ_REASON))
        acknowledge_own_policy(role)
        return role

    def _making_of_change_sets(self, regions: Sequence[str]) -> Sequence[Allow]:
        """The permissions to make and delete change sets, which CloudFormation's own role would execute.

        Not through the CDK's deploy role, which may execute them too: the CLI goes on with the job's own role. What
        CreateChangeSet reads, template and version, is that of the deploy role in the CDK's bootstrap template.
        """
        where = regions or [self.region]
        stacks = [arn(self, "cloudformation", f"stack/{PREFIX}*/*", region=region) for region in where]
        versions = [arn(self, "ssm", f"parameter/cdk-bootstrap/{self._qualifier()}/version", region=r) for r in where]
        bucket = f"arn:{self.partition}:s3:::cdk-{self._qualifier()}-assets-{self.account}"
        return (
            Allow(
                stacks,
                *("cloudformation:CreateChangeSet", "cloudformation:DeleteChangeSet"),
                because="The repository's stacks; the end of the ARN is CloudFormation's own.",
            ),
            Allow(
                self._bootstrap_roles("", regions, ("cfn-exec",)),
                "iam:PassRole",
                StringEquals={"iam:PassedToService": "cloudformation.amazonaws.com"},
            ),
            Allow(versions, "ssm:GetParameter", "ssm:GetParameters"),
            Allow(
                [f"{bucket}-{one}/*" for one in where], "s3:GetObject", because="The CDK's templates, by their hashes."
            ),
        )

    def _use_of_bootstrap_roles(
        self, qualifier: str = "", regions: Sequence[str] = (), purposes: Sequence[str] = _PURPOSES
    ) -> Allow:
        """The permission to assume the roles of ``qualifier`` in the stack's account."""
        return Allow(self._bootstrap_roles(qualifier, regions, purposes), "sts:AssumeRole")

    def _bootstrap_roles(self, qualifier: str, regions: Sequence[str], purposes: Sequence[str]) -> list[str]:
        """Their ARNs; by default of the qualifier of the app's own stages, in the stack's region."""
        return [
            arn(
                self,
                "iam",
                f"role/cdk-{qualifier or self._qualifier()}-{purpose}-role-{self.account}-{region}",
                region="",
            )
            for region in regions or [self.region]
            for purpose in purposes
        ]

    def _qualifier(self) -> str:
        return self.node.try_get_context("@aws-cdk/core:bootstrapQualifier") or _DEFAULT_QUALIFIER


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
