"""CloudFormation's two kinds of table.

Sources: the registry schemas of AWS::DynamoDB::Table and AWS::DynamoDB::GlobalTable;
aws-cdk#11208 and serverless#2181 (a taken name); CloudFormation reference, CapacityAutoScalingSettings (SeedCapacity).
"""

import pytest

from embedded_aws.cloudformation.table_resources import check_billing
from embedded_aws.tests.support.stacks import Stack, resource
from embedded_aws.tests.support.steps import KEY, KEYED, NOT_FOUND, code_of

PROTECTED = (
    "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."
)
# What both kinds have under one name; the global table has the settings of a replica inside of it.
SHARED = KEYED | {
    "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
    "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
}
SETTINGS = {
    "DeletionProtectionEnabled": True,
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7},
    "TableClass": "STANDARD_INFREQUENT_ACCESS",
    "Tags": [{"Key": "project", "Value": "messages"}],
}
ENCRYPTION = {"SSEEnabled": True, "SSEType": "KMS"}


def _table(**settings):
    properties = SHARED | {
        "SSESpecification": ENCRYPTION | {"KMSMasterKeyId": KEY},
        "OnDemandThroughput": {"MaxReadRequestUnits": 50, "MaxWriteRequestUnits": 40},
    }
    return resource("AWS::DynamoDB::Table", properties | SETTINGS | settings)


def _global_table(region="us-east-1", **settings):
    replica = {
        "Region": region,
        "SSESpecification": {"KMSMasterKeyId": KEY},
        "ReadOnDemandThroughputSettings": {"MaxReadRequestUnits": 50},
    }
    top = {name: settings.pop(name) for name in list(settings) if name not in SETTINGS}
    properties = SHARED | {
        "SSESpecification": ENCRYPTION,
        "WriteOnDemandThroughputSettings": {"MaxWriteRequestUnits": 40},
        "Replicas": [replica | SETTINGS | settings],
    }
    return resource("AWS::DynamoDB::GlobalTable", properties | top)


@pytest.fixture(params=[_table, _global_table], ids=["Table", "GlobalTable"])
def make(request):
    """Make a resource of either kind, with the same settings; arguments replace some."""
    return request.param


def _described(dynamodb, table):
    return dynamodb.describe_table(TableName=table)["Table"]


def test_a_table_follows_its_template_and_can_be_protected(stack, dynamodb, make, recovery_of, expiry_of):
    table = stack.create(Table=make()).output("Table")
    assert stack.status == "CREATE_COMPLETE"
    shown = _described(dynamodb, table)
    assert shown["DeletionProtectionEnabled"] is True
    assert shown["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    units = shown["ProvisionedThroughput"]
    assert (units["ReadCapacityUnits"], units["WriteCapacityUnits"]) == (0, 0)
    assert shown["OnDemandThroughput"] == {"MaxReadRequestUnits": 50, "MaxWriteRequestUnits": 40}
    assert shown["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert shown["SSEDescription"]["KMSMasterKeyArn"] == KEY
    assert shown["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert recovery_of(table)["RecoveryPeriodInDays"] == 7
    assert expiry_of(table) == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
    # cloudFormationSystemTags is false in both schemas: no aws:cloudformation: tags.
    tags = dynamodb.list_tags_of_resource(ResourceArn=shown["TableArn"])["Tags"]
    assert tags == [{"Key": "project", "Value": "messages"}]

    dynamodb.put_item(TableName=table, Item={"pk": {"S": "one"}})
    changed = {
        "DeletionProtectionEnabled": False,
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": "14"},
        "TableClass": "STANDARD",
        "Tags": [{"Key": "project", "Value": "other"}],
        "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": False},
    }
    stack.update(Table=make(**changed))
    assert (stack.status, stack.output("Table")) == ("UPDATE_COMPLETE", table)
    shown = _described(dynamodb, table)
    assert shown["DeletionProtectionEnabled"] is False
    assert shown["TableClassSummary"]["TableClass"] == "STANDARD"
    assert recovery_of(table)["RecoveryPeriodInDays"] == 14
    assert expiry_of(table)["TimeToLiveStatus"] == "DISABLED"
    assert dynamodb.list_tags_of_resource(ResourceArn=shown["TableArn"])["Tags"] == changed["Tags"]
    assert dynamodb.scan(TableName=table)["Count"] == 1
    assert stack.update(Table=make(PointInTimeRecoverySpecification={})).status == "UPDATE_COMPLETE"
    assert recovery_of(table) == {"PointInTimeRecoveryStatus": "DISABLED"}

    stack.update(Table=make())
    assert stack.delete().status == "DELETE_FAILED"
    assert stack.events("Table")[-1] == ("DELETE_FAILED", PROTECTED)
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    assert stack.delete().status == "DELETE_COMPLETE"
    assert code_of(dynamodb.describe_table, TableName=table) == NOT_FOUND
    assert len(dynamodb.list_backups(TableName=table, BackupType="SYSTEM")["BackupSummaries"]) == 1


def test_a_table_that_is_gone_is_not_made_again_by_an_update(stack, dynamodb, make):
    table = stack.create(Table=make(DeletionProtectionEnabled=False)).output("Table")
    dynamodb.delete_table(TableName=table)
    stack.update(Table=make(DeletionProtectionEnabled=False, PointInTimeRecoverySpecification={}))
    reasons = [reason for status, reason in stack.events("Table") if status == "UPDATE_FAILED"]
    assert reasons[0].endswith(f"with identifier '{table}' was not found.")
    assert code_of(dynamodb.describe_table, TableName=table) == NOT_FOUND


def test_a_taken_name_fails_the_creation_and_a_retained_table_can_be_taken_over(client, stack, dynamodb, make, table):
    """The latter as `cdk deploy --import-existing-resources` does (aws-cdk CLI reference)."""
    stack.create(Table=make(TableName=table))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert ("CREATE_FAILED", f"{table} already exists") in stack.events("Table")
    other = Stack(client, f"{stack.name}-2").take_over(Table=make(TableName=table) | {"DeletionPolicy": "Retain"})
    assert "IMPORT_COMPLETE" in [status for status, _ in other.events("Table")]
    assert dynamodb.scan(TableName=table)["Count"] == 2


def test_a_changed_key_replaces_a_table_and_a_retained_one_survives_its_stack(client, stack, dynamodb, make, name):
    first = stack.create(Table=make(DeletionProtectionEnabled=False)).output("Table")
    other = {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }
    retained = make(**other) | {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    second = stack.update(Table=retained).output("Table")
    assert (stack.status, second != first) == ("UPDATE_COMPLETE", True)
    assert _described(dynamodb, first)["KeySchema"] == KEYED["KeySchema"]
    dynamodb.put_item(TableName=second, Item={"id": {"S": "one"}})
    assert stack.delete().status == "DELETE_COMPLETE"
    assert stack.events("Table")[-1][0] == "DELETE_SKIPPED"
    again = Stack(client, name).create(Table=retained)
    assert (again.status, again.output("Table") != second) == ("CREATE_COMPLETE", True)
    assert dynamodb.scan(TableName=second)["Count"] == 1


def test_a_named_table_is_renamed_and_not_replaced_under_its_name(stack, make, name, recovery_of):
    open_ = {"DeletionProtectionEnabled": False}
    stack.create(Table=make(TableName=name, **open_))
    other = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]}
    other["AttributeDefinitions"] = [{"AttributeName": "id", "AttributeType": "S"}]
    assert stack.update(Table=make(TableName=name, **open_, **other)).status == "UPDATE_ROLLBACK_COMPLETE"
    reasons = [reason for status, reason in stack.events("Table") if status == "UPDATE_FAILED"]
    assert "cannot update a stack when a custom-named resource requires replacing" in reasons[0]
    assert stack.update(Table=make(TableName=f"{name}-new", **open_)).output("Table") == f"{name}-new"
    assert recovery_of(f"{name}-new")["RecoveryPeriodInDays"] == 7


def _on_demand():
    return _global_table(DeletionProtectionEnabled=False)


def _provisioned(reads=4, **scaling):
    """The global table with provisioned capacity; ``scaling`` adds to its settings of writes."""
    definition = _on_demand()
    properties = definition["Properties"]
    del properties["WriteOnDemandThroughputSettings"]
    (replica,) = properties["Replicas"]
    del replica["ReadOnDemandThroughputSettings"]
    writes = {"MinCapacity": 3, "MaxCapacity": 9} | scaling
    writes["TargetTrackingScalingPolicyConfiguration"] = {"TargetValue": 70}
    properties["BillingMode"] = "PROVISIONED"
    properties["WriteProvisionedThroughputSettings"] = {"WriteCapacityAutoScalingSettings": writes}
    replica["ReadProvisionedThroughputSettings"] = {"ReadCapacityUnits": reads}
    return definition


def test_a_global_table_changes_its_billing_mode_only_with_a_seed_capacity(client, stack, dynamodb, name):
    """The rollback of a switch to on demand would need it, so the template before the switch must have it."""
    table = stack.create(Table=_on_demand()).output("Table")

    def updated(definition):
        status = stack.update(Table=definition).status
        shown = _described(dynamodb, table)
        units = shown["ProvisionedThroughput"]
        mode = shown.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")
        return status, mode, (units["ReadCapacityUnits"], units["WriteCapacityUnits"])

    def reason():
        return [why for status, why in stack.events("Table") if status == "UPDATE_FAILED"][-1]

    assert updated(_provisioned()) == ("UPDATE_ROLLBACK_COMPLETE", "PAY_PER_REQUEST", (0, 0))
    assert "When switching billing mode to Provisioned" in reason()
    assert "SeedCapacity" in reason()
    assert updated(_provisioned(SeedCapacity=3)) == ("UPDATE_COMPLETE", "PROVISIONED", (4, 3))
    assert updated(_provisioned(reads=5)) == ("UPDATE_COMPLETE", "PROVISIONED", (5, 3))
    assert updated(_on_demand()) == ("UPDATE_ROLLBACK_COMPLETE", "PROVISIONED", (5, 3))
    assert reason().startswith("Invalid request provided: When switching billing mode to OnDemand, ")
    assert updated(_provisioned(reads=5, SeedCapacity=3))[0] == "UPDATE_COMPLETE"
    assert updated(_on_demand()) == ("UPDATE_COMPLETE", "PAY_PER_REQUEST", (0, 0))
    far = Stack(client, f"{name}-far").create(Table=_global_table(region="eu-west-1"))
    assert far.status == "ROLLBACK_COMPLETE", "without a replica in the region of the stack"


PLACES = ("writes", "writes of an index", "reads", "reads of an index")


def _scaled(place="", **settings):
    """A provisioned table whose capacities scale, all with a seed but that of ``place``."""

    def capacity(kind, where):
        scaling = {"MinCapacity": 3, "MaxCapacity": 9} | ({} if where == place else {"SeedCapacity": 3})
        return {f"{kind}ProvisionedThroughputSettings": {f"{kind}CapacityAutoScalingSettings": scaling}}

    replica = {"GlobalSecondaryIndexes": [capacity("Read", PLACES[3])]} | capacity("Read", PLACES[2])
    index = capacity("Write", PLACES[1])
    return {"GlobalSecondaryIndexes": [index], "Replicas": [replica]} | capacity("Write", PLACES[0]) | settings


@pytest.mark.parametrize("place", PLACES)
def test_every_autoscaled_capacity_needs_a_seed_capacity(place):
    on_demand = {"BillingMode": "PAY_PER_REQUEST"}
    # Without a mode a global table is provisioned.
    check_billing(on_demand, _scaled())
    check_billing(_scaled(BillingMode="PROVISIONED"), on_demand)
    check_billing(_scaled(place), _scaled(place))
    with pytest.raises(ValueError, match="to Provisioned"):
        check_billing(on_demand, _scaled(place))
    with pytest.raises(ValueError, match="to OnDemand"):
        check_billing(_scaled(place), on_demand)


def _replicated(*regions, protected=()):
    replicas = [{"Region": region, "DeletionProtectionEnabled": region in protected} for region in regions]
    stream = {"StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"}}
    return {"Table": resource("AWS::DynamoDB::GlobalTable", KEYED | stream | {"Replicas": replicas})}


def test_replicas_come_and_go_one_at_a_time_and_not_while_they_are_protected(client, stack, dynamodb, name):
    """Sources: CloudFormation reference, AWS::DynamoDB::GlobalTable, Replicas; DynamoDB guide, deletion protection."""
    home, west, east = "us-east-1", "eu-west-1", "ap-east-1"
    stack.create(**_replicated(home))

    def refused(table):
        assert stack.update(**table).status == "UPDATE_ROLLBACK_COMPLETE"
        return [reason for status, reason in stack.events("Table") if status == "UPDATE_FAILED"][-1]

    assert refused(_replicated(home, west, east)) == "Only one replica can be added or deleted in a single update"
    assert stack.update(**_replicated(home, west, protected=[west])).status == "UPDATE_COMPLETE"
    assert refused(_replicated(home)) == PROTECTED
    assert stack.update(**_replicated(home, west)).status == "UPDATE_COMPLETE"
    assert stack.update(**_replicated(home)).status == "UPDATE_COMPLETE"
    assert stack.delete().status == "DELETE_COMPLETE"

    other = Stack(client, f"{name}-2").create(**_replicated(home, west, protected=[west]))
    assert other.delete().status == "DELETE_FAILED"
    assert other.events("Table")[-1] == ("DELETE_FAILED", PROTECTED)
    dynamodb.delete_table(TableName=other.output("Table"))
    assert other.delete().status == "DELETE_COMPLETE"


def test_a_global_table_may_leave_out_the_attribute_of_a_time_to_live_that_is_off(client, stack, name, expiry_of):
    properties = _global_table(DeletionProtectionEnabled=False)["Properties"]
    off = resource("AWS::DynamoDB::GlobalTable", properties | {"TimeToLiveSpecification": {"Enabled": False}})
    table = stack.create(Table=_global_table()).output("Table")
    assert expiry_of(table)["TimeToLiveStatus"] == "ENABLED"
    assert stack.update(Table=off).status == "UPDATE_COMPLETE"
    assert expiry_of(table)["TimeToLiveStatus"] == "DISABLED"
    made = Stack(client, f"{name}-2").create(Table=off)
    assert made.status == "CREATE_COMPLETE"
    assert expiry_of(made.output("Table")) == {"TimeToLiveStatus": "DISABLED"}
