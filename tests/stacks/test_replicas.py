"""Replicas of the table in other regions."""

from tests.support.templates import SELECTION, TABLE, properties, stack, statements

WIDE = {"region": "eu-west-1", "replica_regions": ("eu-central-1", "us-east-1")}
SCALED = {"billing_mode": "provisioned", "read_capacity": 6, "max_read_capacity": 60}


def test_each_replica_is_as_the_table_itself_also_in_its_limits():
    for settings in ({"deletion_protection": True, "pitr_days": 9, "max_read_units": 40}, SCALED):
        found = {one.pop("Region"): one for one in properties(stack(**WIDE, **settings), TABLE)["Replicas"]}
        assert set(found) == {"eu-west-1", "eu-central-1", "us-east-1"}
        assert found["eu-central-1"] == found["us-east-1"] == found["eu-west-1"]
        assert {"Key": "messages:stack", "Value": "Messages-dev"} in found["us-east-1"]["Tags"]


def test_provisioned_writes_scale_once_for_all():
    table = properties(stack(**WIDE, **SCALED), TABLE)
    for writes in (table, *table["GlobalSecondaryIndexes"]):
        assert "WriteCapacityAutoScalingSettings" in writes["WriteProvisionedThroughputSettings"]


def test_lists_are_kept_current_and_backups_made_in_the_home_region_alone():
    template = stack(**WIDE, **SCALED)
    template.resource_count_is("AWS::Lambda::EventSourceMapping", 1)
    assert "us-east-1" not in str([s for s in statements(template) if "dynamodb:" in str(s["Action"])])
    assert len(properties(template, SELECTION)["BackupSelection"]["Resources"]) == 1
