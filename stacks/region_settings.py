"""What the settings about further regions may be: copies of backups, replicas of the table."""

from typing import TYPE_CHECKING

from model.names import REGION, copies_vault_name
from stacks.backup_settings import DELETE, MAX_RETENTION_DAYS

if TYPE_CHECKING:
    from stacks.settings import Settings

# https://docs.aws.amazon.com/aws-backup/latest/devguide/API_CreateBackupVault.html
_VAULT_NAME_LENGTH = 50


def check_copies(settings: "Settings") -> None:
    """Raise SettingsError for copies of backups that could not be made."""
    days = settings.copy_retention_days
    if days is not None:
        if not settings.copy_region:
            raise settings.error("copy_retention_days", "has no effect without copy_region")
        # Of a lock, the bounds differ: from one day to two at least.
        settings.between("copy_retention_days", 2 if settings.vault_lock else 1, MAX_RETENTION_DAYS)
    if not settings.copy_region:
        return
    settings.match("copy_region", REGION, "an AWS region such as eu-central-1")
    region = _home(settings, "copy_region")
    if settings.copy_region == region:
        raise settings.error("copy_region", "must be another region than the setting 'region'")
    if not settings.retentions:
        raise settings.error("copy_region", "needs a daily or a monthly backup to copy")
    if settings.backups_on_destroy == DELETE:
        raise settings.error("copy_region", f"copies outlive the stack, so backups_on_destroy cannot be {DELETE}")
    vault = copies_vault_name(settings.stage, region, keyed=settings.customer_key)
    over = len(vault) - _VAULT_NAME_LENGTH
    if over > 0:
        raise settings.error(
            "copy_region",
            f"the name of its vault, {vault}, is too long by {over}: give the stage "
            f"a name of at most {len(settings.stage) - over}",
        )


def check_replicas(settings: "Settings") -> None:
    """Raise SettingsError for replicas of the table that could not be made."""
    regions = settings.replica_regions
    if not regions:
        return
    for region in regions:
        if not REGION.fullmatch(region):
            raise settings.error("replica_regions", "must be AWS regions such as eu-central-1")
    if _home(settings, "replica_regions") in regions:
        raise settings.error("replica_regions", "must not have the setting 'region', where the table is anyway")
    if len(set(regions)) < len(regions):
        raise settings.error("replica_regions", "has a region twice")
    if settings.customer_key:
        raise settings.error(
            "replica_regions", "cannot be combined with customer_key: each replica would need a key of its own region"
        )


def _home(settings: "Settings", name: str) -> str:
    if settings.region is None:
        raise settings.error(name, "needs the setting 'region' as well")
    return settings.region
