"""GitHub as somebody whose word on identities the account takes (OpenID Connect)."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"


class GitHub(Construct):
    """The account's provider for GitHub, new or ``existing``, and principals of ``repository``."""

    def __init__(self, scope: Construct, id: str, *, repository: str, existing: bool) -> None:
        super().__init__(scope, id)
        self._repository = repository
        self._provider_arn = self._existing_arn() if existing else self._add_provider()

    def environment(self, name: str) -> iam.IPrincipal:
        """Jobs of the environment ``name``, which GitHub's own rules protect."""
        return self._principal("StringEquals", f"environment:{name}")

    def any_workflow(self) -> iam.IPrincipal:
        """Every workflow of the repository, on any branch and for its own pull requests.

        A fork's workflow gets no token at all.
        """
        return self._principal("StringLike", "*")

    def _principal(self, operator: str, subject: str) -> iam.IPrincipal:
        conditions = {"StringEquals": {f"{ISSUER}:aud": AUDIENCE}}
        conditions.setdefault(operator, {})[f"{ISSUER}:sub"] = f"repo:{self._repository}:{subject}"
        return iam.WebIdentityPrincipal(self._provider_arn, conditions)

    def _add_provider(self) -> str:
        # Without thumbprints: AWS verifies GitHub's certificate by its own list of authorities
        # (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html).
        provider = iam.OidcProviderNative(
            self, "Provider", url=f"https://{ISSUER}", client_ids=[AUDIENCE]
        )
        return provider.oidc_provider_arn

    def _existing_arn(self) -> str:
        return Stack.of(self).format_arn(
            service="iam",
            region="",
            resource="oidc-provider",
            resource_name=ISSUER,
            arn_format=ArnFormat.SLASH_RESOURCE_NAME,
        )
