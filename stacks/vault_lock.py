"""The lock on a vault, where a stage wants one."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_backup as backup

from stacks.backup_settings import COMPLIANCE, DEFAULT_GRACE_DAYS
from stacks.settings import Settings


def vault_lock(settings: Settings, retentions: Sequence[int]) -> backup.LockConfiguration | None:
    """The lock of a vault whose points are kept for one of ``retentions`` days.

    From the shortest to the longest: a job outside fails, and nobody deletes a
    point before its time. A governance lock can be removed by whoever may; one
    in compliance mode by nobody, once its days of grace are over
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html).
    """
    if not settings.vault_lock:
        return None
    longest = max(retentions)
    grace = None
    if settings.vault_lock == COMPLIANCE:
        grace = Duration.days(settings.vault_lock_grace_days or DEFAULT_GRACE_DAYS)
    return backup.LockConfiguration(
        # The CDK wants the bounds to differ, which one retention alone does not give.
        min_retention=Duration.days(min(*retentions, longest - 1)),
        max_retention=Duration.days(longest),
        changeable_for=grace,
    )
