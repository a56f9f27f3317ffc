"""What IAM checks and the engine's does not.

Resources and roles of AWS Backup, a role's limits, tags given on creation.
"""

from embedded_aws.iam import boundaries, condition_keys, creation_tags, managed_policies, resources


def install() -> None:
    """Let the engine authorize each call on the resource and the boundary that it is about."""
    resources.install()
    managed_policies.install()
    boundaries.install()
    condition_keys.install()
    creation_tags.install()
