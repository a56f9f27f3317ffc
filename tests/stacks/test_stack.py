"""The table, its backups and its seed in the template of a stage, and what must not be there."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template

from model.messages import message_item
from model.wire import to_wire
from stacks.messages_stack import MessagesStack
from stacks.settings import Settings
from tests.support.templates import KEYED, PLAN, SEED, TABLE, VAULT, only, properties, replica, stack

KEY, RETAINED = "AWS::KMS::Key", "RetainExceptOnCreate"
MAPPING, QUEUE = "AWS::Lambda::EventSourceMapping", "AWS::SQS::Queue"
CAPACITY = {"read_capacity": 6, "max_read_capacity": 60, "write_capacity": 4, "max_write_capacity": 40}


def test_provisioned_capacity_is_that_of_the_seed_systems_or_scales_for_table_and_index():
    """CloudFormation refuses the switch from another billing mode without a seed capacity."""
    template = stack(billing_mode="provisioned")
    assert properties(template, TABLE)["BillingMode"] == "PROVISIONED"
    assert replica(template)["ReadProvisionedThroughputSettings"] == {"ReadCapacityUnits": 5}
    assert [scaled["MaxCapacity"] for scaled in scalings(template)] == [5, 5]
    found = scalings(stack(billing_mode="provisioned", **CAPACITY))
    scaled = [(s["SeedCapacity"], s["MinCapacity"], s["MaxCapacity"]) for s in found]
    assert sorted(scaled) == [(4, 4, 40), (4, 4, 40), (6, 6, 60), (6, 6, 60)]


def scalings(template) -> list[dict]:
    """Every auto scaling of table and index."""
    table, reads = properties(template, TABLE), replica(template)
    owners = {
        "Write": (table, *table["GlobalSecondaryIndexes"]),
        "Read": (reads, *reads.get("GlobalSecondaryIndexes", ())),
    }
    settings = [(one[f"{kind}ProvisionedThroughputSettings"], kind) for kind, found in owners.items() for one in found]
    return [one[key] for one, kind in settings if (key := f"{kind}CapacityAutoScalingSettings") in one]


def test_a_customer_key_encrypts_table_and_vault_and_stays():
    template = stack(**KEYED)
    (key_id,) = template.find_resources(KEY)
    key = only(template, KEY)
    assert (key["DeletionPolicy"], key["Properties"]["EnableKeyRotation"]) == (RETAINED, True)
    assert only(template, "AWS::KMS::Alias")["DeletionPolicy"] == RETAINED
    assert properties(template, TABLE)["SSESpecification"]["SSEType"] == "KMS"
    assert replica(template)["SSESpecification"]["KMSMasterKeyId"] == {"Fn::GetAtt": [key_id, "Arn"]}
    assert properties(template, VAULT)["EncryptionKeyArn"] == {"Fn::GetAtt": [key_id, "Arn"]}
    # What is kept would be unreadable without it.
    kept = stack(backups_on_destroy="delete", retain_table=True, **KEYED)
    assert only(kept, TABLE)["DeletionPolicy"] == only(kept, KEY)["DeletionPolicy"] == RETAINED
    # A vault's key is create-only: with a key it is another vault.
    assert "Messages-dev-k" in str(properties(template, VAULT)["BackupVaultName"])


def test_backups_that_are_deleted_with_the_stack_go_before_their_vault_role_and_plan():
    template = stack(backups_on_destroy="delete", **KEYED)
    retained = [r for r in template.to_json()["Resources"].values() if r.get("DeletionPolicy", "Delete") != "Delete"]
    assert retained == []
    kept_until_then = {name[: -len("12345678")] for name in only(template, "Custom::VaultEmptying")["DependsOn"]}
    assert {"BackupVault", "BackupRole", "BackupPlan", "BackupPlanTable"} <= kept_until_then


def test_a_failing_batch_of_the_stream_is_split_retried_within_bounds_and_kept():
    mapping = properties(stack(), MAPPING)
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert (mapping["MaximumRetryAttempts"], mapping["MaximumRecordAgeInSeconds"]) == (10, 3600)
    (queue,) = stack().find_resources(QUEUE)
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": [queue, "Arn"]}
    # A seed's records may be older than the mapping.
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    # What the function writes itself does not invoke it.
    (rule,) = mapping["FilterCriteria"]["Filters"]
    assert json.loads(rule["Pattern"]) == {
        "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "CONVERSATION#"}]}, "sk": {"S": [{"prefix": "MESSAGE#"}]}}}
    }


@pytest.mark.parametrize("key", [{}, KEYED], ids=["plain", "customer key"])
def test_the_vaults_longest_name_fits(key):
    name = properties(stack(stage="s" * 31, **key), VAULT)["BackupVaultName"]
    (literal,) = [part for part in name["Fn::Join"][1] if isinstance(part, str)]
    assert len(literal) + len("1a2b3c4d") <= 50


def test_the_plan_has_daily_and_monthly_rules_in_the_stages_time_zone():
    days = {"daily_backup_retention_days": 35, "monthly_backup_retention_days": 365}
    template = stack(stage="prod", backup_time="03:05", time_zone="Europe/Berlin", **days)
    plan = properties(template, PLAN)["BackupPlan"]
    assert plan["BackupPlanName"] == "Messages-prod"
    rules = {rule["RuleName"]: rule for rule in plan["BackupPlanRule"]}
    found = {name: (r["ScheduleExpression"], r["Lifecycle"]["DeleteAfterDays"]) for name, r in rules.items()}
    assert found == {"daily": ("cron(5 3 * * ? *)", 35), "monthly": ("cron(5 3 1 * ? *)", 365)}
    for rule in rules.values():
        assert rule["ScheduleExpressionTimezone"] == "Europe/Berlin"
        assert "EnableContinuousBackup" not in rule, "not supported for DynamoDB: the plan would fail"


LOCKED = {"vault_lock": "governance", "daily_backup_retention_days": 35, "monthly_backup_retention_days": 365}
FINAL = {"stage": "prod", "vault_lock": "compliance", "vault_lock_confirmed": "Messages-prod for 365 days"}


@pytest.mark.parametrize(
    ("settings", "lock"),
    [
        ({}, None),
        # One retention alone allows only itself.
        (LOCKED | {"monthly_backup_retention_days": 0}, {"MinRetentionDays": 34, "MaxRetentionDays": 35}),
        (LOCKED | FINAL, {"MinRetentionDays": 35, "MaxRetentionDays": 365, "ChangeableForDays": 7}),
    ],
)
def test_a_lock_goes_from_the_shortest_to_the_longest_retention(settings, lock):
    assert properties(stack(**settings), VAULT).get("LockConfiguration") == lock


def seeded(count, body, attributes):
    """The app, the properties of the seed, and the items, of a stage with ``count`` messages."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    items = [
        message_item(
            sender="Tom", recipient="Jerry", body=f"{body}{n}", sent_at=at + timedelta(minutes=n), attributes=attributes
        )
        for n in range(count)
    ]
    app = App()
    template = Template.from_stack(MessagesStack(app, settings=Settings(), items=items))
    return app, properties(template, SEED), items


@pytest.mark.parametrize(
    ("count", "body", "attributes", "as_file"),
    [
        (1000, "x" * 300, {}, True),
        (1, "${Token[TOKEN.1]}", {}, True),
        (1, "#{Token[TOKEN.12]}", {}, True),
        (1, "{{resolve:ssm:/x}}", {}, True),
        (1, "Hi", {"Lines": [{"Fn::Transform": {}}]}, True),
        (1, 'say "Ref": it; Fn::GetAtt costs $5 {each}', {}, False),
    ],
    ids=repr,
)
def test_a_large_seed_and_text_that_a_template_would_replace_travel_as_a_file(count, body, attributes, as_file):
    app, seed, items = seeded(count, body, attributes)
    files = [*Path(app.outdir).glob("asset.*.jsonl")]
    written = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert written + seed.get("Messages", []) == [to_wire(item) for item in items]
    digests = [(file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in files]
    assert digests == ([(f"asset.{seed['Key']}", seed["Digest"])] if as_file else [])
