"""The managed policies of AWS Backup, which `aws_backup.BackupPlan` gives its role.

Only what concerns DynamoDB, tags and events. Source: AWS Managed Policy Reference,
AWSBackupServiceRolePolicyForBackup (v20) and AWSBackupServiceRolePolicyForRestores.
"""

import json
from collections.abc import Callable

import ministack.services.iam as engine

from embedded_aws.replies import Json

_TABLES = "arn:aws:dynamodb:*:*:table/*"
_BACKUPS = "arn:aws:dynamodb:*:*:table/*/backup/*"


def _allow(actions: str, resource: str) -> Json:
    return {"Effect": "Allow", "Action": actions.split(), "Resource": resource}


POLICIES = {
    "service-role/AWSBackupServiceRolePolicyForBackup": [
        _allow("dynamodb:DescribeTable dynamodb:CreateBackup", _TABLES),
        _allow("dynamodb:DescribeBackup dynamodb:DeleteBackup", _BACKUPS),
        _allow("dynamodb:StartAwsBackupJob dynamodb:ListTagsOfResource", _TABLES),
        _allow("tag:GetResources", "*"),
        _allow("backup:DescribeBackupVault backup:CopyFromBackupVault backup:CopyIntoBackupVault", "*"),
    ],
    "service-role/AWSBackupServiceRolePolicyForRestores": [
        _allow(
            "dynamodb:Scan dynamodb:Query dynamodb:UpdateItem dynamodb:PutItem dynamodb:GetItem dynamodb:DeleteItem "
            "dynamodb:BatchWriteItem dynamodb:DescribeTable dynamodb:RestoreTableFromAwsBackup",
            _TABLES,
        ),
        _allow("dynamodb:RestoreTableFromBackup", _BACKUPS),
    ],
}


def seed(original: Callable[[], None]) -> None:
    """Fill the engine's managed policies, as it does after each reset."""
    original()
    completed(engine._aws_managed_policies)


def completed(policies: Json) -> Json:
    """Add these to the engine's managed policies."""
    for name, statements in POLICIES.items():
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        record = engine._make_aws_managed_record(name, document, "AWS Backup's own access")
        policies[f"arn:aws:iam::aws:policy/{name}"] = record
    return policies
