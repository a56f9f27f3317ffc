"""That a review says loudly what a change loses, cannot do, or leaves unprotected."""

import pytest

from ops.review.changes import changes
from tests.support.cost_templates import resource

TABLE, GLOBAL = "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"


def loud(before: dict, after: dict) -> list[str]:
    """The loud changes, each with its kind and its first detail."""
    found = changes({"Resources": before}, {"Resources": after})
    return [" / ".join([one.kind, one.what, *one.details[:1]]) for one in found if one.is_loud]


def kept(kind, **properties) -> dict:
    return resource(kind, **properties) | {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        (TABLE, "the items"),
        (GLOBAL, "the items"),
        ("AWS::S3::Bucket", "the objects"),
        ("AWS::Cognito::UserPool", "the users"),
    ],
)
def test_what_a_removed_resource_holds_is_lost(kind, holds):
    assert loud({"Old": resource(kind)}, {}) == [f"lost / Old ({kind}): {holds}"]
    assert loud({"Old": kept(kind)}, {}) == []


def test_a_renamed_logical_id_loses_what_the_old_one_held():
    found = loud({"TableAAAAAAA1": resource(GLOBAL)}, {"TableAAAAAAA2": resource(GLOBAL)})
    assert found == [f"lost / Table ({GLOBAL}): the items"]


def test_a_database_leaves_a_snapshot_unless_told_otherwise():
    database = resource("AWS::RDS::DBCluster")
    assert loud({"Old": database}, {}) == []
    assert loud({"Old": database | {"DeletionPolicy": "Delete"}}, {}) == [
        "lost / Old (AWS::RDS::DBCluster): the database"
    ]


def test_a_removed_table_with_deletion_protection_may_stay():
    (line,) = loud({"Old": resource(TABLE, DeletionProtectionEnabled=True)}, {})
    assert line.endswith("unless its deletion protection, which is on, refuses: then it stays without a stack")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (resource(TABLE, TableName="Messages"), resource(TABLE, TableName="Messages")),
        (resource(TABLE, TableName="Messages"), resource(GLOBAL, TableName="Messages")),
        (resource("AWS::Events::Rule", Name="Messages"), resource("AWS::Events::Rule", Name="Messages")),
    ],
)
def test_a_name_that_the_old_one_still_has_fails(before, after):
    (found,) = [line for line in loud({"Old": before}, {"New": after}) if line.startswith("fails")]
    assert found == (
        f"fails / New ({after['Type']}): CloudFormation creates before it deletes, and the name "
        "Messages is taken by Old"
    )


def test_a_named_table_that_another_should_replace_fails():
    def table(key):
        return {"Table": resource(TABLE, TableName="Messages", KeySchema=[{"AttributeName": key}])}

    kinds = [line.split(" / ")[0] for line in loud(table("pk"), table("id"))]
    assert kinds == ["fails", "replaced"]


def test_another_name_or_another_service_takes_nobodys_name():
    queue = resource("AWS::SQS::Queue", QueueName="Messages")
    rule = resource("AWS::Events::Rule", Name="Messages")
    assert not any("fails" in line for line in loud({"Old": rule}, {"New": queue}))
    other = resource("AWS::Events::Rule", Name="Others")
    assert loud({"Old": rule}, {"New": other}) == []


def test_a_type_that_changes_fails():
    found = loud({"One": resource(TABLE)}, {"One": resource(GLOBAL)})
    assert f"fails / One ({GLOBAL}): it was {TABLE}, and CloudFormation changes no type" in found[0]


def test_what_no_longer_survives_is_said():
    assert loud({"T": kept(TABLE)}, {"T": resource(TABLE)}) == [
        f"weaker / no longer survives a destroy or a replacement: T ({TABLE})"
    ]
    assert loud({"T": resource(TABLE)}, {"T": kept(TABLE)}) == []


@pytest.mark.parametrize("off", [{"DeletionProtectionEnabled": False}, {}], ids=["off", "absent"])
def test_deletion_protection_that_is_turned_off_is_said(off):
    on = {"DeletionProtectionEnabled": True}
    said = "weaker / no longer protected against deletion"
    assert loud({"T": resource(TABLE, **on)}, {"T": resource(TABLE, **off)}) == [f"{said}: T ({TABLE})"]
    before, after = ({"T": resource(GLOBAL, Replicas=[{"Region": "eu-west-1", **one}])} for one in (on, off))
    assert loud(before, after) == [f"{said} in eu-west-1: T ({GLOBAL})"]
    assert loud(after, before) == []


@pytest.mark.parametrize("other", [{"KeySchema": [{"AttributeName": "b"}]}, {"Projection": "ALL"}])
def test_an_index_cannot_be_changed_in_place(other):
    index = {"IndexName": "I", "KeySchema": [{"AttributeName": "a"}], "Projection": "KEYS_ONLY"}
    before, after = ({"T": resource(TABLE, GlobalSecondaryIndexes=[one])} for one in (index, index | other))
    (line,) = loud(before, after)
    assert line.startswith(f"fails / T ({TABLE}): {next(iter(other))} of index I: an index cannot")


@pytest.mark.parametrize(
    ("before", "after", "fails"),
    [("A", "AB", False), ("A", "B", True), ("", "AB", True), ("AB", "A", False), ("AB", "BA", False)],
)
def test_only_one_index_comes_or_goes_at_once(before, after, fails):
    one, other = (
        {"T": resource(TABLE, GlobalSecondaryIndexes=[{"IndexName": name} for name in names])}
        for names in (before, after)
    )
    assert any("one index an update" in line for line in loud(one, other)) is fails


def test_a_table_that_is_replaced_is_made_with_its_indexes():
    def table(name, key):
        index = {"IndexName": "I", "KeySchema": [{"AttributeName": key}]}
        return {"T": resource(TABLE, TableName=name, GlobalSecondaryIndexes=[index])}

    kinds = [line.split(" / ")[0] for line in loud(table("One", "a"), table("Other", "b"))]
    assert kinds == ["replaced"]


def emptying(**variables) -> dict:
    """A stack whose vault is emptied by a function with these variables."""
    function = resource("AWS::Lambda::Function", Environment={"Variables": variables})
    return {
        "VaultAAAAAAA1": kept("AWS::Backup::BackupVault", BackupVaultName="Messages-dev-1"),
        "Emptying": resource("Custom::VaultEmptying", VaultName={"Ref": "VaultAAAAAAA1"}),
        "Function": function,
    }


def test_a_function_that_empties_whatever_it_leaves_loses_the_backups():
    """As deployed before it knew which vault the stack has."""
    after = {"VaultAAAAAAA1": emptying()["VaultAAAAAAA1"]}
    (line,) = loud(emptying(SETTLE_SECONDS="1"), after)
    assert line == (
        "lost / Vault: the recovery points in it / the function that is deployed empties the vault "
        "when it leaves the stack; deploy once with backups_on_destroy delete, then with keep"
    )
    assert loud(emptying(VAULT_NAME={"Ref": "VaultAAAAAAA1"}), after) == []
    assert loud(emptying(), emptying()) == []


SEEDED = {"MinCapacity": 5, "MaxCapacity": 5, "SeedCapacity": 5}
UNSEEDED = {"MinCapacity": 5, "MaxCapacity": 5}
ON_DEMAND = {
    "T": resource(
        GLOBAL,
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[{"IndexName": "I"}],
        Replicas=[{"Region": "eu-west-1"}],
    )
}


def provisioned(writes, reads=None, **more) -> dict:
    """A table of the mode that a global table has without a word."""
    write = {"WriteCapacityAutoScalingSettings": writes}
    read = {"ReadCapacityAutoScalingSettings": reads} if reads else {"ReadCapacityUnits": 5}
    index = {"IndexName": "I", "WriteProvisionedThroughputSettings": write}
    replica = {"Region": "eu-west-1", "ReadProvisionedThroughputSettings": read}
    return {
        "T": resource(
            GLOBAL, WriteProvisionedThroughputSettings=write, GlobalSecondaryIndexes=[index], Replicas=[replica], **more
        )
    }


def failing(before, after) -> list[str]:
    return [line for line in loud(before, after) if line.startswith("fails / ")]


@pytest.mark.parametrize("after", [provisioned(UNSEEDED), provisioned(SEEDED, UNSEEDED)], ids=["writes", "reads"])
def test_an_on_demand_table_is_not_provisioned_without_a_seed_capacity(after):
    (line,) = failing(ON_DEMAND, after)
    assert line == (
        f"fails / T ({GLOBAL}): BillingMode PROVISIONED: CloudFormation refuses the switch unless "
        "all that scales has a SeedCapacity"
    )
    assert failing(ON_DEMAND, provisioned(SEEDED, SEEDED, BillingMode="PROVISIONED")) == []


def test_a_table_deployed_without_a_seed_capacity_does_not_become_on_demand():
    (line,) = failing(provisioned(UNSEEDED), ON_DEMAND)
    assert line == (
        f"fails / T ({GLOBAL}): BillingMode PAY_PER_REQUEST: CloudFormation refuses the switch "
        "unless all that scales has a SeedCapacity already, for a rollback; deploy it once as "
        "PROVISIONED with one, then switch"
    )
    assert failing(provisioned(SEEDED, SEEDED), ON_DEMAND) == []
    assert failing(provisioned(UNSEEDED), provisioned(UNSEEDED, UNSEEDED)) == []


def replicated(*regions, **more) -> dict:
    """A table with a replica in each region; in capitals, one that is protected."""
    replicas = [{"Region": one.lower(), "DeletionProtectionEnabled": one.isupper()} for one in regions]
    return {"T": resource(GLOBAL, TableName="Messages", Replicas=replicas, **more)}


def test_a_replica_does_not_leave_while_its_deletion_protection_is_on():
    found = loud(replicated("EU-WEST-1", "US-EAST-1"), replicated("EU-WEST-1"))
    assert found == [
        f"fails / T ({GLOBAL}): the replica in us-east-1, protected against deletion, cannot leave "
        "before `aws dynamodb update-table --table-name Messages --region us-east-1 "
        "--no-deletion-protection-enabled`"
    ]
    assert loud(replicated("EU-WEST-1", "us-east-1"), replicated("EU-WEST-1")) == []


@pytest.mark.parametrize(
    ("before", "after", "fails"),
    [
        ("a", "ab", False),
        ("a", "abc", True),
        ("ab", "ac", True),
        ("abc", "a", True),
        ("abc", "ab", False),
        ("ab", "ba", False),
    ],
)
def test_only_one_replica_comes_or_goes_at_once(before, after, fails):
    found = failing(replicated(*before), replicated(*after))
    assert any("one replica an update" in line for line in found) is fails


def test_a_review_says_that_a_new_replica_keeps_the_table_for_a_day():
    def details(before, after):
        (found,) = changes({"Resources": before}, {"Resources": after})
        return [line for line in found.details if "24 hours" in line]

    (line,) = details(replicated("a"), replicated("a", "b"))
    assert line == ("DynamoDB does not delete the table for 24 hours after a replica was created from it")
    assert details({}, replicated("a", "b")) == [line]
    assert details({}, replicated("a")) == details(replicated("a", "b"), replicated("a")) == []


def test_a_key_is_of_its_kind_for_good():
    before, after = ({"K": resource("AWS::KMS::Key", MultiRegion=one)} for one in (False, True))
    (line,) = loud(before, after)
    assert line.startswith("fails / K (AWS::KMS::Key): MultiRegion cannot be changed")


def test_what_refers_to_a_replaced_resource_by_a_fixed_property_is_replaced_too():
    def stack(path):
        role = {"Fn::GetAtt": ["Role", "Arn"]}
        call = resource("AWS::Lambda::Permission", SourceArn={"Fn::Sub": "${Role.Arn}/x"})
        alias = resource("AWS::KMS::Alias", AliasName="a", TargetKeyId=role)
        after_call = resource("AWS::SNS::Subscription", Endpoint={"Ref": "Call"})
        return {"Role": resource("AWS::IAM::Role", Path=path), "Call": call, "Alias": alias, "Subscription": after_call}

    found = loud(stack("/"), stack("/other/"))
    assert [line.split(" / ")[1].split()[0] for line in found] == ["Role", "Call", "Subscription"]
    assert "because of SourceArn, which refers to Role; the old one is deleted" in found[1]


def test_another_stream_is_another_mapping_and_the_same_table():
    def stack(view):
        source = {"Fn::GetAtt": ["Table", "StreamArn"]}
        mapping = resource("AWS::Lambda::EventSourceMapping", EventSourceArn=source)
        table = resource(GLOBAL, StreamSpecification={"StreamViewType": view})
        return {"Table": table, "Mapping": mapping}

    (line,) = loud(stack("NEW_IMAGE"), stack("KEYS_ONLY"))
    assert line.startswith("replaced / Mapping")
