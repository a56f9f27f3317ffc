"""What is committed of the generated files is current; a setting changes in a template what follows from it."""

import re

import pytest

from tests.conftest import PROJECT
from tests.snapshots import FOLDER, context, snapshot
from tests.support.generated import TESTED, accepted
from tests.support.templates import KEYED, stack

# A snapshot that is longer would not be read.
MOST_LINES = 1000
TABLE, PLAN, SEED = "MessagesTable", "BackupPlan", "Seed"
NO_RULES = {"daily_backup_retention_days": "0", "monthly_backup_retention_days": "0"}


def test_what_is_generated_is_current():
    old = [str(path.relative_to(PROJECT)) for path, text in accepted(TESTED).items() if path.read_text() != text]
    assert old == [], "run `make accept` and read the difference"


def test_there_is_a_snapshot_of_every_stage_that_can_be_read():
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(context()["stages"])
    for path in FOLDER.glob("*.yaml"):
        assert len(path.read_text().splitlines()) < MOST_LINES
        assert not re.search(r"[0-9a-f]{64}", path.read_text()), "a hash of an asset changes with every line of code"


def parts(text: str) -> dict[str, str]:
    """Every resource and every output of a snapshot, by its name without the hash."""
    found: dict[str, str] = {}
    for section in re.split(r"^(?=\w+:)", text, flags=re.MULTILINE):
        for part in re.split(r"^(?=  \w+:)", section, flags=re.MULTILINE)[1:]:
            name = part.split(":")[0].strip()
            found[re.sub(r"[0-9A-F]{8}$", "", name)] = part
    return found


@pytest.mark.parametrize(
    ("setting", "follows"),
    [
        ({"billing_mode": "provisioned", "pitr_days": "33", "retain_table": "true"}, {TABLE}),
        ({"daily_backup_retention_days": "11", "backup_time": "03:30"}, {PLAN}),
        (NO_RULES, {PLAN, "BackupPlanTable", "BackupPlanId"}),
        ({"table_name": "Other"}, {TABLE, "BackupVault", "BackupRestoreRole", "BackupPlanTable"}),
        ({"user_pool_id": "eu-west-1_Ab1cD2eF3"}, {SEED, "SeedSeedingRoleDefaultPolicy", "UserPoolId"}),
    ],
    # Not the sets: their order differs from process to process.
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_setting_changes_only_what_follows_from_it(setting, follows):
    old, new = parts(snapshot("dev")), parts(snapshot("dev", **setting))
    assert {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)} == follows


def test_alarms_only_add_resources():
    before, after = parts(snapshot("dev")), parts(snapshot("dev", alarms="true"))
    assert {name: after[name] for name in before} == before
    assert [name for name in after.keys() - before.keys() if not re.match(r"Alarms|Alarm|Monitoring", name)] == []


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


def test_every_resource_has_a_description():
    template = stack(alarms=True, restore_testing=True, **KEYED).to_json()
    silent = [
        name
        for name, resource in template["Resources"].items()
        if resource["Type"] not in UNDESCRIBED
        and not {"Description", "AlarmDescription"} & resource.get("Properties", {}).keys()
        and "Description" not in resource.get("Metadata", {})
    ]
    assert silent == []
