"""What IAM checks and the engine's does not: AWS Backup's resources, roles and PassRole."""

from local.additions.iam import managed_policies, resources


def install() -> None:
    """Let the engine authorize AWS Backup's calls on the resource each of them names."""
    resources.install()
    managed_policies.install()
