"""What is read in an assembly and in its templates: the stages' own, and older ones."""

import json

import pytest
from aws_cdk import App, CfnResource, Environment, Stack

from cli.errors import OpsError
from ops import template
from ops.cost.bill import StreamReader
from ops.template import Retention, StackTemplate, Throughput, runs_a_day
from tests.support.cost_templates import of, old_table, plan, read, resource, rule
from tests.support.templates import FULL, stage
from tests.support.templates import synthesized as synth


def test_an_assembly_has_its_stacks_by_its_manifest_and_a_file_is_one_template(tmp_path):
    app = App(outdir=str(tmp_path))
    for name, region in (("Home", None), ("There", "eu-west-1")):
        stack = Stack(app, name, stack_name=f"Stage-{name}", env=Environment(region=region))
        CfnResource(stack, "Key", type="AWS::KMS::Key")
    app.synth()
    found = template.stacks(tmp_path)
    assert [(one.name, one.region) for one in found] == [("Stage-Home", None), ("Stage-There", "eu-west-1")]
    assert all(one.resources["Key"]["Type"] == "AWS::KMS::Key" for one in found)
    path = tmp_path / "Home.template.json"
    assert template.stacks(path) == (StackTemplate(template=json.loads(path.read_text())),)


def test_a_folder_without_a_manifest_is_an_error(tmp_path):
    with pytest.raises(OpsError, match=r"has no manifest\.json; name a synthesized template, or"):
        template.stacks(tmp_path)


def test_dev_is_on_demand_with_an_index_a_stream_and_two_rules():
    dev = read(stage("dev"))
    assert (dev.table.throughputs, dev.table.keys) == ({}, ("pk", "sk"))
    (index,) = dev.table.indexes
    assert (index.keys, index.projection) == (("User", "LastMessageAt"), "ALL")
    (replica,) = dev.table.replicas
    assert replica.recovery
    assert dev.readers == (StreamReader(memory_mib=256, arm=True, filtered=True, log_days=30),)
    assert [(one.name, one.runs_a_day) for one in dev.rules] == [("daily", 1), ("monthly", 12 / 365)]
    assert (dev.restore_tests_a_day, dev.home) == (0, None)


def test_a_stage_with_every_setting_on():
    full = read(synth(**FULL, max_write_capacity=40, read_capacity=3, daily_backup_retention_days=30))
    scaled = Throughput(minimum=5, maximum=40, target=0.7, scaled=True)
    fixed = Throughput(minimum=3, maximum=3)
    index = full.table.indexes[0].name
    assert full.table.throughputs == {
        ("", "write"): scaled,
        ("", "read"): fixed,
        (index, "write"): scaled,
        (index, "read"): fixed,
    }
    assert full.home == "eu-west-1"
    assert full.rules[0].kept == Retention(days=30)
    assert full.restore_tests_a_day == pytest.approx(1 / 7)


def test_an_old_table_with_its_capacity_and_its_index():
    index = {
        "IndexName": "i",
        "KeySchema": [{"AttributeName": "User", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["OtherUser"]},
        "ProvisionedThroughput": {"ReadCapacityUnits": "2", "WriteCapacityUnits": 3},
    }
    found = read(of(old_table(read=4, write=6, GlobalSecondaryIndexes=[index])))
    assert (found.readers, found.rules) == ((), ())
    (held,) = found.table.indexes
    assert (held.projection, held.attributes) == ("INCLUDE", ("OtherUser",))
    units = {key: one.minimum for key, one in found.table.throughputs.items()}
    assert units == {("", "write"): 6, ("", "read"): 4, ("i", "write"): 3, ("i", "read"): 2}


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ({}, "has 0 DynamoDB tables"),
        ({"A": old_table(), "B": old_table()}, "has 2 DynamoDB tables"),
        (
            {"T": old_table(read=1, write={"Ref": "Units"})},
            r"WriteCapacityUnits of T is \{'Ref': 'Units'\}; the estimate",
        ),
        (
            of(Plan=plan(rule(DeleteAfterDays={"Ref": "Days"})))["Resources"],
            "DeleteAfterDays of a backup rule is .*; the estimate",
        ),
    ],
)
def test_what_the_estimate_cannot_read_is_an_error(resources, words):
    with pytest.raises(OpsError, match=words):
        read({"Resources": resources})


def test_copies_and_points_that_are_kept_for_ever():
    def copy(arn, **lifecycle):
        return {"DestinationBackupVaultArn": arn, "Lifecycle": lifecycle}

    far = copy("arn:aws:backup:eu-west-1:1:backup-vault:far", DeleteAfterDays=400)
    near = copy({"Fn::Join": ["", ["arn:aws:backup:us-east-1:", {"Ref": "Account"}, ":backup-vault:near"]]})
    (only,) = read(of(Plan=plan(rule(copies=[far, near, copy({"Ref": "Vault"})]))), region="us-east-1").rules
    assert only.kept == Retention(days=None)
    assert only.copies == (
        Retention(days=400, elsewhere=True, region="eu-west-1"),
        Retention(),
        Retention(elsewhere=True),
    )


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [
        ("cron(0 5 * * ? *)", 1),
        ("cron(0 5 1 * ? *)", 12 / 365),
        ("cron(0 5 1,15 * ? *)", 24 / 365),
        ("cron(30 4 ? * SUN *)", 1 / 7),
        ("cron(0 5,17 * * ? *)", 2),
        ("cron(0 5 1 JAN,JUL ? *)", 2 / 365),
        ("rate(12 hours)", 2),
        ("rate(1 day)", 1),
    ],
)
def test_how_often_a_schedule_runs(schedule, runs):
    assert runs_a_day(schedule) == pytest.approx(runs)


@pytest.mark.parametrize("schedule", ["", "cron(0 5 * *)", "cron(0 0/6 * * ? *)", "rate(0 days)", {"Ref": "A"}])
def test_another_schedule_is_an_error_that_quotes_it(schedule):
    with pytest.raises(OpsError, match="is not understood: use cron"):
        runs_a_day(schedule)


def test_a_mapping_of_another_stream_is_not_a_reader():
    def mapping(table):
        source = {"Fn::GetAtt": [table, "StreamArn"]}
        return resource("AWS::Lambda::EventSourceMapping", EventSourceArn=source, FunctionName="f")

    found = read(of(Own=mapping("Table"), Other=mapping("Another")))
    assert found.readers == (StreamReader(memory_mib=128, arm=False, filtered=False, log_days=None),)
