"""CloudFormation resources that the engine lacks, or makes by going round the service's checks.

A handler that raises becomes CREATE_FAILED or DELETE_FAILED with its text as the reason, and what
failed to be created is not deleted by the rollback, so another owner's resource is safe.
"""

from embedded_aws.cloudformation import alarms, backup, deletions, drift, names, oidc, role_boundaries, tables, topics


def install() -> None:
    """Register the handlers."""
    backup.install()
    tables.install()
    alarms.install()
    topics.install()
    oidc.install()
    names.install()
    role_boundaries.install()
    deletions.install()
    drift.install()
