"""POST /_ministack/reset empties the account, also of what the additions keep."""

import pytest

from embedded_aws.process import running
from embedded_aws.tests.support.engine import clients_of, reset
from embedded_aws.tests.support.steps import KEYED, back_up, create_backup_role, restored, table_arn

LISTS = {
    "list_backup_jobs": "BackupJobs",
    "list_backup_vaults": "BackupVaultList",
    "list_copy_jobs": "CopyJobs",
    "list_legal_holds": "LegalHolds",
    "list_protected_resources": "Results",
    "list_restore_jobs": "RestoreJobs",
    "list_restore_testing_plans": "RestoreTestingPlans",
}


@pytest.fixture
def engine(tmp_path):
    """An embedded AWS of this test's own."""
    with running(tmp_path) as engine:
        yield engine


def test_a_reset_leaves_nothing(engine):
    client = clients_of(engine)
    backup, dynamodb = client("backup"), client("dynamodb")
    for _ in range(2):  # the second time everything can be made again under the same names
        use(client)
        assert [name for name, found in LISTS.items() if not getattr(backup, name)()[found]] == []
        assert backup.describe_region_settings()["ResourceTypeOptInPreference"]["DynamoDB"] is False
        reset(engine)
        assert [name for name, found in LISTS.items() if getattr(backup, name)()[found]] == []
        assert backup.describe_region_settings()["ResourceTypeOptInPreference"]["DynamoDB"] is True
        assert dynamodb.list_tables()["TableNames"] == []
        assert dynamodb.list_backups(BackupType="ALL")["BackupSummaries"] == []


def use(client):
    """Make one of everything that AWS Backup lists here."""
    backup, dynamodb = client("backup"), client("dynamodb")
    role = create_backup_role(client, "backup", "backup.amazonaws.com", "backup:*", "dynamodb:*")
    dynamodb.create_table(TableName="messages", **KEYED)
    for vault in ("first", "second"):
        backup.create_backup_vault(BackupVaultName=vault)
    point = back_up(client, "first", "messages", role)["RecoveryPointArn"]
    source = {"RecoveryPointArn": point, "IamRoleArn": role}
    restored(backup, Metadata={"TargetTableName": "copy"}, **source)
    second = backup.describe_backup_vault(BackupVaultName="second")["BackupVaultArn"]
    backup.start_copy_job(DestinationBackupVaultArn=second, SourceBackupVaultName="first", **source)
    held = {"VaultNames": ["first"], "ResourceIdentifiers": [table_arn("messages")]}
    backup.create_legal_hold(Title="hold", Description="hold", RecoveryPointSelection=held)
    points = {"Algorithm": "LATEST_WITHIN_WINDOW", "RecoveryPointTypes": ["SNAPSHOT"], "IncludeVaults": ["*"]}
    plan = {
        "RestoreTestingPlanName": "plan",
        "ScheduleExpression": "cron(0 1 ? * * *)",
        "RecoveryPointSelection": points,
    }
    backup.create_restore_testing_plan(RestoreTestingPlan=plan)
    backup.update_region_settings(ResourceTypeOptInPreference={"DynamoDB": False})
