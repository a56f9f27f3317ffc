"""Additions to the engine's IAM.

Resources and roles of AWS Backup, a role's limits, tags given on creation.
"""

from embedded_aws.iam import authorization, managed_policies


def install() -> None:
    """Let the engine authorize each call on the resource and the boundary that it is about."""
    authorization.install()
    managed_policies.install()
