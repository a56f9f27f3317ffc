"""What IAM checks and the engine's does not: resources and roles of AWS Backup, a role's limits."""

from local.additions.iam import boundaries, managed_policies, resources


def install() -> None:
    """Let the engine authorize each call on the resource and the boundary that it is about."""
    resources.install()
    managed_policies.install()
    boundaries.install()
