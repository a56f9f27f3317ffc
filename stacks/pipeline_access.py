"""The access of a repository's pipelines to the account: ``make pipeline-access REPOSITORY=...``.

A stack of its own, deployed once by an administrator (docs/pipelines.md).
"""

import sys
from dataclasses import dataclass

from aws_cdk import App, ArnFormat, CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.annotations import acknowledge_own_policy
from stacks.pipeline.access import Access, from_context
from stacks.pipeline.job_permissions import reading_role, use_of_bootstrap_roles
from stacks.pipeline.preview_limits import QUALIFIER, PreviewLimits
from stacks.setting_fields import SettingsError

NAME = "MessagesPipelineAccess"
_AUDIENCE = "sts.amazonaws.com"


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
        reader = reading_role(
            self, "Read", jobs=self._jobs.matching(self._jobs.host.any), description="Reads every stage"
        )
        self._output("ReadRoleArn", reader, "AWS_READ_ROLE_ARN")
        for name in access.environments:
            self._add_deployer(name, access)
        if access.previews:
            self._add_previews()

    def _add_deployer(self, environment: str, access: Access) -> None:
        suffix = "".join(part.capitalize() for part in environment.split("-"))
        role = reading_role(
            self,
            f"Deploy{suffix}",
            jobs=self._jobs.matching(self._jobs.host.deployment, environment),
            description=f"Deploys from the environment {environment}, through the roles of the CDK",
        )
        role.add_to_policy(use_of_bootstrap_roles(self, regions=access.regions.get(environment, ())))
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
        role.add_to_policy(use_of_bootstrap_roles(self, QUALIFIER))
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
