"""Hosts of repositories whose word on a job's identity the account takes (OpenID Connect)."""

from dataclasses import dataclass

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

AUDIENCE = "sts.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class Host:
    """How a host names a job in its tokens' subject; ``{}`` is the repository.

    ``deployment`` also has the environment's name, ``preview`` is a job of a
    pull request's stage, ``any`` every job.
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
    # https://docs.gitlab.com/ci/cloud_services/aws/: the subject has the branch and no
    # environment, so who may push to main, which GitLab protects, may deploy.
    "gitlab": Host(
        issuer="gitlab.com",
        deployment="project_path:{}:ref_type:branch:ref:main",
        preview="project_path:{}:ref_type:branch:ref:*",
        any="project_path:{}:*",
    ),
}


class Identities(Construct):
    """The account's provider for ``host``, new or ``existing``, and jobs of ``repository``."""

    def __init__(self, scope: Construct, id: str, *, host: Host, repository: str, existing: bool) -> None:
        super().__init__(scope, id)
        self._host, self._repository = host, repository
        self._provider_arn = self._existing_arn() if existing else self._add_provider()

    def deployment(self, environment: str) -> iam.IPrincipal:
        """The jobs that deploy to ``environment``, which the host's own rules protect."""
        return self._principal(self._host.deployment.format(self._repository, environment))

    def preview(self) -> iam.IPrincipal:
        """The jobs of pull requests' stages."""
        return self._principal(self._host.preview.format(self._repository))

    def any(self) -> iam.IPrincipal:
        """Every job of the repository, on any branch and for its own pull requests."""
        return self._principal(self._host.any.format(self._repository))

    def _principal(self, subject: str) -> iam.IPrincipal:
        issuer = self._host.issuer
        conditions = {"StringEquals": {f"{issuer}:aud": AUDIENCE}}
        operator = "StringLike" if "*" in subject else "StringEquals"
        conditions.setdefault(operator, {})[f"{issuer}:sub"] = subject
        return iam.WebIdentityPrincipal(self._provider_arn, conditions)

    def _add_provider(self) -> str:
        # Without thumbprints: AWS verifies certificates by its own list of authorities
        # (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html).
        provider = iam.OidcProviderNative(self, "Provider", url=f"https://{self._host.issuer}", client_ids=[AUDIENCE])
        return provider.oidc_provider_arn

    def _existing_arn(self) -> str:
        return Stack.of(self).format_arn(
            service="iam",
            region="",
            resource="oidc-provider",
            resource_name=self._host.issuer,
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
