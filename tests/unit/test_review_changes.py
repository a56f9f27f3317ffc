"""What a review says about a change: what is lost, fails, is replaced, is no longer protected, or differs."""

import pytest

from ops.review.resource_changes import changes, kept
from ops.review.wording import differences, in_region, spelled
from tests.support.cost_templates import resource

TABLE, GLOBAL, BUCKET = "AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable", "AWS::S3::Bucket"
RETAINED = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}


def lines(before: dict, after: dict) -> list[str]:
    return changes({"Resources": before}, {"Resources": after})


def loud(before: dict, after: dict) -> list[str]:
    """The lines with ``!``."""
    return [line for line in lines(before, after) if line.startswith("!")]


def table(kind=TABLE, **properties) -> dict:
    return {"T": resource(kind, **properties)}


def indexes(**indexes) -> dict:
    """A table with an index of each name, on that key."""
    made = [{"IndexName": name, "KeySchema": [{"AttributeName": key}]} for name, key in indexes.items()]
    return table(GlobalSecondaryIndexes=made)


def replicas(regions: str) -> dict:
    """A table with a replica in each one-letter region; a capital is protected against deletion."""
    made = [{"Region": one.lower(), "DeletionProtectionEnabled": one.isupper()} for one in regions]
    return table(GLOBAL, TableName="Messages", Replicas=made)


def mapping(view: str) -> dict:
    source = {"Fn::GetAtt": ["T", "StreamArn"]}
    stream = table(GLOBAL, StreamSpecification={"StreamViewType": view})
    return stream | {"Mapping": resource("AWS::Lambda::EventSourceMapping", EventSourceArn=source)}


def emptying(**variables) -> dict:
    """A stack whose vault is emptied by a function with these variables."""
    vault = resource("AWS::Backup::BackupVault", BackupVaultName="v") | RETAINED
    function = resource("AWS::Lambda::Function", Environment={"Variables": variables})
    emptied = resource("Custom::VaultEmptying", VaultName={"Ref": "VaultAAAAAAA1"})
    return {"VaultAAAAAAA1": vault, "Emptying": emptied, "Function": function}


VAULT = {"VaultAAAAAAA1": emptying()["VaultAAAAAAA1"]}
ON = {"DeletionProtectionEnabled": True}
TAKEN = "CloudFormation creates the new resource before it deletes the old one, and the name Messages is taken by"
FIRST = "`aws dynamodb update-table --table-name Messages --region b --no-deletion-protection-enabled`"
WEAKER = "! no longer protected against deletion"


def pool(protection):
    return {"Pool": resource("AWS::Cognito::UserPool", DeletionProtection=protection) | RETAINED}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"Old": resource(TABLE)}, {}, [f"! lost: Old ({TABLE}): the items"]),
        ({"Old": resource(BUCKET) | RETAINED}, {}, []),
        (
            {"TableAAAAAAA1": resource(GLOBAL)},
            {"TableAAAAAAA2": resource(GLOBAL)},
            [f"! lost: Table ({GLOBAL}): the items"],
        ),
        # A function that was deployed before it knew which vault the stack has.
        (emptying(SETTLE_SECONDS="1"), VAULT, ["! lost: Vault: the recovery points in it"]),
        (emptying(VAULT_NAME={"Ref": "VaultAAAAAAA1"}), VAULT, []),
        (emptying(), emptying(), []),
        (
            {"Old": resource(TABLE, TableName="Messages") | RETAINED},
            {"New": resource(GLOBAL, TableName="Messages")},
            [f"! fails: New ({GLOBAL}): {TAKEN} Old"],
        ),
        ({"Old": resource("AWS::Events::Rule", Name="A")}, {"New": resource("AWS::SQS::Queue", QueueName="A")}, []),
        (
            table(TableName="Messages", KeySchema=["a"]),
            table(TableName="Messages", KeySchema=["b"]),
            [f"! fails: T ({TABLE}): {TAKEN} the one that it replaces", f"! replaced: T ({TABLE})"],
        ),
        (
            {"One": resource(TABLE) | RETAINED},
            {"One": resource(GLOBAL)},
            [f"! fails: One ({GLOBAL}): it was {TABLE}, and CloudFormation cannot change the type of a resource"],
        ),
        (
            {"K": resource("AWS::KMS::Key", MultiRegion=False)},
            {"K": resource("AWS::KMS::Key", MultiRegion=True)},
            ["! fails: K (AWS::KMS::Key): MultiRegion cannot be changed; give a new key another logical id"],
        ),
        ({"T": resource(TABLE) | RETAINED}, table(), [f"! no longer survives a destroy or a replacement: T ({TABLE})"]),
        (table(), {"T": resource(TABLE) | RETAINED}, []),
        (table(**ON), table(), [f"{WEAKER}: T ({TABLE})"]),
        (pool("ACTIVE"), pool("INACTIVE"), [f"{WEAKER}: Pool (AWS::Cognito::UserPool)"]),
        (replicas("A"), replicas("a"), [f"{WEAKER} in a: T ({GLOBAL})"]),
        (
            replicas("AB"),
            replicas("A"),
            [f"! fails: T ({GLOBAL}): the replica in b is protected against deletion; first run {FIRST}"],
        ),
        (
            indexes(I="a"),
            indexes(I="b"),
            [f"! fails: T ({TABLE}): KeySchema of index I: give a changed index another name"],
        ),
        # A table that is replaced is created with its indexes.
        (indexes(I="a"), {"T": resource(TABLE, KeySchema=["b"])}, [f"! replaced: T ({TABLE})"]),
        # Another stream is another mapping, for the same table.
        (mapping("NEW_IMAGE"), mapping("KEYS_ONLY"), ["! replaced: Mapping (AWS::Lambda::EventSourceMapping)"]),
    ],
)
def test_what_needs_attention_is_marked(before, after, said):
    assert loud(before, after) == said


@pytest.mark.parametrize(
    ("build", "cases", "words"),
    [
        (lambda names: indexes(**dict.fromkeys(names, "a")), ["A>AB", "AB>A", "AB>BA"], None),
        (lambda names: indexes(**dict.fromkeys(names, "a")), ["A>B", ">AB"], "one index an update"),
        (replicas, ["a>ab", "abc>ab", "ab>ba"], None),
        (replicas, ["a>abc", "ab>ac", "abc>a"], "one replica an update"),
    ],
)
def test_only_one_index_or_replica_comes_or_goes_at_once(build, cases, words):
    for before, after in (case.split(">") for case in cases):
        found = loud(build(before), build(after))
        assert [words in line for line in found] == [True] if words else found == []


SEEDED, UNSEEDED = {"MaxCapacity": 5, "SeedCapacity": 5}, {"MaxCapacity": 5}
ON_DEMAND = table(GLOBAL, BillingMode="PAY_PER_REQUEST", Replicas=[{"Region": "a"}])
REFUSED = f"! fails: T ({GLOBAL}): BillingMode {{}}: CloudFormation refuses the switch unless everything"


def provisioned(write, read=None) -> dict:
    """A table with the mode that a global table has by default."""
    reads = {"ReadCapacityAutoScalingSettings": read} if read else {"ReadCapacityUnits": 5}
    replica = {"Region": "a", "ReadProvisionedThroughputSettings": reads}
    writes = {"WriteCapacityAutoScalingSettings": write}
    return table(GLOBAL, WriteProvisionedThroughputSettings=writes, Replicas=[replica])


@pytest.mark.parametrize(
    ("before", "after", "mode"),
    [
        (ON_DEMAND, provisioned(UNSEEDED), "PROVISIONED"),
        (ON_DEMAND, provisioned(SEEDED, UNSEEDED), "PROVISIONED"),
        (ON_DEMAND, provisioned(SEEDED, SEEDED), None),
        (provisioned(UNSEEDED), ON_DEMAND, "PAY_PER_REQUEST"),
        (provisioned(SEEDED, SEEDED), ON_DEMAND, None),
        (provisioned(UNSEEDED), provisioned(UNSEEDED, UNSEEDED), None),
    ],
)
def test_a_billing_mode_switches_only_with_a_seed_capacity(before, after, mode):
    found = loud(before, after)
    assert [line.startswith(REFUSED.format(mode)) for line in found] == ([True] if mode else [])


@pytest.mark.parametrize(
    ("before", "after", "detail"),
    [
        (table(**ON), {}, "unless its deletion protection, which is on, refuses: then it is kept, outside any stack"),
        (emptying(), VAULT, "the deployed function empties a vault that is removed; deploy once with backups"),
        (table(KeySchema=1), table(KeySchema=2), "replaced because of KeySchema; the old one is deleted with what it"),
        (
            {"T": resource(TABLE, KeySchema=1) | RETAINED},
            {"T": resource(TABLE, KeySchema=2) | RETAINED},
            "replaced because of KeySchema; the old one stays behind",
        ),
    ],
)
def test_what_becomes_of_it_stands_below(before, after, detail):
    assert any(line.startswith(f"    {detail}") for line in lines(before, after))


def test_what_refers_to_a_replaced_resource_by_a_property_that_cannot_change_is_replaced_too():
    def stack(path):
        call = resource("AWS::Lambda::Permission", SourceArn={"Fn::Sub": "${Role.Arn}/x"})
        alias = resource("AWS::KMS::Alias", AliasName="a", TargetKeyId={"Fn::GetAtt": ["Role", "Arn"]})
        after_call = resource("AWS::SNS::Subscription", Endpoint={"Ref": "Call"})
        return {"Role": resource("AWS::IAM::Role", Path=path), "Call": call, "Alias": alias, "Subscription": after_call}

    found = lines(stack("/"), stack("/other/"))
    assert [line.split()[2] for line in found if line.startswith("!")] == ["Role", "Call", "Subscription"]
    assert "    replaced because of SourceArn, which refers to Role; the old one is deleted" in found


def test_other_files_are_changes_though_their_hashes_are_masked():
    def files(digest):
        function = resource("AWS::Lambda::Function", Code={"S3Key": f"{digest * 64}.zip"})
        return {"F": function, "Seed": resource("Custom::MessageSeed", Key=f"{digest * 64}.jsonl")}

    assert lines(files("a"), files("a")) == []
    assert lines(files("a"), files("b")) == [
        "~ changed: F (AWS::Lambda::Function)",
        "    its code",
        "~ changed: Seed (Custom::MessageSeed)",
        "    the content of its file",
    ]


def test_a_lock_of_a_vault_is_said():
    lock = {"MinRetentionDays": 7, "MaxRetentionDays": 365}
    for grace, words in (({}, ""), ({"ChangeableForDays": 3}, "; the lock cannot be removed from 3 days after its")):
        (line,) = kept({"V": resource("AWS::Backup::BackupVault", LockConfiguration=lock | grace) | RETAINED})
        assert f": locked, a recovery point cannot be deleted before its retention ends, 7 to 365 days{words}" in line


def rules(**days) -> list[dict]:
    return [{"RuleName": name, "Lifecycle": {"DeleteAfterDays": number}} for name, number in days.items()]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ({"A": 7}, {"A": 35}, ["A: 7 → 35"]),
        ({}, {"A": {"B": 1, "C": True}}, ["A.B: nothing → 1", "A.C: nothing → true"]),
        (rules(daily=7, monthly=30), rules(monthly=30, daily=14), ["[daily].Lifecycle.DeleteAfterDays: 7 → 14"]),
        (["a", "b"], ["b"], [": a, b → b"]),
        ({"Ref": "TableAAAAAAA1"}, {"Ref": "TableAAAAAAA2"}, [': {"Ref": "TableAAAAAAA1"} → {"Ref": "TableAAAAAAA2"}']),
        ("5", 5, [': "5" → 5']),
        ("same " * 30 + "old", "same " * 30 + "new", [": ...same same old → ...same same new"]),
    ],
)
def test_where_two_values_differ(old, new, said):
    assert list(differences(old, new)) == said


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"Ref": "MessagesTable9E4E97A0"}, "MessagesTable"),
        ({"Ref": "AWS::AccountId"}, "<account id>"),
        ([{"Ref": "Failures"}, {"Ref": "DEADBEEF"}], "Failures, DEADBEEF"),  # only look hashed
        ({"Fn::GetAtt": "MessagesTable9E4E97A0.StreamArn"}, "MessagesTable.StreamArn"),
        ({"Fn::Join": ["", [{"Fn::GetAtt": ["TableAB12CD34", "Arn"]}, "/index/*"]]}, "Table/index/*"),
        ({"Fn::Sub": "arn:${AWS::Partition}:s3:::a-${TableAB12CD34.Arn}"}, "arn:<partition>:s3:::a-Table"),
        ({"A": True, "B": {"Ref": "AWS::Region"}}, "{A: true, B: <region>}"),
    ],
)
def test_references_are_spelled_as_a_person_reads_them(value, words):
    assert spelled(value) == words


def test_references_to_a_known_region_and_its_partition_are_their_names():
    joined = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":", {"Ref": "AWS::Region"}, ":T"]]}
    for region, partition in (("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")):
        for value in (joined, {"Fn::Sub": "arn:${AWS::Partition}:${AWS::Region}:T"}):
            found = {"T": resource(BUCKET, Arn=value)}
            assert lines(in_region(found, region), {"T": resource(BUCKET, Arn=f"arn:{partition}:{region}:T")}) == []
            assert in_region(found, None) == found
