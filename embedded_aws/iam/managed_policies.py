"""The managed policies of AWS Backup, which `aws_backup.BackupPlan` gives its role.

Only what concerns DynamoDB, tags and events. Source: AWS Managed Policy Reference,
AWSBackupServiceRolePolicyForBackup (v20) and AWSBackupServiceRolePolicyForRestores.
"""

import json

import ministack.services.iam as engine

_TABLES = "arn:aws:dynamodb:*:*:table/*"
_BACKUPS = "arn:aws:dynamodb:*:*:table/*/backup/*"
_TAGS = {"Effect": "Allow", "Action": ["tag:GetResources"], "Resource": "*"}
POLICIES = {
    "service-role/AWSBackupServiceRolePolicyForBackup": [
        {"Effect": "Allow", "Action": ["dynamodb:DescribeTable", "dynamodb:CreateBackup"], "Resource": _TABLES},
        {"Effect": "Allow", "Action": ["dynamodb:DescribeBackup", "dynamodb:DeleteBackup"], "Resource": _BACKUPS},
        {
            "Effect": "Allow",
            "Action": ["dynamodb:StartAwsBackupJob", "dynamodb:ListTagsOfResource"],
            "Resource": _TABLES,
        },
        _TAGS,
        {
            "Effect": "Allow",
            "Action": ["backup:DescribeBackupVault", "backup:CopyFromBackupVault", "backup:CopyIntoBackupVault"],
            "Resource": "*",
        },
    ],
    "service-role/AWSBackupServiceRolePolicyForRestores": [
        {
            "Effect": "Allow",
            "Action": [
                "dynamodb:Scan",
                "dynamodb:Query",
                "dynamodb:UpdateItem",
                "dynamodb:PutItem",
                "dynamodb:GetItem",
                "dynamodb:DeleteItem",
                "dynamodb:BatchWriteItem",
                "dynamodb:DescribeTable",
                "dynamodb:RestoreTableFromAwsBackup",
            ],
            "Resource": _TABLES,
        },
        {"Effect": "Allow", "Action": ["dynamodb:RestoreTableFromBackup"], "Resource": _BACKUPS},
    ],
}


def install() -> None:
    """Add the policies to those the engine knows, now and after each reset."""
    engine_seed = engine._seed_aws_managed_policies

    def seed() -> None:
        engine_seed()
        for name, statements in POLICIES.items():
            document = json.dumps({"Version": "2012-10-17", "Statement": statements})
            record = engine._make_aws_managed_record(name, document, "AWS Backup's own access")
            engine._aws_managed_policies[f"arn:aws:iam::aws:policy/{name}"] = record

    engine._seed_aws_managed_policies = seed
    seed()
