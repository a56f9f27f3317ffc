"""CloudFormation resources that the engine lacks, or makes by going round the service's checks.

A handler that raises becomes CREATE_FAILED or DELETE_FAILED with its text as the reason, and what
failed to be created is not deleted by the rollback, so another owner's resource is safe.
"""

from embedded_aws.cloudformation import (
    backup_resources,
    checks,
    conditions,
    drift,
    other_resources,
    replacements,
    stack_rules,
    table_resources,
    type_changes,
)


def install() -> None:
    """Register the handlers."""
    backup_resources.install()
    table_resources.install()
    other_resources.install()
    stack_rules.install()
    drift.install()
    replacements.install()
    checks.install()
    conditions.install()
    type_changes.install()
