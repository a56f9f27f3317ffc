"""The stack's life with the real CDK CLI on the embedded AWS."""

import pytest
from botocore.exceptions import ClientError

from embedded_aws.tests.support.steps import listed, log_groups, log_lines
from tests.support.commands import bootstrapped_cli
from tests.support.deployment import Deployment


@pytest.fixture(scope="module")
def cdk(aws, tmp_path_factory):
    """``cdk("deploy", "-c", "stage=x")`` against a bootstrapped embedded AWS."""
    return bootstrapped_cli(aws, tmp_path_factory.mktemp("cdk"))


@pytest.fixture
def stage(name):
    return f"pr-{name}"


def deploy(cdk, stage, *more, fails=False, **options):
    done = cdk("deploy", "-c", f"stage={stage}", *more, "--require-approval", "never", **options)
    assert (done.returncode != 0) == fails, done.stdout
    return done.stdout


def destroy(cdk, stage, *more):
    done = cdk("destroy", "-c", f"stage={stage}", *more, "--force")
    assert done.returncode == 0, done.stdout


def bodies(client, table) -> list[str]:
    """The texts of the seeded messages."""
    found = client("dynamodb").query(
        TableName=table,
        ConsistentRead=True,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": "CONVERSATION#jerry#tom"}},
    )["Items"]
    return [item["Body"]["S"] for item in found]


def test_deploy_redeploy_destroy_and_deploy_again(cdk, client, stage):
    stack = table = f"Messages-{stage}"
    deploy(cdk, stage)
    first = Deployment(client, stage).outputs()
    assert (first["TableName"], first["SeededCount"]) == (table, "5")
    assert len(bodies(client, table)) == 5
    assert bodies(client, table)[1] == "Yes, Tom. What's up?"
    recovery = client("dynamodb").describe_continuous_backups(TableName=table)
    described = recovery["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert described["PointInTimeRecoveryStatus"] == "ENABLED"
    assert [line["Written"] for line in log_lines(client, stack, "seeded")] == [5]

    same = cdk("diff", "-c", f"stage={stage}")
    assert "Number of stacks with differences: 0" in same.stdout
    deploy(cdk, stage, "--force")
    assert len(log_lines(client, stack, "seeded")) == 1, "no change of the seed, no call of its function"

    destroy(cdk, stage)
    assert table not in listed(client("dynamodb"), "list_tables")
    assert log_groups(client, stack) == []
    vaults = listed(client("backup"), "list_backup_vaults")
    assert first["BackupVaultName"] in [vault["BackupVaultName"] for vault in vaults]
    kept = listed(client("iam"), "list_roles", PathPrefix="/messages/")
    assert first["BackupRoleArn"] in [role["Arn"] for role in kept]

    deploy(cdk, stage)
    second = Deployment(client, stage).outputs()
    assert second["BackupVaultName"] != first["BackupVaultName"]
    assert second["SeededCount"] == "5"


def test_without_its_grant_the_seed_fails_names_the_action_and_rolls_back(cdk, client, stage, tmp_path):
    stack = f"Messages-{stage}"
    app = ("-a", "python3 -m tests.support.app_without_grant")
    failed = deploy(cdk, stage, *app, WITHOUT_GRANT="dynamodb:PutItem", out=tmp_path, fails=True)
    assert "AccessDenied" in failed
    assert "not authorized to perform: dynamodb:PutItem" in failed
    assert Deployment(client, stage).status() == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client("dynamodb").describe_table(TableName=stack)
    assert log_groups(client, stack) == []


def test_a_protected_table_survives_a_destroy(cdk, client, stage):
    table = f"Messages-{stage}"
    deploy(cdk, stage, "-c", "deletion_protection=true", "-c", "retain_table=true")
    destroy(cdk, stage, "-c", "retain_table=true")
    described = client("dynamodb").describe_table(TableName=table)["Table"]
    assert described["DeletionProtectionEnabled"] is True
    taken = f"'AWS::DynamoDB::GlobalTable' with identifier '{table}' already exists"
    assert taken in " ".join(deploy(cdk, stage, fails=True).split()), "before anything is made"
    assert len(bodies(client, table)) == 5

    destroy(cdk, stage)
    deploy(cdk, stage, "-c", "retain_table=true", "--import-existing-resources")
    assert len(bodies(client, table)) == 5
    assert Deployment(client, stage).outputs()["SeedUnchanged"] == "5"
