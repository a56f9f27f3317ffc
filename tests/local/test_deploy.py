"""The stack's life with the real CDK CLI on the embedded AWS."""

import pytest
from botocore.exceptions import ClientError

from embedded_aws.tests.support.steps import log_groups, log_lines
from tests.support.commands import bootstrapped_cli


@pytest.fixture(scope="module")
def cdk(aws, tmp_path_factory):
    """``cdk("deploy", "-c", "stage=x")`` against a bootstrapped embedded AWS."""
    return bootstrapped_cli(aws, tmp_path_factory.mktemp("cdk"))


@pytest.fixture
def stage(name):
    return f"pr-{name}"


def deploy(cdk, stage, *more, **options):
    return cdk("deploy", "-c", f"stage={stage}", *more, "--require-approval", "never", **options)


def outputs(client, stack):
    (found,) = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def message_count(client, table) -> int:
    """How many messages the table has; the lists of conversations follow in their own time."""
    return client("dynamodb").query(
        TableName=table,
        Select="COUNT",
        ConsistentRead=True,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "CONVERSATION#jerry#tom"}},
    )["Count"]


def test_deploy_redeploy_destroy_and_deploy_again(cdk, client, stage):
    stack = table = f"Messages-{stage}"
    done = deploy(cdk, stage)
    assert done.returncode == 0, done.stdout

    first = outputs(client, stack)
    assert (first["TableName"], first["SeededCount"]) == (table, "5")
    items = client("dynamodb").query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "CONVERSATION#jerry#tom"}},
    )["Items"]
    assert [item["Body"]["S"] for item in items][1] == "Yes, Tom. What's up?"
    assert len(items) == 5
    recovery = client("dynamodb").describe_continuous_backups(TableName=table)
    described = recovery["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert described["PointInTimeRecoveryStatus"] == "ENABLED"
    assert [line["Written"] for line in log_lines(client, stack, "seeded")] == [5]

    same = cdk("diff", "-c", f"stage={stage}")
    assert "Number of stacks with differences: 0" in same.stdout
    again = deploy(cdk, stage, "--force")
    assert again.returncode == 0, again.stdout
    assert len(log_lines(client, stack, "seeded")) == 1, "no change of the seed, no call of its function"

    destroyed = cdk("destroy", "-c", f"stage={stage}", "--force")
    assert destroyed.returncode == 0, destroyed.stdout
    assert table not in client("dynamodb").list_tables()["TableNames"]
    assert log_groups(client, stack) == []
    vaults = client("backup").list_backup_vaults()["BackupVaultList"]
    assert first["BackupVaultName"] in [vault["BackupVaultName"] for vault in vaults]
    kept = client("iam").list_roles(PathPrefix="/messages/")["Roles"]
    assert first["BackupRoleArn"] in [role["Arn"] for role in kept]

    new = deploy(cdk, stage)
    assert new.returncode == 0, new.stdout
    second = outputs(client, stack)
    assert second["BackupVaultName"] != first["BackupVaultName"]
    assert second["SeededCount"] == "5"


def test_without_its_grant_the_seed_fails_names_the_action_and_rolls_back(cdk, client, stage, tmp_path):
    stack = f"Messages-{stage}"
    failed = deploy(
        cdk, stage, "-a", "python3 -m tests.support.app_without_grant", WITHOUT_GRANT="dynamodb:PutItem", out=tmp_path
    )
    assert failed.returncode == 1
    assert "AccessDenied" in failed.stdout
    assert "not authorized to perform: dynamodb:PutItem" in failed.stdout
    (found,) = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    assert found["StackStatus"] == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client("dynamodb").describe_table(TableName=stack)
    assert log_groups(client, stack) == []


def test_a_protected_table_survives_a_destroy(cdk, client, stage):
    table = f"Messages-{stage}"
    protected = deploy(cdk, stage, "-c", "deletion_protection=true", "-c", "retain_table=true")
    assert protected.returncode == 0, protected.stdout
    destroyed = cdk("destroy", "-c", f"stage={stage}", "-c", "retain_table=true", "--force")
    assert destroyed.returncode == 0, destroyed.stdout
    described = client("dynamodb").describe_table(TableName=table)["Table"]
    assert described["DeletionProtectionEnabled"] is True
    assert message_count(client, table) == 5

    refused = deploy(cdk, stage)
    assert refused.returncode == 1
    assert f"{table} already exists" in refused.stdout
    assert message_count(client, table) == 5

    cdk("destroy", "-c", f"stage={stage}", "--force")
    adopted = deploy(cdk, stage, "-c", "retain_table=true", "--import-existing-resources")
    assert adopted.returncode == 0, adopted.stdout
    assert message_count(client, table) == 5
    assert outputs(client, table)["SeedUnchanged"] == "5"
