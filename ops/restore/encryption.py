"""What AWS Backup is told about a restore: never a key of another region.

A copy keeps how its table was encrypted at home, and KMS keys are of one region
(https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-dynamodb.html,
which also has the names below; they count in any case).
"""

from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import OpsError, UsageError, code, is_denied
from ops.inventory.found import Point

_OURS = frozenset({"targettablename", "encryptiontype", "kmsmasterkeyarn"})


def check_region(key: str, region: str) -> None:
    """Raise UsageError for the ARN of a key that is not in ``region``."""
    if _region(key) != region:
        raise UsageError(f"--kms-key {key} is in region {_region(key)}; a table in {region} needs a key in {region}")


def metadata(context: Context, point: Point, key: str | None) -> dict[str, str]:
    """The metadata of a restore of ``point``, as AWS Backup keeps it, without the table's name.

    The new table gets ``key``, or that of AWS for an empty one; for None, the key
    kept with the point, else the customer key of its vault. Raises OpsError when
    the table had a customer key and there is none in this region.
    """
    kept = context.clients("backup").get_recovery_point_restore_metadata(
        BackupVaultName=point.vault, RecoveryPointArn=point.arn
    )["RestoreMetadata"]
    by_name = {name.lower(): value for name, value in kept.items()}
    rest = {name: value for name, value in kept.items() if name.lower() not in _OURS}
    kept_key = by_name.get("kmsmasterkeyarn", "")
    if chosen := key or _usable(context, point, kept_key, source_is_gone=key is None):
        return rest | {"encryptionType": "KMS", "kmsMasterKeyArn": chosen}
    encryption = {"encryptionType": by_name.get("encryptiontype", "Default")}
    return rest | encryption | ({"kmsMasterKeyArn": kept_key} if kept_key else {})


def _usable(context: Context, point: Point, kept: str, *, source_is_gone: bool) -> str:
    """A customer key of this region, as a backup of the table tells; empty for none."""
    if _region(kept) == context.region:
        return kept
    elsewhere = bool(_region(kept))
    if (elsewhere or source_is_gone) and _is_customers(context, point.key):
        return point.key
    if elsewhere:
        raise OpsError(
            f"the table was encrypted with {kept}, which no table in {context.region} can use, and "
            f"the vault {point.vault} has no customer key that the caller may describe; name a key "
            f"in {context.region} with --kms-key"
        )
    return ""


def _region(key: str) -> str:
    """The region in a key's ARN; empty for "Not Applicable", which stands for a key of AWS's."""
    return key.split(":")[3] if key.startswith("arn:") else ""


def _is_customers(context: Context, key: str) -> bool:
    """Whether ``key`` is a customer's: no table can be encrypted with the key aws/backup."""
    if not key:
        return False
    try:
        described = context.clients("kms").describe_key(KeyId=key)["KeyMetadata"]
    except ClientError as error:
        if not is_denied(error) and code(error) != "NotFoundException":
            raise
        return False
    return bool(described.get("KeyManager") == "CUSTOMER")
