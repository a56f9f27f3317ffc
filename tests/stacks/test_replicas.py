"""Replicas of the table in other regions."""

from tests.support.templates import SELECTION, TABLE, properties, stack, statements

WIDE = {"region": "eu-west-1", "replica_regions": ("eu-central-1", "us-east-1")}


def replicas(**settings):
    found = properties(stack(**WIDE, **settings), TABLE)["Replicas"]
    return {one["Region"]: {key: value for key, value in one.items() if key != "Region"} for one in found}


def test_each_replica_is_as_the_table_itself():
    found = replicas(deletion_protection=True, pitr_days=9)
    assert set(found) == {"eu-west-1", "eu-central-1", "us-east-1"}
    assert found["eu-central-1"] == found["us-east-1"] == found["eu-west-1"]
    assert found["us-east-1"]["DeletionProtectionEnabled"] is True
    assert found["us-east-1"]["PointInTimeRecoverySpecification"]["RecoveryPeriodInDays"] == 9
    assert {"Key": "messages:stack", "Value": "Messages-dev"} in found["us-east-1"]["Tags"]


def test_provisioned_reads_hold_in_each_region_and_writes_once_for_all():
    found = replicas(billing_mode="provisioned", read_capacity=6, max_read_capacity=60)
    for one in found.values():
        (index,) = one["GlobalSecondaryIndexes"]
        for reads in (one, index):
            scaled = reads["ReadProvisionedThroughputSettings"]["ReadCapacityAutoScalingSettings"]
            assert (scaled["MinCapacity"], scaled["MaxCapacity"]) == (6, 60)
    table = properties(stack(**WIDE, billing_mode="provisioned"), TABLE)
    for writes in (table, *table["GlobalSecondaryIndexes"]):
        assert "WriteCapacityAutoScalingSettings" in writes["WriteProvisionedThroughputSettings"]


def test_on_demand_limits_hold_in_each_region():
    for one in replicas(max_read_units=40).values():
        (index,) = one["GlobalSecondaryIndexes"]
        for reads in (one, index):
            assert reads["ReadOnDemandThroughputSettings"] == {"MaxReadRequestUnits": 40}


def test_lists_are_kept_current_and_backups_made_in_the_home_region_alone():
    template = stack(**WIDE)
    template.resource_count_is("AWS::Lambda::EventSourceMapping", 1)
    granted = [s for s in statements(template) if "dynamodb:" in str(s["Action"])]
    assert "us-east-1" not in str(granted)
    assert len(properties(template, SELECTION)["BackupSelection"]["Resources"]) == 1
