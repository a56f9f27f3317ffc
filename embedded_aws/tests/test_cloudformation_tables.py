"""CloudFormation's two kinds of table.

Sources: the registry schemas of AWS::DynamoDB::Table and AWS::DynamoDB::GlobalTable;
aws-cdk#11208 and serverless#2181 (a taken name).
"""

import copy

import pytest

from embedded_aws.cloudformation.table_resources import check_billing
from embedded_aws.tests.support.stacks import Stack, resource
from embedded_aws.tests.support.steps import KEYED, code_of

KEY = "arn:aws:kms:us-east-1:000000000000:key/2f1a"
PROTECTED = (
    "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first."
)
ENCRYPTION = {"SSEEnabled": True, "SSEType": "KMS"}
EXPIRY = {"AttributeName": "ttl", "Enabled": True}
SETTINGS = {
    "DeletionProtectionEnabled": True,
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 7},
    "TableClass": "STANDARD_INFREQUENT_ACCESS",
    "Tags": [{"Key": "project", "Value": "messages"}],
}


def _table(**settings):
    properties = KEYED | {
        "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        "TimeToLiveSpecification": EXPIRY,
        "SSESpecification": ENCRYPTION | {"KMSMasterKeyId": KEY},
        "OnDemandThroughput": {"MaxReadRequestUnits": 50, "MaxWriteRequestUnits": 40},
    }
    return resource("AWS::DynamoDB::Table", properties | SETTINGS | settings)


def _global_table(**settings):
    replica = {
        "Region": {"Ref": "AWS::Region"},
        "SSESpecification": {"KMSMasterKeyId": KEY},
        "ReadOnDemandThroughputSettings": {"MaxReadRequestUnits": 50},
    }
    top = {name: settings.pop(name) for name in list(settings) if name not in SETTINGS}
    properties = KEYED | {
        "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        "TimeToLiveSpecification": EXPIRY,
        "SSESpecification": ENCRYPTION,
        "WriteOnDemandThroughputSettings": {"MaxWriteRequestUnits": 40},
        "Replicas": [replica | SETTINGS | settings],
    }
    return resource("AWS::DynamoDB::GlobalTable", properties | top)


@pytest.fixture(params=[_table, _global_table], ids=["Table", "GlobalTable"])
def make(request):
    """Make a resource of either kind, with the same settings; arguments replace some."""
    return request.param


def _recovery(dynamodb, table):
    shown = dynamodb.describe_continuous_backups(TableName=table)
    return shown["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]


def _expiry(dynamodb, table):
    return dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]


def test_a_new_table_has_every_setting_of_the_template(stack, dynamodb, make):
    table = stack.create(Table=make()).output("Table")
    assert stack.status == "CREATE_COMPLETE"
    shown = dynamodb.describe_table(TableName=table)["Table"]
    assert shown["DeletionProtectionEnabled"] is True
    assert shown["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert shown["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
    assert shown["ProvisionedThroughput"]["WriteCapacityUnits"] == 0
    assert shown["OnDemandThroughput"] == {"MaxReadRequestUnits": 50, "MaxWriteRequestUnits": 40}
    assert shown["TableClassSummary"]["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    assert shown["SSEDescription"]["KMSMasterKeyArn"] == KEY
    assert shown["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert _recovery(dynamodb, table)["RecoveryPeriodInDays"] == 7
    assert _expiry(dynamodb, table) == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
    # cloudFormationSystemTags is false in both schemas: no aws:cloudformation: tags.
    tags = dynamodb.list_tags_of_resource(ResourceArn=shown["TableArn"])["Tags"]
    assert tags == [{"Key": "project", "Value": "messages"}]


def test_an_update_changes_settings_and_keeps_the_items(stack, dynamodb, make):
    table = stack.create(Table=make()).output("Table")
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "one"}})
    changed = make(
        DeletionProtectionEnabled=False,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 14},
        TableClass="STANDARD",
        Tags=[{"Key": "project", "Value": "other"}],
        TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": False},
    )
    stack.update(Table=changed)
    assert stack.status == "UPDATE_COMPLETE"
    assert stack.output("Table") == table
    shown = dynamodb.describe_table(TableName=table)["Table"]
    assert shown["DeletionProtectionEnabled"] is False
    assert shown["TableClassSummary"]["TableClass"] == "STANDARD"
    assert _recovery(dynamodb, table)["RecoveryPeriodInDays"] == 14
    assert _expiry(dynamodb, table)["TimeToLiveStatus"] == "DISABLED"
    tags = dynamodb.list_tags_of_resource(ResourceArn=shown["TableArn"])["Tags"]
    assert tags == [{"Key": "project", "Value": "other"}]
    assert dynamodb.scan(TableName=table)["Count"] == 1
    assert stack.update(Table=make(PointInTimeRecoverySpecification={})).status == "UPDATE_COMPLETE"
    assert _recovery(dynamodb, table) == {"PointInTimeRecoveryStatus": "DISABLED"}


def test_a_protected_table_fails_the_deletion_and_is_kept(stack, dynamodb, make):
    table = stack.create(Table=make()).output("Table")
    assert stack.delete().status == "DELETE_FAILED"
    assert stack.events("Table")[-1] == ("DELETE_FAILED", PROTECTED)
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    assert stack.delete().status == "DELETE_COMPLETE"
    assert code_of(dynamodb.describe_table, TableName=table) == "ResourceNotFoundException"
    kept = dynamodb.list_backups(TableName=table, BackupType="SYSTEM")["BackupSummaries"]
    assert len(kept) == 1


def test_a_taken_name_fails_the_creation_and_the_other_table_keeps_its_items(stack, dynamodb, make, table):
    stack.create(Table=make(TableName=table))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert ("CREATE_FAILED", f"{table} already exists") in stack.events("Table")
    assert dynamodb.scan(TableName=table)["Count"] == 2


def test_a_stack_with_a_retained_table_can_be_deployed_again(client, stack, dynamodb, make, name):
    retained = make() | {"DeletionPolicy": "Retain"}
    first = stack.create(Table=retained).output("Table")
    dynamodb.put_item(TableName=first, Item={"pk": {"S": "one"}})
    assert stack.delete().status == "DELETE_COMPLETE"
    assert stack.events("Table")[-1][0] == "DELETE_SKIPPED"
    second = Stack(client, name).create(Table=retained)
    assert second.status == "CREATE_COMPLETE"
    assert second.output("Table") != first
    assert dynamodb.scan(TableName=first)["Count"] == 1


def test_a_retained_table_can_be_taken_over(stack, dynamodb, make, table):
    """As `cdk deploy --import-existing-resources` does (aws-cdk CLI reference)."""
    stack.take_over(Table=make(TableName=table) | {"DeletionPolicy": "Retain"})
    assert "IMPORT_COMPLETE" in [status for status, _ in stack.events("Table")]
    assert dynamodb.scan(TableName=table)["Count"] == 2


def test_a_changed_key_replaces_a_table_that_the_template_does_not_name(stack, dynamodb, make):
    first = stack.create(Table=make(DeletionProtectionEnabled=False)).output("Table")
    other = {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }
    changed = make(DeletionProtectionEnabled=False, **other)
    stack.update(Table=changed | {"UpdateReplacePolicy": "Retain"})
    assert stack.status == "UPDATE_COMPLETE"
    assert stack.output("Table") != first
    assert dynamodb.describe_table(TableName=first)["Table"]["KeySchema"] == KEYED["KeySchema"]


def test_a_provisioned_global_table_takes_its_capacity_from_both_places(stack, dynamodb):
    definition = _provisioned(_global_table(DeletionProtectionEnabled=False))
    (replica,) = definition["Properties"]["Replicas"]
    table = stack.create(Table=definition).output("Table")
    units = dynamodb.describe_table(TableName=table)["Table"]["ProvisionedThroughput"]
    assert (units["ReadCapacityUnits"], units["WriteCapacityUnits"]) == (4, 3)

    replica["ReadProvisionedThroughputSettings"] = {"ReadCapacityUnits": 5}
    assert stack.update(Table=definition).status == "UPDATE_COMPLETE"
    units = dynamodb.describe_table(TableName=table)["Table"]["ProvisionedThroughput"]
    assert (units["ReadCapacityUnits"], units["WriteCapacityUnits"]) == (5, 3)


def test_a_global_table_without_a_replica_of_its_own_region_is_refused(stack):
    definition = copy.deepcopy(_global_table())
    definition["Properties"]["Replicas"][0]["Region"] = "eu-west-1"
    assert stack.create(Table=definition).status == "ROLLBACK_COMPLETE"


def _provisioned(table, **scaling):
    """The global table with provisioned capacity; ``scaling`` adds to its settings of writes."""
    definition = copy.deepcopy(table)
    properties = definition["Properties"]
    del properties["WriteOnDemandThroughputSettings"]
    (replica,) = properties["Replicas"]
    del replica["ReadOnDemandThroughputSettings"]
    properties["BillingMode"] = "PROVISIONED"
    writes = {"MinCapacity": 3, "MaxCapacity": 9} | scaling
    writes["TargetTrackingScalingPolicyConfiguration"] = {"TargetValue": 70}
    properties["WriteProvisionedThroughputSettings"] = {"WriteCapacityAutoScalingSettings": writes}
    replica["ReadProvisionedThroughputSettings"] = {"ReadCapacityUnits": 4}
    return definition


def _billing(dynamodb, table):
    shown = dynamodb.describe_table(TableName=table)["Table"]
    return shown.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED")


ON_DEMAND = _global_table(DeletionProtectionEnabled=False)


def test_an_on_demand_global_table_becomes_provisioned_only_with_a_seed_capacity(stack, dynamodb):
    """CapacityAutoScalingSettings of the CloudFormation reference, SeedCapacity."""
    table = stack.create(Table=ON_DEMAND).output("Table")
    assert stack.update(Table=_provisioned(ON_DEMAND)).status == "UPDATE_ROLLBACK_COMPLETE"
    (reason,) = [why for status, why in stack.events("Table") if status == "UPDATE_FAILED"]
    assert "When switching billing mode to Provisioned" in reason
    assert "SeedCapacity" in reason
    assert _billing(dynamodb, table) == "PAY_PER_REQUEST"
    stack.update(Table=_provisioned(ON_DEMAND, SeedCapacity=3))
    assert stack.status == "UPDATE_COMPLETE"
    assert _billing(dynamodb, table) == "PROVISIONED"


def test_a_provisioned_global_table_without_a_seed_capacity_cannot_become_on_demand(stack, dynamodb):
    """The rollback would need it, so the template before the switch must have it."""
    table = stack.create(Table=_provisioned(ON_DEMAND)).output("Table")
    assert stack.update(Table=ON_DEMAND).status == "UPDATE_ROLLBACK_COMPLETE"
    (reason,) = [why for status, why in stack.events("Table") if status == "UPDATE_FAILED"]
    assert reason.startswith("Invalid request provided: When switching billing mode to OnDemand, ")
    assert _billing(dynamodb, table) == "PROVISIONED"
    stack.update(Table=_provisioned(ON_DEMAND, SeedCapacity=3))
    assert stack.update(Table=ON_DEMAND).status == "UPDATE_COMPLETE"
    assert _billing(dynamodb, table) == "PAY_PER_REQUEST"


def _scaled(kind, **settings):
    scaling = {"MinCapacity": 3, "MaxCapacity": 9} | settings
    return {f"{kind}ProvisionedThroughputSettings": {f"{kind}CapacityAutoScalingSettings": scaling}}


def _of_all(place="", **settings):
    """A provisioned table whose capacities scale, all with a seed but that of ``place``."""
    writes, index, reads, index_reads = (
        _scaled(kind, **({} if where == place else {"SeedCapacity": 3}))
        for where, kind in zip(PLACES, ("Write", "Write", "Read", "Read"), strict=True)
    )
    replica = {"GlobalSecondaryIndexes": [index_reads]} | reads
    return {"GlobalSecondaryIndexes": [index], "Replicas": [replica]} | writes | settings


PLACES = ("writes", "writes of an index", "reads", "reads of an index")


@pytest.mark.parametrize("place", PLACES)
def test_every_autoscaled_capacity_needs_a_seed_capacity(place):
    on_demand = {"BillingMode": "PAY_PER_REQUEST"}
    # Without a mode a global table is provisioned.
    check_billing(on_demand, _of_all())
    check_billing(_of_all(BillingMode="PROVISIONED"), on_demand)
    check_billing(_of_all(place), _of_all(place))
    with pytest.raises(ValueError, match="to Provisioned"):
        check_billing(on_demand, _of_all(place))
    with pytest.raises(ValueError, match="to OnDemand"):
        check_billing(_of_all(place), on_demand)
