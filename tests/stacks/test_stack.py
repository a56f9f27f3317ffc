"""The table, its backups and its seed in the template of a stage, and what must not be there."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aws_cdk import App, IgnoreMode, Stack
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk.assertions import Match, Template

from model.messages import message_item
from model.wire import to_wire
from stacks.function import _all_but, module_files
from stacks.messages_stack import MessagesStack
from stacks.setting_fields import PROJECT
from stacks.settings import Settings
from tests.support.templates import (
    ITEMS,
    KEYED,
    PLAN,
    POLICY,
    ROLE,
    SEED,
    SELECTION,
    TABLE,
    VAULT,
    granted,
    only,
    properties,
    replica,
    stack,
    statements,
)

KEY, RETAINED = "AWS::KMS::Key", "RetainExceptOnCreate"
SCALED = {
    "billing_mode": "provisioned",
    "read_capacity": 6,
    "max_read_capacity": 60,
    "write_capacity": 4,
    "max_write_capacity": 40,
}
RESTORING = {"Properties": {"Tags": Match.array_with([{"Key": "messages:purpose", "Value": "restore"}])}}


def test_the_table_has_text_keys_and_the_stages_name():
    table = only(stack(), TABLE)
    assert table["Properties"]["TableName"] == "Messages"
    assert table["Properties"]["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert {d["AttributeType"] for d in table["Properties"]["AttributeDefinitions"]} == {"S"}
    assert table["Properties"]["SSESpecification"] == {"SSEEnabled": False}
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Delete", "Delete")
    stack().resource_count_is(KEY, 0)


@pytest.mark.parametrize(
    ("days", "recovery"),
    [(0, {"PointInTimeRecoveryEnabled": False}), (9, {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 9})],
)
def test_point_in_time_recovery_is_on_for_some_days_or_off(days, recovery):
    assert replica(stack(pitr_days=days))["PointInTimeRecoverySpecification"] == recovery


def test_a_protected_and_kept_table():
    template = stack(stage="prod", deletion_protection=True, retain_table=True)
    assert replica(template)["DeletionProtectionEnabled"] is True
    assert only(template, TABLE)["DeletionPolicy"] == RETAINED
    assert properties(template, TABLE)["TableName"] == "Messages-prod"


def test_on_demand_is_the_default_and_may_be_bounded():
    """An index has limits of its own: DynamoDB guide, on-demand capacity mode."""
    limited = stack(max_read_units=40, max_write_units=20)
    table, reads = properties(limited, TABLE), replica(limited)
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    for writes in (table, *table["GlobalSecondaryIndexes"]):
        assert writes["WriteOnDemandThroughputSettings"] == {"MaxWriteRequestUnits": 20}
    for one in (reads, *reads["GlobalSecondaryIndexes"]):
        assert one["ReadOnDemandThroughputSettings"] == {"MaxReadRequestUnits": 40}


def test_the_capacity_of_the_seed_systems_is_five_and_five():
    template = stack(billing_mode="provisioned")
    assert properties(template, TABLE)["BillingMode"] == "PROVISIONED"
    (writes, *_) = scalings(properties(template, TABLE))
    assert (writes["MinCapacity"], writes["MaxCapacity"]) == (5, 5)
    assert replica(template)["ReadProvisionedThroughputSettings"] == {"ReadCapacityUnits": 5}


def test_provisioned_capacity_scales_from_its_minimum_for_table_and_index():
    """CloudFormation refuses the switch from another billing mode without a seed capacity."""
    found = sorted(
        (s["SeedCapacity"], s["MinCapacity"], s["MaxCapacity"]) for s in scalings(only(stack(**SCALED), TABLE))
    )
    assert found == [(4, 4, 40), (4, 4, 40), (6, 6, 60), (6, 6, 60)]


def scalings(value):
    if isinstance(value, list):
        for one in value:
            yield from scalings(one)
    elif isinstance(value, dict):
        if "MaxCapacity" in value:
            yield value
        for one in value.values():
            yield from scalings(one)


def test_a_customer_key_encrypts_table_and_vault_and_stays():
    template = stack(**KEYED)
    (key_id,) = template.find_resources(KEY)
    key = only(template, KEY)
    assert (key["DeletionPolicy"], key["Properties"]["EnableKeyRotation"]) == (RETAINED, True)
    assert only(template, "AWS::KMS::Alias")["DeletionPolicy"] == RETAINED
    assert properties(template, TABLE)["SSESpecification"]["SSEType"] == "KMS"
    assert replica(template)["SSESpecification"]["KMSMasterKeyId"] == {"Fn::GetAtt": [key_id, "Arn"]}
    assert properties(template, VAULT)["EncryptionKeyArn"] == {"Fn::GetAtt": [key_id, "Arn"]}
    # A vault's key is create-only: with a key it is another vault.
    assert "Messages-dev-k" in str(properties(template, VAULT)["BackupVaultName"])


@pytest.mark.parametrize("holder", ["SeedSeeding", "ConversationsIndexing"])
def test_with_a_customer_key_a_function_may_use_it_for_the_table(holder):
    assert "kms:Decrypt" in granted(stack(**KEYED), holder)


def test_vault_and_backup_role_outlive_the_stack_and_can_be_found():
    vault, template = only(stack(), VAULT), stack()
    # Except on create: what a failed first deployment made must not stay behind.
    assert (vault["DeletionPolicy"], vault["UpdateReplacePolicy"]) == (RETAINED, "Retain")
    assert vault["Properties"]["BackupVaultTags"] == {"messages:stack": "Messages-dev", "messages:table": "Messages"}
    assert "AWS::StackId" in str(vault["Properties"]["BackupVaultName"])
    (role,) = [role for role in template.find_resources(ROLE).values() if "DeletionPolicy" in role]
    assert role["DeletionPolicy"] == RETAINED
    assert role["Properties"]["Path"] == "/messages/"
    assert {"Key": "messages:stack", "Value": "Messages-dev"} in role["Properties"]["Tags"]
    # Its permissions are its own: a policy resource would be deleted with the stack.
    assert role["Properties"]["Policies"]
    assert "ManagedPolicyArns" not in role["Properties"]


def test_the_restore_role_reaches_tables_named_after_the_table_and_is_deleted_with_the_stack():
    ((name, role),) = stack().find_resources(ROLE, RESTORING).items()
    assert "DeletionPolicy" not in role
    assert role["Properties"]["Path"] == "/messages/"
    assert stack().find_outputs("RestoreRoleArn")["RestoreRoleArn"]["Value"] == {"Fn::GetAtt": [name, "Arn"]}
    target, backups = statements(stack(), name)
    assert target["Resource"]["Fn::Join"][1][-1] == ":table/Messages.*"
    assert "dynamodb:RestoreTableFromAwsBackup" in target["Action"]
    assert backups["Action"] == "dynamodb:RestoreTableFromBackup"
    assert "dynamodb:DeleteTable" not in str(role)


def test_the_restore_role_may_use_the_customer_key_only_through_the_services():
    (name,) = stack(**KEYED).find_resources(ROLE, RESTORING)
    keyed = [s for s in statements(stack(**KEYED), name) if "kms:" in str(s["Action"])]
    assert {"kms:ViaService", "kms:GrantIsForAWSResource"} == {
        condition for s in keyed for test in s.get("Condition", {}).values() for condition in test
    }


def test_backups_that_are_deleted_with_the_stack_go_before_their_vault_role_and_plan():
    template = stack(backups_on_destroy="delete", **KEYED)
    retained = [r for r in template.to_json()["Resources"].values() if r.get("DeletionPolicy", "Delete") != "Delete"]
    assert retained == []
    emptying = only(template, "Custom::VaultEmptying")
    kept_until_then = {name[: -len("12345678")] for name in emptying["DependsOn"]}
    assert {"BackupVault", "BackupRole", "BackupPlan", "BackupPlanTable"} <= kept_until_then
    stack().resource_count_is("Custom::VaultEmptying", 0)


def test_the_key_of_a_retained_table_is_retained_without_any_backup():
    template = stack(backups_on_destroy="delete", retain_table=True, **KEYED)
    assert only(template, KEY)["DeletionPolicy"] == RETAINED


def test_restores_are_tested_where_a_stage_says_so():
    template = stack(restore_testing=True)
    plan = properties(template, "AWS::Backup::RestoreTestingPlan")
    assert plan["RestoreTestingPlanName"] == "Messages_dev"
    assert plan["ScheduleExpression"] == "cron(0 5 ? * SUN *)"
    assert plan["RecoveryPointSelection"]["RecoveryPointTypes"] == ["SNAPSHOT"]
    assert properties(template, "AWS::Backup::RestoreTestingSelection")["ProtectedResourceType"] == "DynamoDB"
    stack().resource_count_is("AWS::Backup::RestoreTestingPlan", 0)


@pytest.mark.parametrize("key", [{}, KEYED], ids=["plain", "customer key"])
def test_the_vaults_longest_name_fits(key):
    name = properties(stack(stage="s" * 31, **key), VAULT)["BackupVaultName"]
    (literal,) = [part for part in name["Fn::Join"][1] if isinstance(part, str)]
    assert len(literal) + len("1a2b3c4d") <= 50


def test_the_plan_has_daily_and_monthly_rules_in_the_stages_time_zone():
    template = stack(
        stage="prod",
        daily_backup_retention_days=35,
        monthly_backup_retention_days=365,
        backup_time="03:05",
        time_zone="Europe/Berlin",
    )
    plan = properties(template, PLAN)["BackupPlan"]
    assert plan["BackupPlanName"] == "Messages-prod"
    rules = {rule["RuleName"]: rule for rule in plan["BackupPlanRule"]}
    assert rules["daily"]["ScheduleExpression"] == "cron(5 3 * * ? *)"
    assert rules["monthly"]["ScheduleExpression"] == "cron(5 3 1 * ? *)"
    assert {r["ScheduleExpressionTimezone"] for r in rules.values()} == {"Europe/Berlin"}
    assert rules["daily"]["Lifecycle"] == {"DeleteAfterDays": 35}
    assert rules["monthly"]["Lifecycle"] == {"DeleteAfterDays": 365}
    # Not supported for DynamoDB; the plan would fail at run time.
    assert not any("EnableContinuousBackup" in rule for rule in rules.values())


def test_the_selection_is_exactly_the_table():
    (table_id,) = stack().find_resources(TABLE)
    selection = properties(stack(), SELECTION)["BackupSelection"]
    assert selection["Resources"] == [{"Fn::GetAtt": [table_id, "Arn"]}]
    assert "ListOfTags" not in selection


def test_without_rules_there_is_no_plan_but_still_a_vault():
    plan = properties(stack(monthly_backup_retention_days=0), PLAN)["BackupPlan"]
    assert [rule["RuleName"] for rule in plan["BackupPlanRule"]] == ["daily"]
    template = stack(daily_backup_retention_days=0, monthly_backup_retention_days=0)
    for kind, count in ((PLAN, 0), (SELECTION, 0), (VAULT, 1)):
        template.resource_count_is(kind, count)
    assert "BackupPlanId" not in template.find_outputs("*")


LOCKED = {"vault_lock": "governance", "daily_backup_retention_days": 35, "monthly_backup_retention_days": 365}
FINAL = {"stage": "prod", "vault_lock": "compliance", "vault_lock_confirmed": "Messages-prod for 365 days"}


@pytest.mark.parametrize(
    ("settings", "lock"),
    [
        ({}, None),
        (LOCKED, {"MinRetentionDays": 35, "MaxRetentionDays": 365}),
        # One retention alone allows only itself.
        (LOCKED | {"monthly_backup_retention_days": 0}, {"MinRetentionDays": 34, "MaxRetentionDays": 35}),
        (LOCKED | FINAL, {"MinRetentionDays": 35, "MaxRetentionDays": 365, "ChangeableForDays": 7}),
        (
            LOCKED | FINAL | {"vault_lock_grace_days": 3},
            {"MinRetentionDays": 35, "MaxRetentionDays": 365, "ChangeableForDays": 3},
        ),
    ],
)
def test_a_lock_goes_from_the_shortest_to_the_longest_retention(settings, lock):
    assert properties(stack(**settings), VAULT).get("LockConfiguration") == lock


def test_the_template_shows_what_the_seed_writes():
    seed = properties(stack(), SEED)
    assert seed["Messages"] == ITEMS
    assert set(seed) == {"ServiceToken", "TableName", "Messages"}


def test_with_a_user_pool_the_seeding_function_may_list_its_users_only():
    pool = "eu-west-1_Ab1cD2eF3"
    template = stack(user_pool_id=pool)
    assert properties(template, SEED)["UserPoolId"] == pool
    assert properties(template, SEED)["Messages"] == ITEMS, "names stay names in the template"
    assert template.find_outputs("UserPoolId")["UserPoolId"]["Value"] == pool
    (statement,) = [found for found in statements(template) if "cognito" in str(found)]
    assert (statement["Action"], statement["Effect"]) == ("cognito-idp:ListUsers", "Allow")
    (_, parts) = statement["Resource"]["Fn::Join"]
    assert "".join(part if isinstance(part, str) else "*" for part in parts) == (
        f"arn:*:cognito-idp:eu-west-1:*:userpool/{pool}"
    )
    assert "cognito" not in str(statements(stack()))


def seeded(count, body="x" * 300, attributes=None):
    """The app, the properties of the seed, and the items, of a stage with ``count`` messages."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    items = [
        message_item(
            sender="Tom",
            recipient="Jerry",
            body=f"{body}{n}",
            sent_at=at + timedelta(minutes=n),
            attributes=attributes or {},
        )
        for n in range(count)
    ]
    app = App()
    template = Template.from_stack(MessagesStack(app, settings=Settings(), items=items))
    return app, properties(template, SEED), items


@pytest.mark.parametrize(
    ("body", "attributes"),
    [
        ("${Token[TOKEN.1]}", {}),
        ("#{Token[TOKEN.12]}", {}),
        ("{{resolve:ssm:/x}}", {}),
        ("${AWS::Region}", {}),
        ("Hi", {"Ref": "PO-17"}),
        ("Hi", {"Lines": [{"Fn::Transform": {}}]}),
    ],
)
def test_text_that_a_template_would_replace_travels_as_a_file(body, attributes):
    app, seed, (item,) = seeded(1, body, attributes)
    assert "Digest" in seed
    (file,) = Path(app.outdir).glob("asset.*.jsonl")
    assert json.loads(file.read_text()) == to_wire(item)


def test_text_that_only_looks_like_that_stays_in_the_template():
    _, seed, (item,) = seeded(1, 'say "Ref": it; Fn::GetAtt costs $5 {each}')
    assert seed["Messages"] == [to_wire(item)]


def test_a_large_seed_travels_as_a_file_with_its_digest():
    app, seed, items = seeded(1000)
    assert set(seed) == {"ServiceToken", "TableName", "Bucket", "Key", "Digest"}
    (file,) = Path(app.outdir).glob("asset.*.jsonl")
    assert file.name == f"asset.{seed['Key']}"
    assert [json.loads(line)["Body"] for line in file.read_text().splitlines()] == [item["Body"] for item in items]
    assert seed["Digest"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert seeded(1000, body="y" * 300)[1]["Digest"] != seed["Digest"]


@pytest.mark.parametrize("settings", [{}, {"seed_dataset": "s3://bucket/messages.jsonl"}], ids=["plain", "dataset"])
def test_the_functions_log_into_groups_that_are_deleted_with_the_stack_and_cannot_create_one(settings):
    template = stack(**settings)
    groups = template.find_resources("AWS::Logs::LogGroup")
    for group in groups.values():
        assert (group["DeletionPolicy"], group["Properties"]["RetentionInDays"]) == ("Delete", 30)
    for function in template.find_resources("AWS::Lambda::Function").values():
        assert function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] in groups
    assert "logs:CreateLogGroup" not in str(statements(template))
    template.resource_properties_count_is(ROLE, {"ManagedPolicyArns": Match.any_value()}, 0)


def test_the_seeding_function_has_the_time_and_memory_of_a_large_seed():
    stack().has_resource_properties(
        "AWS::Lambda::Function",
        {
            "Runtime": "python3.14",
            "Handler": "functions.seed_messages.on_event",
            "MemorySize": 512,
            "Timeout": 900,
            "Architectures": ["arm64"],
        },
    )


def test_the_outputs_are_a_contract():
    counts = {f"Seed{count}" for count in ("Total", "Written", "Unchanged", "Preserved", "Removed")}
    assert set(stack().find_outputs("*")) == counts | {
        "TableName",
        "TableArn",
        "BackupVaultName",
        "BackupPlanId",
        "BackupRoleArn",
        "RestoreRoleArn",
        "FailureQueueUrl",
        "SeededCount",
    }
    assert all(output.get("Description") for output in stack().to_json()["Outputs"].values())


def test_every_taggable_resource_carries_the_stages_tags():
    template = stack(seed_dataset="s3://bucket/messages.jsonl").to_json()
    untaggable = {SELECTION, POLICY, "AWS::SQS::QueuePolicy"}
    for name, resource in template["Resources"].items():
        if resource["Type"] not in untaggable and not resource["Type"].startswith("Custom::"):
            assert "messages:stack" in str(resource["Properties"]), name


def test_code_that_was_uploaded_unreadable_is_not_used_again():
    """The CDK alone makes the same hash of the same files, whether Lambda can read them or not."""
    asset = s3_assets.Asset(
        Stack(App()),
        "Asset",
        path=str(PROJECT),
        exclude=_all_but(module_files("functions.seed_messages")),
        ignore_mode=IgnoreMode.GIT,
    )
    functions = stack().find_resources("AWS::Lambda::Function")
    keys = {function["Properties"]["Code"]["S3Key"] for function in functions.values()}
    assert f"{asset.asset_hash}.zip" not in keys
