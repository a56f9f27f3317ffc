"""The committed templates are what the app synthesizes; a setting changes what follows from it."""

import re

import pytest

from tests.snapshots import FOLDER, MOST_LINES, file, snapshot, stages
from tests.support.templates import stack


def changed(before: str, after: str) -> set[str]:
    """The resources and outputs, hashes aside, that two snapshots have differently."""
    old, new = parts(before), parts(after)
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def parts(text: str) -> dict[str, str]:
    """Every resource and every output, by its name."""
    found: dict[str, str] = {}
    for section in re.split(r"^(?=\w+:)", text, flags=re.MULTILINE):
        for part in re.split(r"^(?=  \w+:)", section, flags=re.MULTILINE)[1:]:
            name = part.split(":")[0].strip()
            found[re.sub(r"[0-9A-F]{8}$", "", name)] = part
    return found


@pytest.mark.parametrize("stage", stages())
def test_the_snapshot_is_what_the_app_synthesizes(stage):
    committed = file(stage).read_text()
    # In this order pytest shows what is new with a plus.
    assert snapshot(stage) == committed, "run `make snapshots` and read the diff"


@pytest.mark.parametrize("stage", stages())
def test_a_snapshot_can_be_read(stage):
    text = file(stage).read_text()
    assert len(text.splitlines()) < MOST_LINES
    assert not re.search(r"[0-9a-f]{64}", text), "a hash of an asset changes with every line of code"


def test_there_is_a_snapshot_of_every_stage_and_of_no_other():
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(stages())


TABLE, PLAN, SEED = "MessagesTable", "BackupPlan", "Seed"


@pytest.mark.parametrize(
    ("setting", "follows"),
    [
        ({"billing_mode": "provisioned"}, {TABLE}),
        ({"max_write_units": "100"}, {TABLE}),
        ({"pitr_days": "35"}, {TABLE}),
        ({"deletion_protection": "true"}, {TABLE}),
        ({"retain_table": "true"}, {TABLE}),
        ({"daily_backup_retention_days": "14"}, {PLAN}),
        ({"monthly_backup_retention_days": "365"}, {PLAN}),
        ({"backup_time": "03:30"}, {PLAN}),
        ({"time_zone": "Europe/Berlin"}, {PLAN}),
        (
            {"daily_backup_retention_days": "0", "monthly_backup_retention_days": "0"},
            {PLAN, "BackupPlanTable", "BackupPlanId"},
        ),
        ({"table_name": "Other"}, {TABLE, "BackupVault", "BackupRestoreRole", "BackupPlanTable"}),
        ({"user_pool_id": "eu-west-1_Ab1cD2eF3"}, {SEED, "SeedSeedingRoleDefaultPolicy", "UserPoolId"}),
    ],
    # Not the sets: their order differs from process to process.
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_setting_changes_only_what_follows_from_it(setting, follows):
    assert changed(snapshot("dev"), snapshot("dev", **setting)) == follows


def test_alarms_only_add():
    before, after = parts(snapshot("dev")), parts(snapshot("dev", alarms="true"))
    assert {name: after[name] for name in before} == before
    added = {re.match(r"Alarms|Alarm|Monitoring", name) for name in after.keys() - before.keys()}
    assert None not in added


def test_tags_change_every_taggable_resource_and_nothing_else_of_it():
    tagged = snapshot("dev", tags='{"team": "chat"}')
    assert tagged.replace(", team: chat", "") == snapshot("dev")


# What others describe: a policy belongs to its role, queue or topic, a permission to its function.
UNDESCRIBED = {
    "AWS::Backup::BackupSelection",
    "AWS::CloudWatch::Dashboard",
    "AWS::IAM::Policy",
    "AWS::Lambda::Permission",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::KMS::Alias",
}


@pytest.mark.parametrize("settings", [{}, {"customer_key": True, "region": "eu-west-1"}], ids=str)
def test_every_resource_says_what_it_is_for(settings):
    template = stack(alarms=True, restore_testing=True, **settings).to_json()
    silent = [
        name
        for name, resource in template["Resources"].items()
        if resource["Type"] not in UNDESCRIBED
        and not {"Description", "AlarmDescription"} & resource.get("Properties", {}).keys()
        and "Description" not in resource.get("Metadata", {})
    ]
    assert silent == []


def test_every_output_says_what_it_is():
    outputs = stack().to_json()["Outputs"]
    assert all(output.get("Description") for output in outputs.values())
