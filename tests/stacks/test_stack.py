"""What the template of a stage has, and what it must not have."""

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
from stacks.function import PROJECT, _all_but, module_files
from stacks.messages_stack import MessagesStack
from stacks.settings import Settings
from tests.support.templates import ITEMS, PLAN, ROLE, SELECTION, TABLE, VAULT, only, replica, stack, statements


def test_the_table_has_text_keys_recovery_and_the_stages_name():
    table = only(stack(), TABLE)
    assert table["Properties"]["TableName"] == "Messages"
    assert table["Properties"]["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]
    assert {d["AttributeType"] for d in table["Properties"]["AttributeDefinitions"]} == {"S"}
    assert replica(stack())["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True,
        "RecoveryPeriodInDays": 7,
    }
    assert table["Properties"]["SSESpecification"] == {"SSEEnabled": False}
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Delete", "Delete")


def test_recovery_can_be_off():
    specification = replica(stack(pitr_days=0))["PointInTimeRecoverySpecification"]
    assert specification == {"PointInTimeRecoveryEnabled": False}


def test_a_protected_and_kept_table():
    template = stack(stage="prod", deletion_protection=True, retain_table=True)
    assert replica(template)["DeletionProtectionEnabled"] is True
    assert only(template, TABLE)["DeletionPolicy"] == "RetainExceptOnCreate"
    assert only(template, TABLE)["Properties"]["TableName"] == "Messages-prod"


def test_on_demand_is_the_default_and_may_be_bounded():
    assert only(stack(), TABLE)["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
    bounded = stack(max_read_units=40, max_write_units=20)
    table = only(bounded, TABLE)["Properties"]
    assert table["WriteOnDemandThroughputSettings"] == {"MaxWriteRequestUnits": 20}
    assert replica(bounded)["ReadOnDemandThroughputSettings"] == {"MaxReadRequestUnits": 40}


def test_on_demand_bounds_hold_for_the_index_too():
    """An index has its own, and without them no limit: DynamoDB guide, on-demand capacity mode."""
    bounded = stack(max_read_units=40, max_write_units=20)
    (index,) = only(bounded, TABLE)["Properties"]["GlobalSecondaryIndexes"]
    assert index["WriteOnDemandThroughputSettings"] == {"MaxWriteRequestUnits": 20}
    (reads,) = replica(bounded)["GlobalSecondaryIndexes"]
    assert reads["ReadOnDemandThroughputSettings"] == {"MaxReadRequestUnits": 40}


def test_the_capacity_of_the_seed_systems_is_five_and_five():
    template = stack(billing_mode="provisioned")
    assert only(template, TABLE)["Properties"]["BillingMode"] == "PROVISIONED"
    scaling = only(template, TABLE)["Properties"]["WriteProvisionedThroughputSettings"]
    bounds = scaling["WriteCapacityAutoScalingSettings"]
    assert (bounds["MinCapacity"], bounds["MaxCapacity"]) == (5, 5)
    assert replica(template)["ReadProvisionedThroughputSettings"] == {"ReadCapacityUnits": 5}


def test_provisioned_capacity_scales_within_its_bounds():
    template = stack(
        billing_mode="provisioned", read_capacity=6, max_read_capacity=60, write_capacity=4, max_write_capacity=40
    )
    read = replica(template)["ReadProvisionedThroughputSettings"]["ReadCapacityAutoScalingSettings"]
    write = only(template, TABLE)["Properties"]["WriteProvisionedThroughputSettings"]
    assert (read["MinCapacity"], read["MaxCapacity"]) == (6, 60)
    assert write["WriteCapacityAutoScalingSettings"]["MinCapacity"] == 4
    assert write["WriteCapacityAutoScalingSettings"]["MaxCapacity"] == 40


def test_whatever_scales_begins_with_its_minimum_after_another_billing_mode():
    """Table and index, reads and writes: CloudFormation refuses the switch without it."""
    template = stack(
        billing_mode="provisioned", read_capacity=6, max_read_capacity=60, write_capacity=4, max_write_capacity=40
    )
    found = [*scalings(only(template, TABLE))]
    assert [one["SeedCapacity"] for one in found] == [one["MinCapacity"] for one in found]
    assert sorted(one["SeedCapacity"] for one in found) == [4, 4, 6, 6]


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
    template = stack(customer_key=True, region="eu-west-1")
    (key_id,) = template.find_resources("AWS::KMS::Key")
    key = only(template, "AWS::KMS::Key")
    assert (key["DeletionPolicy"], key["Properties"]["EnableKeyRotation"]) == ("RetainExceptOnCreate", True)
    assert only(template, "AWS::KMS::Alias")["DeletionPolicy"] == "RetainExceptOnCreate"
    assert only(template, TABLE)["Properties"]["SSESpecification"]["SSEType"] == "KMS"
    assert replica(template)["SSESpecification"]["KMSMasterKeyId"] == {"Fn::GetAtt": [key_id, "Arn"]}
    assert only(template, VAULT)["Properties"]["EncryptionKeyArn"] == {"Fn::GetAtt": [key_id, "Arn"]}
    # A vault's key is create-only: with a key it is another vault.
    assert "Messages-dev-k" in str(only(template, VAULT)["Properties"]["BackupVaultName"])


def test_without_a_customer_key_there_is_none():
    stack().resource_count_is("AWS::KMS::Key", 0)
    assert "EncryptionKeyArn" not in only(stack(), VAULT)["Properties"]


def test_vault_and_backup_role_outlive_the_stack_and_can_be_found():
    vault, template = only(stack(), VAULT), stack()
    # Except on create: what a failed first deployment made must not stay behind.
    kept = ("RetainExceptOnCreate", "Retain")
    assert (vault["DeletionPolicy"], vault["UpdateReplacePolicy"]) == kept
    assert vault["Properties"]["BackupVaultTags"] == {"messages:stack": "Messages-dev", "messages:table": "Messages"}
    assert "AWS::StackId" in str(vault["Properties"]["BackupVaultName"])
    kept = [role for role in template.find_resources(ROLE).values() if "DeletionPolicy" in role]
    (role,) = kept
    assert role["DeletionPolicy"] == "RetainExceptOnCreate"
    assert role["Properties"]["Path"] == "/messages/"
    assert {"Key": "messages:stack", "Value": "Messages-dev"} in role["Properties"]["Tags"]
    # Its permissions are its own: a policy resource would go with the stack.
    assert role["Properties"]["Policies"]
    assert "ManagedPolicyArns" not in role["Properties"]


def test_the_restore_role_reaches_tables_named_after_the_table_and_goes_with_the_stack():
    roles = stack().find_resources(
        ROLE, {"Properties": {"Tags": Match.array_with([{"Key": "messages:purpose", "Value": "restore"}])}}
    )
    ((name, role),) = roles.items()
    assert "DeletionPolicy" not in role
    assert role["Properties"]["Path"] == "/messages/"
    assert stack().find_outputs("RestoreRoleArn")["RestoreRoleArn"]["Value"] == {"Fn::GetAtt": [name, "Arn"]}
    target, backups = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert target["Resource"]["Fn::Join"][1][-1] == ":table/Messages.*"
    assert "dynamodb:RestoreTableFromAwsBackup" in target["Action"]
    assert backups["Action"] == "dynamodb:RestoreTableFromBackup"
    assert "dynamodb:DeleteTable" not in str(role)


def test_the_restore_role_may_use_the_customer_key_through_the_services_alone():
    template = stack(customer_key=True, region="eu-west-1")
    (role,) = template.find_resources(
        ROLE, {"Properties": {"Tags": Match.array_with([{"Key": "messages:purpose", "Value": "restore"}])}}
    ).values()
    keyed = [s for s in role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"] if "kms:" in str(s["Action"])]
    assert {"kms:ViaService", "kms:GrantIsForAWSResource"} == {
        condition for s in keyed for test in s.get("Condition", {}).values() for condition in test
    }


def test_backups_that_go_with_the_stack_go_before_their_vault_role_and_plan():
    template = stack(backups_on_destroy="delete", customer_key=True, region="eu-west-1")
    assert (only(template, VAULT)["DeletionPolicy"]) == "Delete"
    retained = [r for r in template.to_json()["Resources"].values() if r.get("DeletionPolicy", "Delete") != "Delete"]
    assert retained == []
    emptying = only(template, "Custom::VaultEmptying")
    kept_until_then = {name[: -len("12345678")] for name in emptying["DependsOn"]}
    assert {"BackupVault", "BackupRole", "BackupPlan", "BackupPlanTable"} <= kept_until_then


def test_the_key_of_a_kept_table_is_kept_without_any_backup():
    template = stack(backups_on_destroy="delete", retain_table=True, customer_key=True, region="eu-west-1")
    assert only(template, "AWS::KMS::Key")["DeletionPolicy"] == "RetainExceptOnCreate"


def test_restores_are_tested_where_a_stage_says_so():
    template = stack(restore_testing=True)
    plan = only(template, "AWS::Backup::RestoreTestingPlan")["Properties"]
    assert plan["RestoreTestingPlanName"] == "Messages_dev"
    assert plan["RecoveryPointSelection"]["RecoveryPointTypes"] == ["SNAPSHOT"]
    selection = only(template, "AWS::Backup::RestoreTestingSelection")["Properties"]
    assert selection["ProtectedResourceType"] == "DynamoDB"
    stack().resource_count_is("AWS::Backup::RestoreTestingPlan", 0)


def test_backups_are_kept_unless_a_stage_says_otherwise():
    stack().resource_count_is("Custom::VaultEmptying", 0)


@pytest.mark.parametrize("key", [{}, {"customer_key": True, "region": "eu-west-1"}])
def test_the_vaults_longest_name_fits(key):
    name = only(stack(stage="s" * 31, **key), VAULT)["Properties"]["BackupVaultName"]
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
    plan = only(template, PLAN)["Properties"]["BackupPlan"]
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
    selection = only(stack(), SELECTION)["Properties"]["BackupSelection"]
    assert selection["Resources"] == [{"Fn::GetAtt": [table_id, "Arn"]}]
    assert "ListOfTags" not in selection


def test_a_rule_can_be_left_out():
    plan = only(stack(monthly_backup_retention_days=0), PLAN)["Properties"]["BackupPlan"]
    assert [rule["RuleName"] for rule in plan["BackupPlanRule"]] == ["daily"]


def test_without_rules_there_is_no_plan_but_still_a_vault():
    template = stack(daily_backup_retention_days=0, monthly_backup_retention_days=0)
    template.resource_count_is(PLAN, 0)
    template.resource_count_is(SELECTION, 0)
    template.resource_count_is(VAULT, 1)
    assert "BackupPlanId" not in template.find_outputs("*")


def test_the_template_shows_what_the_seed_writes():
    seed = only(stack(), "Custom::MessageSeed")["Properties"]
    assert seed["Messages"] == ITEMS
    assert set(seed) == {"ServiceToken", "TableName", "Messages"}


@pytest.mark.parametrize(
    "body", ["${Token[TOKEN.1]}", "#{Token[TOKEN.12]}", "{{resolve:ssm:/x}}", "${AWS::Region}", "${Table}"]
)
def test_text_that_a_template_would_replace_travels_as_a_file(body):
    app, template, _ = large_stack(1, body=body)
    assert "Digest" in only(template, "Custom::MessageSeed")["Properties"]
    (file,) = Path(app.outdir).glob("asset.*.jsonl")
    assert json.loads(file.read_text())["Body"] == f"{body}0"


@pytest.mark.parametrize(
    "attributes", [{"Ref": "PO-17"}, {"Meta": {"Fn::GetAtt": ["a", "b"]}}, {"Lines": [{"Fn::Transform": {}}]}]
)
def test_attributes_named_like_functions_of_a_template_travel_as_a_file(attributes):
    app, template, (item,) = large_stack(1, attributes=attributes)
    assert "Digest" in only(template, "Custom::MessageSeed")["Properties"]
    (file,) = Path(app.outdir).glob("asset.*.jsonl")
    assert json.loads(file.read_text()) == to_wire(item)


@pytest.mark.parametrize("body", ['say "Ref": it', "Fn::GetAtt", "$5 {each}"])
def test_text_that_only_looks_like_that_stays_in_the_template(body):
    _, template, _ = large_stack(1, body=body)
    (item,) = only(template, "Custom::MessageSeed")["Properties"]["Messages"]
    assert item["Body"] == f"{body}0"


def large_stack(count, body="x" * 300, attributes=None):
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
    return app, Template.from_stack(MessagesStack(app, settings=Settings(), items=items)), items


def test_a_large_seed_travels_as_a_file_with_its_digest():
    app, template, items = large_stack(1000)
    seed = only(template, "Custom::MessageSeed")["Properties"]
    assert set(seed) == {"ServiceToken", "TableName", "Bucket", "Key", "Digest"}
    (file,) = Path(app.outdir).glob("asset.*.jsonl")
    assert file.name == f"asset.{seed['Key']}"
    assert [json.loads(line)["Body"] for line in file.read_text().splitlines()] == [item["Body"] for item in items]
    assert seed["Digest"] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_another_text_is_another_digest():
    digests = {
        only(large_stack(200, body=body * 300)[1], "Custom::MessageSeed")["Properties"]["Digest"] for body in "xy"
    }
    assert len(digests) == 2


def test_the_functions_log_into_groups_that_go_with_the_stack_and_cannot_make_one():
    groups = stack().find_resources("AWS::Logs::LogGroup")
    for group in groups.values():
        assert (group["DeletionPolicy"], group["Properties"]["RetentionInDays"]) == ("Delete", 30)
    for function in stack().find_resources("AWS::Lambda::Function").values():
        assert function["Properties"]["LoggingConfig"]["LogGroup"]["Ref"] in groups
    assert "logs:CreateLogGroup" not in str(statements(stack()))
    stack().resource_properties_count_is(ROLE, {"ManagedPolicyArns": Match.any_value()}, 0)


def test_the_seeding_function_says_what_it_is_and_takes():
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


@pytest.mark.parametrize("settings", [{}, {"customer_key": True, "region": "eu-west-1"}], ids=["plain", "customer key"])
def test_a_wildcard_resource_only_where_the_action_knows_no_other(settings):
    wild = [s for s in statements(stack(**settings)) if s["Resource"] == "*"]
    assert {s["Action"] for s in wild} == {"dynamodb:ListStreams", "tag:GetResources"}


def test_the_outputs_are_a_contract():
    assert set(stack().find_outputs("*")) == {
        "TableName",
        "TableArn",
        "BackupVaultName",
        "BackupPlanId",
        "BackupRoleArn",
        "RestoreRoleArn",
        "FailureQueueUrl",
        "SeededCount",
        "SeedTotal",
        "SeedWritten",
        "SeedUnchanged",
        "SeedPreserved",
        "SeedRemoved",
    }


def test_every_taggable_resource_carries_the_stages_tags():
    template = stack().to_json()
    untaggable = {SELECTION, "AWS::IAM::Policy", "AWS::SQS::QueuePolicy", "Custom::MessageSeed"}
    for name, resource in template["Resources"].items():
        if resource["Type"] not in untaggable:
            assert "messages:stack" in str(resource["Properties"]), name


def test_code_that_was_uploaded_unreadable_is_not_used_again():
    """Of the same files the CDK alone makes the same hash, readable by Lambda or not."""
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
