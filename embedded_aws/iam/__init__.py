"""Additions to the engine's IAM.

Resources and roles of AWS Backup, a role's limits, tags given on creation, roles passed to services, condition keys,
patterns of ARNs, variables.
"""

from embedded_aws.iam import authorization, dynamodb_keys, managed_policies, policies, policy_variables


def install() -> None:
    """Let the engine authorize each call on the resource and the boundary that it is about."""
    dynamodb_keys.install()
    authorization.install()  # leaves out keys that an action does not carry
    policies.install()
    policy_variables.install()
    managed_policies.install()
