"""Estimates against examples that are worked out by hand."""

import pytest

from cli.errors import OpsError
from ops.cost import bill
from ops.cost.estimate import break_even, estimate, modes
from ops.cost.load import Load
from ops.cost.prices import DAYS, GB
from ops.template import StackTemplate
from tests.support.cost_templates import alarm, global_table, of, old_table, plan, read, resource, rule
from tests.support.templates import FULL, stage
from tests.support.templates import synthesized as synth

# With a body of 200 bytes: names and values of the attributes, and 36 characters an id.
MESSAGE, MEMBERSHIP = 621, 604
A_MONTH = Load(messages_per_day=10_000, reads_per_message=0, months=1)
SENT = 10_000 * 730 / 24
SMALL = Load(messages_per_day=1000, retention_days=1, reads_per_message=0)
SMALL_GB = 1000 * (MESSAGE + 100) / GB
HOME, THERE = "eu-west-1", "us-east-1"


def monthly(template, load, **options):
    """Dollars by item."""
    found = estimate(read(template), load, **{"free_tier": False, **options})
    return {line.item: line.monthly for line in found.lines}


def units(body=200, **load):
    """Units of a message with a body of that length: table and index written, table and index read."""
    found = bill.per_message(read(stage("dev")), Load(message_bytes=body, **load))
    table, index = [
        {kind: n for (name, kind), n in found.items() if bool(name) is indexed} for indexed in (False, True)
    ]
    return table["write"], index["write"], table["read"], index["read"]


@pytest.mark.parametrize("free_tier", [True, False])
def test_an_idle_dev_stage_costs_nothing_at_all(free_tier):
    idle = estimate(read(stage("dev")), Load(), free_tier=free_tier)
    assert (idle.monthly, {line.quantity for line in idle.lines}, idle.warnings) == (0, {0}, ())


def test_restore_tests_are_billed_for_points_and_restore_the_index_too():
    """AWS bills each recovery point that is tested: without a rule that makes points there are no tests."""
    idle = monthly(synth(restore_testing=True), Load())
    assert {item: cost for item, cost in idle.items() if cost} == {"restore tests": pytest.approx(730 / 24 / 7 * 1.50)}
    load = Load(messages_per_day=1000, retention_days=100, conversations=500)
    size = (100_000 * (MESSAGE + 100) + 2 * 2 * 500 * (MEMBERSHIP + 100)) / GB
    assert monthly(stage("prod"), load)["restored by the tests"] == pytest.approx(DAYS / 7 * size * 0.15)
    bare = synth(restore_testing=True, daily_backup_retention_days=0, monthly_backup_retention_days=0, pitr_days=0)
    found = estimate(read(bare), Load())
    assert not any("test" in line.item for line in found.lines)
    assert "no restore tests: no backup rule makes a recovery point to restore" in found.assumptions


def test_a_message_takes_seven_write_units_while_items_are_below_a_kilobyte():
    assert units(1024 - (MESSAGE - 200))[:2] == (3, 4)
    assert units(1025 - (MESSAGE - 200))[:2] == (4, 4)  # the lists are smaller items
    assert units(100_000)[:2] == (99 + 4, 8)  # a list shows only the beginning of a long message


def test_reads_are_a_list_and_a_page_of_history_and_two_looks_of_the_function():
    # 20 messages are 12,420 bytes, 4 units consistently; 20 entries 12,080, half of 3.
    assert units(reads_per_message=3)[2:] == (2 + 3 * 4, 3 * 1.5)


def test_requests_storage_function_and_logs_on_demand():
    cost = monthly(stage("dev"), A_MONTH)
    lists = 2 * SENT / 100
    table = SENT * (MESSAGE + 100) + lists * (MEMBERSHIP + 100)
    expected = {
        "writes on demand": SENT * 7 * 0.625e-6,
        "reads on demand": SENT * 2 * 0.125e-6,
        "table and indexes stored": (table + lists * (MEMBERSHIP + 100)) / GB * 0.25,
        "point-in-time recovery": table / GB * 0.20,  # without the index
        "stream function, requests": SENT * 0.20e-6,
        "stream function, time": SENT * 0.06 * 0.25 * 0.0000133334,
        "logs written": SENT * 600 / GB * 0.50,
        "logs kept": SENT * 600 / GB * 30 / DAYS * 0.03,
    }
    assert {item: cost[item] for item in expected} == pytest.approx(expected)


def test_the_always_free_part_is_taken_off():
    load = Load(messages_per_day=1_000_000, reads_per_message=0, months=1)
    lines = {line.item: line for line in estimate(read(stage("dev")), load).lines}
    sent = 100 * SENT
    assert lines["stream function, requests"].free == 1_000_000
    assert lines["stream function, time"].monthly == pytest.approx((sent * 0.06 * 0.25 - 400_000) * 0.0000133334)
    assert lines["logs written"].monthly == pytest.approx((sent * 600 / GB - 5) * 0.50)
    assert lines["table and indexes stored"].free == pytest.approx(lines["table and indexes stored"].quantity)
    assert lines["writes on demand"].free == 0


def test_an_old_table_writes_a_message_once_and_runs_nothing():
    assert monthly(of(), A_MONTH) == {
        "writes on demand": pytest.approx(SENT * 0.625e-6),
        "reads on demand": 0,
        "table and indexes stored": pytest.approx(SENT * (MESSAGE + 100) / GB * 0.25),
    }


@pytest.mark.parametrize("load", [Load(), A_MONTH])
def test_fixed_capacity_costs_its_hours_whatever_the_load(load):
    cost = monthly(of(old_table(read=5, write=5)), load)
    assert cost["write capacity"] == pytest.approx(730 * 5 * 0.00065)
    assert cost["read capacity"] == pytest.approx(730 * 5 * 0.00013)


def test_scaled_capacity_is_what_the_busy_hours_need_and_else_its_minimum():
    template = synth(billing_mode="provisioned", write_capacity=1, max_write_capacity=1000)
    load = Load(messages_per_day=864_000, reads_per_message=0, peak_factor=4, months=1)
    # 10 messages a second, 40 in the busy quarter of the day: 120 units to the table
    # and 160 to the index, 70 % of what is there.
    hours = 730 * ((120 + 160) / 0.7 / 4 + 2 * 0.75)
    cost = monthly(template, load)
    assert cost["write capacity"] == pytest.approx(hours * 0.00065)
    # 20 units a second are read and 5 are there, for the table and as many for the index.
    assert cost["read capacity"] == pytest.approx(730 * 10 * 0.00013)
    assert cost["alarms"] == pytest.approx(0.80)  # four for each of two capacities that scale
    assert monthly(template, load, free_tier=True)["alarms"] == 0
    assert estimate(read(template), load).warnings == (
        "the table gives at most 5 read units a second; the busy hours need 80, and requests will be throttled",
    )
    bounded = synth(billing_mode="provisioned", write_capacity=5, max_write_capacity=50)
    cost = monthly(bounded, Load(messages_per_day=8_640_000, reads_per_message=0, peak_factor=1))
    assert cost["write capacity"] == pytest.approx(730 * 2 * 50 * 0.00065)


def test_backups_are_full_copies_of_the_table_as_it_was_on_each_day():
    growing = monthly(of(Plan=plan(rule(DeleteAfterDays=3))), Load(messages_per_day=1000, months=1))
    assert growing["backups, daily"] == pytest.approx(SMALL_GB * (DAYS + (DAYS - 1) + (DAYS - 2)) * 0.10)
    # Of a table that no longer grows they are points times size.
    monthly_rule = rule("monthly", "cron(0 5 1 * ? *)", DeleteAfterDays=183)
    cost = monthly(of(Plan=plan(rule(DeleteAfterDays=35), monthly_rule)), SMALL)
    assert cost["backups, daily"] == pytest.approx(35 * SMALL_GB * 0.10)
    assert cost["backups, monthly"] == pytest.approx(183 * 12 / 365 * SMALL_GB * 0.10)
    # Points without an end are there since the load began.
    assert monthly(of(Plan=plan(rule())), SMALL)["backups, daily"] == pytest.approx(365 * SMALL_GB * 0.10)


def test_copies_cost_again_and_travel():
    arn = "arn:aws:backup:eu-west-1:111122223333:backup-vault:far"
    copy = {"DestinationBackupVaultArn": arn, "Lifecycle": {"DeleteAfterDays": 10}}
    cost = monthly(of(Plan=plan(rule(copies=[copy], DeleteAfterDays=100))), SMALL)
    assert cost["backups, daily"] == pytest.approx(100 * SMALL_GB * 0.10)
    assert cost["copies, daily, eu-west-1"] == pytest.approx(10 * SMALL_GB * 0.11)
    assert cost["copies, daily, on the way"] == pytest.approx(DAYS * SMALL_GB * 0.02)


@pytest.mark.parametrize(
    ("months", "rotation", "dollars"),
    [
        (12, {"EnableKeyRotation": True}, 0),
        (12.5, {"EnableKeyRotation": True}, 0.5),
        (13, {"EnableKeyRotation": True}, 1),
        (24.5, {"EnableKeyRotation": True}, 1.5),
        (60, {"EnableKeyRotation": True}, 2),
        (12, {"EnableKeyRotation": True, "RotationPeriodInDays": 90}, 2),
        (60, {"EnableKeyRotation": False}, 0),
        (60, {}, 0),
    ],
)
def test_a_key_that_rotates_costs_more_after_its_first_and_second_rotation(months, rotation, dollars):
    cost = monthly(of(Key=resource("AWS::KMS::Key", **rotation)), Load(months=months))
    assert (cost["customer key"], cost.get("customer key, rotations", 0)) == (1.00, pytest.approx(dollars))


@pytest.mark.parametrize(("load", "slots"), [(A_MONTH, 730 * 12), (Load(messages_per_day=1), DAYS)])
def test_a_key_is_asked_for_every_five_minutes_at_most(load, slots):
    assert monthly(synth(**FULL), load)["customer key, requests"] == pytest.approx(2 * slots * 3e-6)


@pytest.mark.parametrize(
    ("properties", "dollars"),
    [({"MetricName": "m"}, 0.10), ({"Metrics": [{"MetricStat": {}}, {"MetricStat": {}}, {"Expression": "a/b"}]}, 0.20)],
)
def test_an_alarm_is_billed_for_the_metrics_that_it_watches(properties, dollars):
    assert monthly(of(Alarm=alarm(**properties)), Load())["alarms"] == pytest.approx(dollars)


def test_what_watches_costs_beyond_the_free_ones():
    boards = {f"Board{n}": resource("AWS::CloudWatch::Dashboard") for n in range(4)}
    template = of(**{f"Alarm{n}": alarm() for n in range(12)}, **boards)
    listed, free = monthly(template, A_MONTH), monthly(template, A_MONTH, free_tier=True)
    assert [listed[name] for name in ("alarms", "dashboards")] == pytest.approx([1.20, 12.00])
    assert [free[name] for name in ("alarms", "dashboards")] == pytest.approx([0.20, 3.00])


def test_a_replica_costs_its_writes_storage_and_the_way_there_at_its_own_prices():
    cost = monthly(of(global_table(None, "eu-central-1")), Load(messages_per_day=10_000, reads_per_message=1, months=1))
    expected = {
        "writes on demand": SENT * 0.625e-6,
        "writes on demand, eu-central-1": SENT * 0.7625e-6,
        "reads on demand": SENT * 4 * 0.125e-6,
        "reads on demand, eu-central-1": 0,
        "table and indexes stored, eu-central-1": SENT * (MESSAGE + 100) / GB * 0.306,
        "replication": SENT * MESSAGE / GB * 0.02,
    }
    assert {item: cost[item] for item in expected} == pytest.approx(expected)


@pytest.mark.parametrize(
    ("named", "placed", "asked", "home"),
    [
        (None, None, None, "us-east-1"),
        (HOME, None, None, HOME),
        (HOME, THERE, None, THERE),
        (HOME, THERE, "us-west-2", "us-west-2"),
    ],
)
def test_the_region_is_the_callers_then_the_stacks_then_the_only_replicas(named, placed, asked, home):
    stacks = (StackTemplate(region=placed, template=synth(region=named)),)
    assert estimate(bill.read(stacks, region=asked), Load(), region=asked).region == home


def test_with_replicas_the_stacks_own_region_is_home_and_keeps_its_items():
    narrow, wide = (
        estimate(bill.read((StackTemplate(region=HOME, template=synth(region=HOME, replica_regions=there)),)), A_MONTH)
        for there in ((), (THERE,))
    )
    assert wide.regions == (HOME, THERE)
    costs = {line.item: line.monthly for line in wide.lines}
    assert {line.item: costs[line.item] for line in narrow.lines} == {line.item: line.monthly for line in narrow.lines}
    assert not any(HOME in item for item in costs)


def test_a_template_alone_does_not_say_which_of_several_replicas_is_at_home():
    both = "the table has replicas in us-east-1 and eu-west-1; name the region of its stack with --region"
    for region in (None, "us-west-2"):
        with pytest.raises(OpsError, match=f"^{both}$"):
            read(of(global_table(THERE, HOME)), region=region)
    assert estimate(read(of(global_table(THERE, HOME)), region=HOME), A_MONTH).regions == (HOME, THERE)


def in_two_regions(region=HOME, **resources):
    """A stage in us-east-1 with a key and daily copies to the vault of a second stack."""
    arn = f"arn:aws:backup:{region}:111122223333:backup-vault:far"
    copied = rule(copies=[{"DestinationBackupVaultArn": arn}], DeleteAfterDays=10)
    key, vault = resource("AWS::KMS::Key"), resource("AWS::Backup::BackupVault")
    there = {"Resources": {"Vault": vault, "Key": key} | resources}
    return (
        StackTemplate(name="own", region=THERE, template=of(Plan=plan(copied), Key=key)),
        StackTemplate(name="copies", region=region, template=there),
    )


def test_a_second_stack_is_priced_in_its_region_and_nothing_is_counted_twice():
    key = resource("AWS::KMS::Key", EnableKeyRotation=True)
    both, home = (
        estimate(bill.read(stacks), Load(messages_per_day=1000, months=13))
        for stacks in (in_two_regions(Key=key), in_two_regions()[:1])
    )
    assert both.monthly - home.monthly == pytest.approx(2.00), "the second key and its rotation, and no copy twice"
    second = [(line.item, line.price.region) for line in both.lines if line.stack == "copies"]
    assert second == [("customer key, eu-west-1", HOME), ("customer key, rotations, eu-west-1", HOME)]
    assert both.regions == (THERE, HOME)


def test_what_is_in_a_region_without_prices_has_those_of_the_stages_own_and_a_warning():
    found = estimate(bill.read(in_two_regions("mars-1")), Load(messages_per_day=1000))
    prices = {line.item: line.price.region for line in found.lines}
    assert prices["copies, daily, mars-1"] == prices["customer key, mars-1"] == THERE
    assert found.warnings == ("no prices of region mars-1 are known: those of us-east-1 are used there",)


def test_unknown_resources_of_every_stack_are_warned_of():
    gateway = resource("AWS::EC2::NatGateway")
    known = {"B": gateway, "C": resource("AWS::IAM::Role"), "D": resource("Custom::Thing")}
    found = estimate(bill.read(in_two_regions(A=gateway, **known)), Load())
    assert found.warnings == ("not priced: 2 x AWS::EC2::NatGateway",)
    for name in ("dev", "prod"):
        assert estimate(read(stage(name)), Load()).warnings == ()


STEADY = Load(reads_per_message=0, peak_factor=1)


def test_capacity_costs_as_much_as_requests_when_29_percent_of_it_is_used():
    even = break_even(read(stage("dev")), Load(peak_factor=4))
    assert even.utilisation == pytest.approx(0.00065 / 3600 / 0.625e-6)
    assert (f"{even.utilisation:.1%}", even.fixed_utilisation) == ("28.9%", 0.25)
    # Each region has its own; this template names one.
    assert break_even(read(synth(**FULL)), Load()).utilisation == pytest.approx(0.000735 / 3600 / 0.705e-6)


def test_where_the_two_cost_the_same_at_list_prices():
    found = break_even(read(stage("dev")), STEADY, free_tier=False).messages_per_day
    # At a rate r a second: 7 r write units and 2 r read units, which are below a minimum of 1.
    # Requests: 2,628,000 s a month x r x (7 x 0.625 + 2 x 0.125) / 1,000,000 = 12.1545 r.
    # Capacity: 730 h x (7 r / 0.7 x 0.00065 + 2 x 0.00013) + 16 alarms x 0.10.
    rate = (730 * 2 * 0.00013 + 1.6) / (12.1545 - 730 * 10 * 0.00065)
    assert 2 * rate / 0.7 < 1 < 3 * rate / 0.7  # of both capacities to write, and of those to read
    assert found == pytest.approx(rate * 86_400, rel=1e-4)


def test_the_free_units_and_alarms_count_unless_they_are_left_out():
    assert modes(read(stage("dev")), Load()) == (0, pytest.approx(0.60))  # 16 alarms of the scaling, 10 are free
    listed = modes(read(stage("dev")), Load(), free_tier=False)
    assert listed == (0, pytest.approx(730 * 2 * (0.00065 + 0.00013) + 1.60))
    # Without an index the scaling keeps 8 alarms, which are free as well.
    assert break_even(read(of()), STEADY).messages_per_day == 0
