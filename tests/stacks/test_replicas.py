"""Replicas of the table in other regions, and that nothing of the kind comes by itself."""

import json

import pytest

from stacks.context import settings_from_context
from stacks.settings import Settings, SettingsError
from tests.conftest import PROJECT
from tests.support.templates import TABLE, only, replica, stack, statements
from tests.unit.test_settings import context, problem

WIDE = {"region": "eu-west-1", "replica_regions": ("eu-central-1", "us-east-1")}
COMMITTED = json.loads((PROJECT / "cdk.json").read_text())["context"]
# What costs, or cannot be undone, is for a stage to ask for.
OFF = {"vault_lock": "", "copy_region": "", "replica_regions": ()}


def replicas(**settings):
    found = only(stack(**WIDE, **settings), TABLE)["Properties"]["Replicas"]
    return {one.pop("Region"): one for one in found}


def test_each_replica_is_as_the_table_itself():
    found = replicas(deletion_protection=True, pitr_days=9)
    assert set(found) == {"eu-west-1", "eu-central-1", "us-east-1"}
    assert found["eu-central-1"] == found["us-east-1"] == found["eu-west-1"]
    assert found["us-east-1"]["DeletionProtectionEnabled"] is True
    assert found["us-east-1"]["PointInTimeRecoverySpecification"]["RecoveryPeriodInDays"] == 9
    assert {"Key": "messages:stack", "Value": "Messages-dev"} in found["us-east-1"]["Tags"]


def test_each_replica_has_the_reads_of_table_and_index_provisioned():
    found = replicas(billing_mode="provisioned", read_capacity=6, max_read_capacity=60)
    for one in found.values():
        (index,) = one["GlobalSecondaryIndexes"]
        for reads in (one, index):
            scaled = reads["ReadProvisionedThroughputSettings"]["ReadCapacityAutoScalingSettings"]
            assert (scaled["MinCapacity"], scaled["MaxCapacity"]) == (6, 60)


def test_writes_are_provisioned_once_for_all_and_scale():
    table = only(stack(**WIDE, billing_mode="provisioned"), TABLE)["Properties"]
    for writes in (table, *table["GlobalSecondaryIndexes"]):
        assert "WriteCapacityAutoScalingSettings" in writes["WriteProvisionedThroughputSettings"]


def test_on_demand_bounds_hold_in_each_region():
    for one in replicas(max_read_units=40).values():
        (index,) = one["GlobalSecondaryIndexes"]
        for reads in (one, index):
            assert reads["ReadOnDemandThroughputSettings"] == {"MaxReadRequestUnits": 40}


def test_lists_are_kept_current_in_the_home_region_alone():
    template = stack(**WIDE)
    template.resource_count_is("AWS::Lambda::EventSourceMapping", 1)
    table = only(template, TABLE)["Properties"]
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    granted = [s for s in statements(template) if "dynamodb:" in str(s["Action"])]
    assert "us-east-1" not in str(granted)


def test_the_table_alone_is_backed_up():
    selection = only(stack(**WIDE), "AWS::Backup::BackupSelection")["Properties"]
    assert len(selection["BackupSelection"]["Resources"]) == 1


def test_there_is_no_replica_unless_a_stage_says_so():
    assert "us-east-1" not in str(stack(region="eu-west-1").to_json())
    assert "Region" in replica(stack(region="eu-west-1"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"region": None}, "needs the setting 'region'"),
        ({"region": "us-east-1"}, "must not have the setting 'region'"),
        ({"replica_regions": ("Frankfurt",)}, "must be AWS regions"),
        ({"replica_regions": ("",)}, "must be AWS regions"),
        ({"replica_regions": ("us-east-1", "us-east-1")}, "a region twice"),
        ({"customer_key": True}, "cannot be combined with customer_key"),
    ],
)
def test_what_replicas_exclude_is_an_error(changes, said):
    assert said in problem(**WIDE | changes)


@pytest.mark.parametrize(
    ("given", "regions"),
    [
        ("eu-central-1,us-east-1", ("eu-central-1", "us-east-1")),
        (" eu-central-1 , us-east-1 ", ("eu-central-1", "us-east-1")),
        (["us-east-1"], ("us-east-1",)),
        ("", ()),
        ([], ()),
    ],
)
def test_regions_come_as_a_list_or_from_the_command_line(given, regions):
    settings = settings_from_context(context(region="eu-west-1", replica_regions=given))
    assert settings.replica_regions == regions


@pytest.mark.parametrize("given", [5, True, None, {"us-east-1": True}, [1], [["us-east-1"]]])
def test_a_list_of_anything_else_is_refused(given):
    with pytest.raises(SettingsError, match="must be a list of texts"):
        settings_from_context(context(region="eu-west-1", replica_regions=given))


@pytest.mark.parametrize("stage", [*COMMITTED["stages"], "pr-7", "pr-123"])
def test_no_stage_has_lock_copies_or_replicas_by_default(stage):
    settings = settings_from_context(COMMITTED | {"stage": stage})
    assert {name: getattr(settings, name) for name in OFF} == OFF


@pytest.mark.parametrize(
    "line", [{"vault_lock": "governance"}, {"copy_region": "eu-central-1"}, {"replica_regions": ["eu-central-1"]}]
)
def test_prod_switches_each_on_with_one_line(line):
    """Beside its region, which every one that is about regions needs."""
    prod = COMMITTED["stages"]["prod"] | {"region": "eu-west-1"} | line
    settings = settings_from_context(COMMITTED | {"stages": {"prod": prod}, "stage": "prod"})
    assert settings != Settings(stage="prod", region="eu-west-1")
