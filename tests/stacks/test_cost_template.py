"""What the cost estimate reads in a template: the stages' own, and older ones."""

import pytest

from cli.errors import OpsError
from ops.cost import template
from ops.cost.assembly import StackTemplate
from ops.cost.estimate import estimate
from ops.cost.load import Load
from ops.cost.plans import Kept
from ops.cost.schedules import runs_a_day
from ops.cost.tables import Throughput
from tests.support.cost_templates import alarm, of, old_table, plan, read, resource, rule
from tests.support.templates import FULL, stage
from tests.support.templates import synthesized as synth


def test_dev_is_on_demand_with_an_index_a_stream_and_two_rules():
    dev = read(stage("dev"))
    assert dev.table.on_demand
    assert dev.table.keys == ("pk", "sk")
    (index,) = dev.table.indexes
    assert (index.keys, index.projection) == (("User", "LastMessageAt"), "ALL")
    (replica,) = dev.table.replicas
    assert replica.recovery
    (reader,) = dev.readers
    assert (reader.memory_mib, reader.arm, reader.filtered, reader.log_days) == (256, True, True, 30)
    assert [(one.name, one.kept.days) for one in dev.rules] == [("daily", 7), ("monthly", 30)]
    assert (dev.standing.keys, dev.restore_tests_a_day, dev.home) == (0, 0, None)


def test_prod_tests_a_restore_every_week_and_keeps_backups_longer():
    prod = read(stage("prod"))
    assert [(one.name, one.kept.days) for one in prod.rules] == [("daily", 35), ("monthly", 365)]
    assert prod.restore_tests_a_day == pytest.approx(1 / 7)


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_nothing_in_a_stage_is_of_an_unknown_kind(name):
    assert read(stage(name)).standing.unpriced == ()


def test_a_provisioned_table_with_everything():
    full = read(synth(**FULL, max_write_capacity=40, read_capacity=3))
    scaled = Throughput(minimum=5, maximum=40, target=0.7, scaled=True)
    fixed = Throughput(minimum=3, maximum=3)
    assert (full.table.write, full.table.read) == (scaled, fixed)
    assert [(one.write, one.read) for one in full.table.indexes] == [(scaled, fixed)]
    assert (full.standing.keys, full.home, full.standing.unpriced) == (1, "eu-west-1", ())


def test_recovery_and_plans_can_be_off():
    bare = read(synth(pitr_days=0, daily_backup_retention_days=0, monthly_backup_retention_days=0))
    assert not bare.table.replicas[0].recovery
    assert bare.rules == ()


def test_an_old_table_has_neither_index_nor_reader():
    old = read(of(old_table(read=4, write=6)))
    assert (old.table.read, old.table.write) == (Throughput(minimum=4, maximum=4), Throughput(minimum=6, maximum=6))
    assert (old.table.indexes, old.readers, old.rules) == ((), (), ())


def test_an_old_tables_time_to_live_and_index_are_seen():
    index = {
        "IndexName": "i",
        "KeySchema": [{"AttributeName": "User", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["OtherUser"]},
        "ProvisionedThroughput": {"ReadCapacityUnits": "2", "WriteCapacityUnits": 3},
    }
    table = old_table(
        read=1, write=1, GlobalSecondaryIndexes=[index], TimeToLiveSpecification={"AttributeName": "t", "Enabled": True}
    )
    found = read(of(table)).table
    assert found.expires
    (held,) = found.indexes
    assert (held.projection, held.attributes) == ("INCLUDE", ("OtherUser",))
    assert (held.read.minimum, held.write.minimum) == (2, 3)


def test_the_replicas_of_a_global_table_and_their_regions():
    table = {
        "Type": "AWS::DynamoDB::GlobalTable",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [],
            "Replicas": [{"Region": {"Ref": "AWS::Region"}}, {"Region": "eu-central-1"}],
        },
    }
    found = read(of(table))
    there = [region for region, _ in found.table.regions("eu-west-1")]
    assert there == ["eu-west-1", "eu-central-1"]
    assert found.home is None


def test_capacity_that_only_the_deployment_knows_is_an_error():
    with pytest.raises(OpsError, match=r"WriteCapacityUnits of Table is \{'Ref': 'Units'\}; the"):
        read(of(old_table(read=1, write={"Ref": "Units"})))


@pytest.mark.parametrize("resources", [{}, {"A": old_table(), "B": old_table()}])
def test_the_estimate_is_for_one_table(resources):
    with pytest.raises(OpsError, match=f"has {len(resources)} DynamoDB tables"):
        read({"Resources": resources})


def test_of_several_tables_the_one_that_the_outputs_name_is_priced_and_the_others_are_named():
    one = synth()
    two = one | {"Resources": one["Resources"] | {"Second": old_table()}}
    found, alone = read(two), read(one)
    assert (found.not_estimated, alone.not_estimated) == (("Second",), ())
    assert (found.table, found.readers) == (alone.table, alone.readers)
    assert estimate(found, Load()).warnings == ("not estimated: table Second",)


def test_a_table_of_another_stack_is_named_too():
    own = {"Outputs": {"TableName": {"Value": {"Ref": "Table"}}}} | of()
    other = StackTemplate(name="other", template={"Resources": {"Else": old_table()}})
    found = template.read((other, StackTemplate(name="own", template=own)))
    assert (found.stack, found.not_estimated) == ("own", ("Else",))


def test_cold_storage_copies_and_points_that_are_kept_for_ever():
    far = {
        "DestinationBackupVaultArn": "arn:aws:backup:eu-west-1:111122223333:backup-vault:far",
        "Lifecycle": {"DeleteAfterDays": 400, "MoveToColdStorageAfterDays": 30},
    }
    near = {
        "DestinationBackupVaultArn": {
            "Fn::Join": ["", ["arn:aws:backup:us-east-1:", {"Ref": "Account"}, ":backup-vault:near"]]
        }
    }
    unknown = {"DestinationBackupVaultArn": {"Ref": "Vault"}}
    found = read(of(Plan=plan(rule(copies=[far, near, unknown], MoveToColdStorageAfterDays=60))), region="us-east-1")
    (only,) = found.rules
    assert only.kept == Kept(days=None, cold=60)
    assert only.copies == (Kept(days=400, cold=30, elsewhere=True, region="eu-west-1"), Kept(), Kept(elsewhere=True))


@pytest.mark.parametrize(
    ("schedule", "runs"),
    [
        ("cron(0 5 * * ? *)", 1),
        ("cron(0 5 ? * * *)", 1),
        ("cron(0 5 1 * ? *)", 12 / 365),
        ("cron(0 5 1,15 * ? *)", 24 / 365),
        ("cron(0 5 L * ? *)", 12 / 365),
        ("cron(30 4 ? * SUN *)", 1 / 7),
        ("cron(0 5 ? * MON-FRI *)", 5 / 7),
        ("cron(0 5 ? * 2#1 *)", 12 / 365),
        ("cron(0 0/6 * * ? *)", 4),
        ("cron(0/30 8-9 * * ? *)", 4),
        ("cron(0 5 1 JAN,JUL ? *)", 2 / 365),
        ("rate(12 hours)", 2),
        ("rate(1 day)", 1),
    ],
)
def test_how_often_a_schedule_runs(schedule, runs):
    assert runs_a_day(schedule) == pytest.approx(runs)


@pytest.mark.parametrize(
    "schedule",
    ["", "daily", "cron(0 5 * *)", "cron(0 99 * * ? *)", "cron(x 5 * * ? *)", "rate(0 days)", "cron(0 5 ? * NOD *)"],
)
def test_another_schedule_is_an_error_that_quotes_it(schedule):
    with pytest.raises(OpsError, match="is not understood: it must be cron"):
        runs_a_day(schedule)


@pytest.mark.parametrize(
    ("properties", "metrics"),
    [
        ({"MetricName": "m"}, 1),
        ({"Metrics": [{"MetricStat": {}}, {"MetricStat": {}}, {"Expression": "a/b"}]}, 2),
        ({"Metrics": [{"MetricStat": {}}, {"Expression": "ANOMALY_DETECTION_BAND(a, 2)"}]}, 3),
    ],
)
def test_an_alarm_is_billed_for_the_metrics_that_it_looks_at(properties, metrics):
    assert read(of(Alarm=alarm(**properties))).standing.alarm_metrics == metrics


def test_what_watches_the_table_is_counted():
    found = read(
        of(
            A=alarm(),
            B=alarm(),
            C=resource("AWS::CloudWatch::CompositeAlarm"),
            D=resource("AWS::CloudWatch::Dashboard"),
            E=resource("AWS::Logs::MetricFilter", MetricTransformations=[{}, {}]),
        )
    ).standing
    assert (found.alarm_metrics, found.composite_alarms, found.dashboards, found.metrics) == (2, 1, 1, 2)


def test_a_resource_of_an_unknown_kind_is_counted_as_not_priced():
    found = read(
        of(
            A=resource("AWS::EC2::NatGateway"),
            B=resource("AWS::EC2::NatGateway"),
            C=resource("AWS::IAM::Role"),
            D=resource("Custom::Thing"),
        )
    )
    assert found.standing.unpriced == (("AWS::EC2::NatGateway", 2),)


def test_a_restore_test_whose_plan_is_referred_to():
    found = read(
        of(
            Plan=resource(
                "AWS::Backup::RestoreTestingPlan", RestoreTestingPlanName="p", ScheduleExpression="cron(0 5 * * ? *)"
            ),
            One=resource("AWS::Backup::RestoreTestingSelection", RestoreTestingPlanName="p"),
            Two=resource("AWS::Backup::RestoreTestingSelection", RestoreTestingPlanName={"Ref": "Plan"}),
            Other=resource("AWS::Backup::RestoreTestingSelection", RestoreTestingPlanName="q"),
        )
    )
    assert found.restore_tests_a_day == 2


def test_a_mapping_of_another_stream_is_no_reader():
    def mapping(table):
        source = {"Fn::GetAtt": [table, "StreamArn"]}
        return resource("AWS::Lambda::EventSourceMapping", EventSourceArn=source, FunctionName="f")

    found = read(of(Own=mapping("Table"), Other=mapping("Another")))
    (reader,) = found.readers
    assert (reader.memory_mib, reader.arm, reader.filtered, reader.log_days) == (128, False, False, None)
