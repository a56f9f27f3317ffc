"""Estimates against examples that are worked out by hand."""

import pytest

from cli.errors import OpsError, UsageError
from ops.cost import items, template, traffic
from ops.cost.assembly import StackTemplate
from ops.cost.estimate import estimate
from ops.cost.load import Load
from ops.cost.prices import DAYS, GB
from tests.support.cost_templates import alarm, of, old_table, plan, read, resource, rule
from tests.support.templates import FULL, stage
from tests.support.templates import synthesized as synth

# Of a body of 200 bytes: names and values of the attributes, and 36 characters an id.
MESSAGE, MEMBERSHIP = 621, 604
A_MONTH = Load(messages_per_day=10_000, reads_per_message=0, months=1)
SENT = 10_000 * 730 / 24


def monthly(template, load, **options):
    """Dollars by item."""
    found = estimate(read(template), load, **{"free_tier": False, **options})
    return {line.item: line.monthly for line in found.lines}


@pytest.mark.parametrize("free_tier", [True, False])
def test_an_idle_dev_stage_costs_nothing_at_all(free_tier):
    idle = estimate(read(stage("dev")), Load(), free_tier=free_tier)
    assert idle.monthly == 0
    assert {line.quantity for line in idle.lines} == {0}
    assert idle.warnings == ()


def test_an_idle_stage_that_tests_restores_costs_the_tests():
    idle = monthly(synth(restore_testing=True), Load())
    assert {item: cost for item, cost in idle.items() if cost} == {"restore tests": pytest.approx(730 / 24 / 7 * 1.50)}


def test_without_a_backup_to_restore_there_is_nothing_to_test():
    """AWS asks for each recovery point that is tested, not for the plan of the tests."""
    bare = synth(restore_testing=True, daily_backup_retention_days=0, monthly_backup_retention_days=0, pitr_days=0)
    found = estimate(read(bare), Load())
    assert not any("test" in line.item for line in found.lines)
    assert "no restore tests: no rule makes a recovery point that they could restore" in (found.assumptions)
    assert not any("restore tests" in one for one in estimate(read(synth()), Load()).assumptions)


def test_the_items_are_as_large_as_dynamodb_counts_them():
    assert items.size(items.message(200)) == MESSAGE
    assert items.size(items.membership(200)) == MEMBERSHIP


def test_a_message_takes_seven_write_units_while_items_are_below_a_kilobyte():
    template = read(stage("dev"))
    units = traffic.per_message(template, Load(message_bytes=1024 - (MESSAGE - 200)))
    assert (units.table_writes, units.index_writes) == (3, (4,))
    # One byte more and the message takes two; the lists are smaller items.
    units = traffic.per_message(template, Load(message_bytes=1025 - (MESSAGE - 200)))
    assert (units.table_writes, units.index_writes) == (4, (4,))
    # A list shows no more than the beginning of a long message.
    units = traffic.per_message(template, Load(message_bytes=100_000))
    assert (units.table_writes, units.index_writes) == (99 + 4, (8,))


def test_reads_are_a_list_and_a_page_of_history_and_what_the_indexer_looks_at():
    # 20 messages are 12,420 bytes, 4 units consistently; 20 entries 12,080, half of 3.
    units = traffic.per_message(read(stage("dev")), Load(reads_per_message=3))
    assert (units.table_reads, units.index_reads) == (2 + 3 * 4, (3 * 1.5,))


def test_requests_on_demand():
    cost = monthly(stage("dev"), A_MONTH)
    assert cost["writes on demand"] == pytest.approx(SENT * 7 * 0.625e-6)
    assert cost["reads on demand"] == pytest.approx(SENT * 2 * 0.125e-6)


def test_storage_counts_the_index_and_recovery_does_not():
    cost = monthly(stage("dev"), A_MONTH)
    lists = 2 * SENT / 100
    table = SENT * (MESSAGE + 100) + lists * (MEMBERSHIP + 100)
    assert cost["table and indexes stored"] == pytest.approx((table + lists * (MEMBERSHIP + 100)) / GB * 0.25)
    assert cost["point-in-time recovery"] == pytest.approx(table / GB * 0.20)


def test_the_stream_function_and_its_logs():
    cost = monthly(stage("dev"), A_MONTH)
    assert cost["stream function, requests"] == pytest.approx(SENT * 0.20e-6)
    assert cost["stream function, time"] == pytest.approx(SENT * 0.06 * 0.25 * 0.0000133334)
    assert cost["logs written"] == pytest.approx(SENT * 600 / GB * 0.50)
    assert cost["logs kept"] == pytest.approx(SENT * 600 / GB * 30 / DAYS * 0.03)


def test_an_old_table_writes_a_message_once_and_runs_nothing():
    cost = monthly(of(), A_MONTH)
    assert cost == {
        "writes on demand": pytest.approx(SENT * 0.625e-6),
        "reads on demand": 0,
        "table and indexes stored": pytest.approx(SENT * (MESSAGE + 100) / GB * 0.25),
    }


def test_fixed_capacity_costs_its_hours_whatever_the_load():
    table = of(old_table(read=5, write=5))
    cost = {
        "write capacity": pytest.approx(730 * 5 * 0.00065),
        "read capacity": pytest.approx(730 * 5 * 0.00013),
        "table and indexes stored": 0,
    }
    assert monthly(table, Load()) == cost
    assert monthly(table, A_MONTH)["write capacity"] == cost["write capacity"]


def test_scaled_capacity_is_what_the_busy_hours_need_and_else_its_minimum():
    template = synth(billing_mode="provisioned", write_capacity=1, max_write_capacity=1000)
    load = Load(messages_per_day=864_000, reads_per_message=0, peak_factor=4, months=1)
    # 10 messages a second, 40 in the busy quarter of the day: 120 units to the table
    # and 160 to the index, 70 % of what is there.
    hours = 730 * ((120 + 160) / 0.7 / 4 + 2 * 0.75)
    assert monthly(template, load)["write capacity"] == pytest.approx(hours * 0.00065)
    # 20 units a second are read and 5 are there, for the table and as many for the index.
    assert monthly(template, load)["read capacity"] == pytest.approx(730 * 10 * 0.00013)
    (warning,) = estimate(read(template), load).warnings
    assert warning == (
        "the table gives at most 5 read units a second; the busy hours need 80, and requests will be throttled"
    )


def test_scaled_capacity_ends_at_its_maximum():
    template = synth(billing_mode="provisioned", write_capacity=5, max_write_capacity=50)
    load = Load(messages_per_day=8_640_000, reads_per_message=0, peak_factor=1)
    assert monthly(template, load)["write capacity"] == pytest.approx(730 * 2 * 50 * 0.00065)


def test_the_scaling_of_two_capacities_keeps_eight_alarms():
    template = synth(billing_mode="provisioned")
    assert monthly(template, Load())["alarms"] == pytest.approx(0.80)
    assert monthly(template, Load(), free_tier=True)["alarms"] == 0


def test_backups_are_full_copies_of_the_table_as_it_was_on_each_day():
    load = Load(messages_per_day=1000, months=1)
    per_day = 1000 * (MESSAGE + 100) / GB
    cost = monthly(of(Plan=plan(rule(DeleteAfterDays=3))), load)
    days = (DAYS) + (DAYS - 1) + (DAYS - 2)
    assert cost["backups, daily"] == pytest.approx(per_day * days * 0.10)


def test_backups_of_a_table_that_no_longer_grows_are_points_times_size():
    load = Load(messages_per_day=1000, retention_days=10, months=12)
    size = 10_000 * (MESSAGE + 100) / GB
    monthly_rule = rule("monthly", "cron(0 5 1 * ? *)", DeleteAfterDays=182.5)
    cost = monthly(of(Plan=plan(rule(DeleteAfterDays=35), monthly_rule)), load)
    assert cost["backups, daily"] == pytest.approx(35 * size * 0.10)
    assert cost["backups, monthly"] == pytest.approx(183 * 12 / 365 * size * 0.10)


def test_old_points_are_cold_and_copies_cost_again_and_travel():
    load = Load(messages_per_day=1000, retention_days=1, months=12)
    size = 1000 * (MESSAGE + 100) / GB
    copy = {
        "DestinationBackupVaultArn": "arn:aws:backup:eu-west-1:111122223333:backup-vault:far",
        "Lifecycle": {"DeleteAfterDays": 10},
    }
    kept = rule(copies=[copy], DeleteAfterDays=100, MoveToColdStorageAfterDays=30)
    cost = monthly(of(Plan=plan(kept)), load)
    assert cost["backups, daily"] == pytest.approx(30 * size * 0.10)
    assert cost["backups, daily, cold"] == pytest.approx(70 * size * 0.03)
    assert cost["copies, daily, eu-west-1"] == pytest.approx(10 * size * 0.11)
    assert cost["copies, daily, on the way"] == pytest.approx(DAYS * size * 0.02)


def test_points_without_an_end_are_there_since_the_load_began():
    load = Load(messages_per_day=1000, retention_days=1, months=12)
    cost = monthly(of(Plan=plan(rule())), load)
    assert cost["backups, daily"] == pytest.approx(365 * 1000 * (MESSAGE + 100) / GB * 0.10)


def test_restore_tests_restore_the_index_too():
    load = Load(messages_per_day=1000, retention_days=100, conversations=500)
    lists = 2 * 500 * (MEMBERSHIP + 100)
    size = (100_000 * (MESSAGE + 100) + 2 * lists) / GB
    cost = monthly(stage("prod"), load)
    assert cost["restored by the tests"] == pytest.approx(DAYS / 7 * size * 0.15)


@pytest.mark.parametrize(("months", "dollars"), [(12, 0), (12.5, 0.5), (13, 1), (24, 1), (24.5, 1.5), (25, 2), (60, 2)])
def test_a_key_that_rotates_costs_more_after_its_first_and_second_year(months, dollars):
    cost = monthly(synth(**FULL), Load(months=months))
    assert cost["customer key"] == 1.00
    assert cost.get("customer key, rotations", 0) == pytest.approx(dollars)


def test_a_key_rotates_as_often_as_its_template_says_if_at_all():
    def cost(**properties):
        key = resource("AWS::KMS::Key", **properties)
        return monthly(of(Key=key), Load(months=12)).get("customer key, rotations", 0)

    assert cost() == cost(EnableKeyRotation=False) == 0
    assert cost(EnableKeyRotation=True, RotationPeriodInDays=90) == 2


def test_a_key_and_its_requests():
    template = synth(**FULL)
    cost = monthly(template, A_MONTH)
    assert cost["customer key"] == 1.00
    assert cost["customer key, requests"] == pytest.approx(2 * 730 * 12 * 3e-6)
    assert monthly(template, Load(messages_per_day=1))["customer key, requests"] == pytest.approx(2 * DAYS * 3e-6)


def test_what_watches_costs_beyond_the_free_ones():
    template = of(
        **{f"Alarm{n}": alarm() for n in range(12)},
        **{f"Board{n}": resource("AWS::CloudWatch::Dashboard") for n in range(4)},
        Filter=resource("AWS::Logs::MetricFilter", MetricTransformations=[{}]),
    )
    listed, free = monthly(template, A_MONTH), monthly(template, A_MONTH, free_tier=True)
    assert (listed["alarms"], listed["dashboards"], listed["metrics out of logs"]) == (pytest.approx(1.20), 12.00, 0.30)
    assert (free["alarms"], free["dashboards"], free["metrics out of logs"]) == (pytest.approx(0.20), 3.00, 0)


def test_a_replica_costs_its_writes_storage_and_the_way_there_at_its_own_prices():
    table = {
        "Type": "AWS::DynamoDB::GlobalTable",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": old_table()["Properties"]["KeySchema"],
            "Replicas": [{"Region": {"Ref": "AWS::Region"}}, {"Region": "eu-central-1"}],
        },
    }
    cost = monthly(of(table), Load(messages_per_day=10_000, reads_per_message=1, months=1))
    assert cost["writes on demand"] == pytest.approx(SENT * 0.625e-6)
    assert cost["writes on demand, eu-central-1"] == pytest.approx(SENT * 0.7625e-6)
    assert cost["reads on demand"] == pytest.approx(SENT * 4 * 0.125e-6)
    assert cost["reads on demand, eu-central-1"] == 0
    assert cost["table and indexes stored, eu-central-1"] == pytest.approx(SENT * (MESSAGE + 100) / GB * 0.306)
    assert cost["replication"] == pytest.approx(SENT * MESSAGE / GB * 0.02)


def test_a_replica_where_prices_are_not_known_has_those_of_its_table_and_a_warning():
    table = {
        "Type": "AWS::DynamoDB::GlobalTable",
        "Properties": {
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": old_table()["Properties"]["KeySchema"],
            "Replicas": [{"Region": "eu-central-1"}, {"Region": "mars-1"}],
        },
    }
    found = estimate(read(of(table), region="eu-central-1"), Load(messages_per_day=10_000))
    lines = {line.item: line for line in found.lines}
    assert lines["writes on demand, mars-1"].price == lines["writes on demand"].price
    assert "no prices of region mars-1 are known: what is there has those of eu-central-1" in (found.warnings)


def test_a_message_that_expires_costs_one_more_look_of_the_indexer():
    template = synth()
    (table,) = (one for one in template["Resources"].values() if "GlobalTable" in one["Type"])
    table["Properties"]["TimeToLiveSpecification"] = {"AttributeName": "t", "Enabled": True}
    load = Load(messages_per_day=10_000, reads_per_message=0, retention_days=30, months=2)
    cost = monthly(template, load)
    assert cost["reads on demand"] == pytest.approx(SENT * 3 * 0.125e-6)
    assert cost["stream function, requests"] == pytest.approx(SENT * 2 * 0.20e-6)


def test_the_always_free_part_is_taken_off():
    load = Load(messages_per_day=1_000_000, reads_per_message=0, months=1)
    lines = {line.item: line for line in estimate(read(stage("dev")), load).lines}
    sent = 100 * SENT
    assert lines["stream function, requests"].free == 1_000_000
    assert lines["stream function, requests"].monthly == pytest.approx((sent - 1e6) * 0.20e-6)
    assert lines["stream function, time"].monthly == pytest.approx((sent * 0.06 * 0.25 - 400_000) * 0.0000133334)
    assert lines["logs written"].monthly == pytest.approx((sent * 600 / GB - 5) * 0.50)
    assert lines["table and indexes stored"].free == pytest.approx(lines["table and indexes stored"].quantity)
    assert lines["writes on demand"].free == 0


def test_the_region_is_the_callers_the_templates_or_the_default():
    regional = read(synth(region="eu-west-1"))
    assert estimate(regional, Load()).region == "eu-west-1"
    assert estimate(regional, Load(), region="us-west-2").region == "us-west-2"
    assert estimate(read(stage("dev")), Load()).region == "us-east-1"
    with pytest.raises(OpsError, match="no prices of region 'mars-1'"):
        estimate(regional, Load(), region="mars-1")


def test_a_message_that_no_item_can_hold_is_wrong_usage():
    with pytest.raises(UsageError, match="--message-bytes 409600: "):
        estimate(read(stage("dev")), Load(message_bytes=409_600))


def test_unknown_resources_are_warned_of():
    found = estimate(read(of(A=resource("AWS::EC2::NatGateway"))), Load())
    assert found.warnings == ("not priced: 1 x AWS::EC2::NatGateway",)


def test_the_assumptions_say_what_a_message_takes():
    said = " / ".join(estimate(read(stage("dev")), A_MONTH).assumptions)
    assert "a message of 200 bytes is an item of 621, takes 7 write units" in said
    assert "304,167 messages are in the table, kept for ever" in said


def in_two_regions(region="eu-west-1", **resources):
    """A stage in us-east-1 with a key and daily copies to the vault of a second stack."""
    arn = f"arn:aws:backup:{region}:111122223333:backup-vault:far"
    copied = rule(copies=[{"DestinationBackupVaultArn": arn}], DeleteAfterDays=10)
    key, vault = resource("AWS::KMS::Key"), resource("AWS::Backup::BackupVault")
    home = of(Plan=plan(copied), Key=key)
    there = {"Resources": {"Vault": vault, "Key": key} | resources}
    return (
        StackTemplate(name="own", region="us-east-1", template=home),
        StackTemplate(name="copies", region=region, template=there),
    )


def test_a_second_stack_is_priced_in_its_region_and_nothing_is_counted_twice():
    load = Load(messages_per_day=1000, retention_days=1, months=12, reads_per_message=0)
    one, two = in_two_regions(), in_two_regions()[:1]
    both, home = (estimate(template.read(stacks), load, region="us-east-1") for stacks in (one, two))
    assert both.monthly - home.monthly == pytest.approx(1.00), "the second key, and no copy twice"
    (line,) = both.of("copies").lines
    assert (line.item, line.price.region) == ("customer key, eu-west-1", "eu-west-1")
    items = [line.item for line in both.lines]
    assert len(items) == len(set(items))
    assert both.regions == ("us-east-1", "eu-west-1")
    assert both.of("own").monthly + both.of("copies").monthly == both.monthly


def test_the_key_of_a_second_stack_rotates_too():
    key = resource("AWS::KMS::Key", EnableKeyRotation=True)
    found = estimate(template.read(in_two_regions(Key=key)), Load(months=13))
    (line,) = (line for line in found.lines if "rotations" in line.item)
    assert (line.item, line.monthly) == ("customer key, rotations, eu-west-1", pytest.approx(1))


def test_what_is_in_a_region_without_prices_has_those_of_the_stages_own_and_a_warning():
    load = Load(messages_per_day=1000)
    unknown = estimate(template.read(in_two_regions(region="mars-1")), load, region="us-east-1")
    lines = {line.item: line for line in unknown.lines}
    for item in ("copies, daily, mars-1", "customer key, mars-1"):
        assert lines[item].price.region == "us-east-1"
    assert unknown.warnings == ("no prices of region mars-1 are known: what is there has those of us-east-1",)


def test_unknown_resources_of_a_second_stack_are_warned_of():
    stacks = in_two_regions(Gateway=resource("AWS::EC2::NatGateway"))
    found = estimate(template.read(stacks), Load(), region="us-east-1")
    assert found.warnings == ("not priced: 1 x AWS::EC2::NatGateway",)
