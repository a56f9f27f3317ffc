"""The access of a repository's pipelines to the account: ``make pipeline-access REPOSITORY=...``.

A stack of its own, deployed once by an administrator (docs/pipelines.md).
"""

import sys
from collections.abc import Sequence

from aws_cdk import App, CfnOutput, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.findings import acknowledge_wide_action, acknowledge_wildcard
from stacks.pipeline.access import Access, AccessError, from_context
from stacks.pipeline.bootstrap_roles import use_of_bootstrap_roles
from stacks.pipeline.identities import HOSTS, Identities
from stacks.pipeline.preview_limits import QUALIFIER, PreviewLimits
from stacks.pipeline.reading import REASON, WIDE, reading
from stacks.shared_findings import acknowledge_own_policy

NAME = "MessagesPipelineAccess"


class PipelineAccess(Stack):
    """Roles for jobs of pipelines: one that reads, one per environment, one of pull requests."""

    def __init__(self, scope: Construct, *, access: Access) -> None:
        super().__init__(scope, NAME, description=f"What the pipelines of {access.repository} may do")
        self._jobs = Identities(
            self, "Jobs", host=HOSTS[access.host], repository=access.repository, existing=access.existing_provider
        )
        self.read_role = self._reader("Read", self._jobs.any(), "Looks at every stage")
        self._output("ReadRoleArn", self.read_role, "AWS_READ_ROLE_ARN")
        for name in access.environments:
            self._add_deployer(name, access.regions.get(name, ()))
        if access.previews:
            self._add_previews()

    def _add_deployer(self, environment: str, regions: Sequence[str]) -> None:
        suffix = "".join(part.capitalize() for part in environment.split("-"))
        role = self._reader(
            f"Deploy{suffix}",
            self._jobs.deployment(environment),
            f"Deploys from the environment {environment}, through the roles of the CDK",
        )
        role.add_to_policy(use_of_bootstrap_roles(self, regions=regions))
        self._output(f"DeployRoleArn{suffix}", role, "AWS_DEPLOY_ROLE_ARN")

    def _add_previews(self) -> None:
        limits = PreviewLimits(self, "PreviewLimits").policy
        role = iam.Role(
            self,
            "Preview",
            description="Deploys and removes the stages of pull requests",
            assumed_by=self._jobs.preview(),
            # Twice the same: all that it may, and all that it could ever be given.
            managed_policies=[limits],
            permissions_boundary=limits,
        )
        role.add_to_policy(use_of_bootstrap_roles(self, QUALIFIER))
        acknowledge_own_policy(role)
        self._output("PreviewRoleArn", role, "AWS_PR_ROLE_ARN")

    def _reader(self, id: str, who: iam.IPrincipal, description: str) -> iam.Role:
        role = iam.Role(self, id, description=description, assumed_by=who)
        role.add_to_policy(reading())
        acknowledge_own_policy(role)
        acknowledge_wildcard(role, "*", REASON)
        for action in WIDE:
            acknowledge_wide_action(role, action, REASON)
        return role

    def _output(self, name: str, role: iam.Role, variable: str) -> None:
        CfnOutput(self, name, value=role.role_arn, description=f"The pipelines' variable {variable}")


def main() -> None:
    """Synthesize; what a person can mend ends in one line and status 1."""
    app = App()
    try:
        access = from_context(app.node.get_all_context())
    except AccessError as error:
        sys.exit(f"error: {error}")
    PipelineAccess(app, access=access)
    app.synth()


if __name__ == "__main__":
    main()
