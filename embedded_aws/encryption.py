"""The customer key under which data is encrypted, which whoever reads it must be allowed to use."""

import ministack.services.kms as kms
import ministack.services.s3 as s3
from ministack.core.responses import get_account_id, get_region

from embedded_aws.replies import Json

_KEY = "x-amz-server-side-encryption-aws-kms-key-id"


def customer_key(name: str) -> str:
    """The ARN of the key that a name, an id or an ARN means; empty for none and for a key that AWS manages."""
    if not name or "alias/aws/" in name:
        return ""
    if record := kms._resolve_key(name):
        return str(record["Arn"])
    return name if name.startswith("arn:") else f"arn:aws:kms:{get_region()}:{get_account_id()}:key/{name}"


def key_of_table(description: Json) -> str:
    """The customer key of a table, or of the table in a backup."""
    return customer_key(str((description.get("SSEDescription") or {}).get("KMSMasterKeyArn") or ""))


def key_of_object(arn: str) -> str:
    """The customer key of an object in S3."""
    bucket, _, key = arn.removeprefix("arn:aws:s3:::").partition("/")
    found = ((s3._buckets.get(bucket) or {}).get("objects") or {}).get(key) or {}
    return customer_key(str((found.get("preserved_headers") or {}).get(_KEY) or ""))
