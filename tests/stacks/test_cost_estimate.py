"""Estimates against examples that are worked out by hand, and comparisons of two."""

from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.errors import OpsError
from ops.cost import bill
from ops.cost.estimate import break_even, compare, estimate, modes
from ops.cost.load import Load
from ops.cost.prices import DAYS, GB
from ops.template import KeptPoints, StackTemplate, kept_points, runs_a_day
from tests.support.cost_templates import alone, copy_to, of, old_table, plan, read, resource, rule
from tests.support.templates import FULL, WITH_COPIES, stage
from tests.support.templates import synthesized as synth

# With a body of 200 bytes: names and values of the attributes, and 36 characters an id.
MESSAGE, MEMBERSHIP = 621, 604
A_MONTH = Load(messages_per_day=10_000, reads_per_message=0, months=1)
SENT = 10_000 * 730 / 24
BUSY = Load(messages_per_day=10_000)
SMALL = Load(messages_per_day=1000, retention_days=1, reads_per_message=0)
SMALL_GB = 1000 * (MESSAGE + 100) / GB
HOME, THERE = "eu-west-1", "us-east-1"
KEY = resource("AWS::KMS::Key")


def monthly(template, load, *, free_tier=False):
    """Dollars by item."""
    return {line.item: line.monthly for line in estimate(read(template), load, free_tier=free_tier).lines}


def units(body=200, **load):
    """Units of a message with a body of that length: table and index written, table and index read."""
    return list(bill.per_message(read(stage("dev")), Load(message_bytes=body, **load)).values())


def test_how_often_a_schedule_runs():
    schedules = ["0 5,17 * * ? *", "0 5 1,15 * ? *", "30 4 ? * SUN *", "0 5 1 JAN,JUL ? *"]
    assert [runs_a_day(f"cron({one})") for one in schedules] == pytest.approx([2, 24 / 365, 1 / 7, 2 / 365])


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


def test_what_a_message_takes_follows_from_its_size():
    assert units(1024 - (MESSAGE - 200))[::2] == [3, 4]
    assert units(1025 - (MESSAGE - 200))[::2] == [4, 4]  # the lists are smaller items
    assert units(100_000)[::2] == [99 + 4, 8]  # a list shows only the beginning of a long message
    # Two looks of the function. 20 messages are 12,420 bytes, 4 units consistently; 20 entries 12,080, half of 3.
    assert units(reads_per_message=3)[1::2] == [2 + 3 * 4, 3 * 1.5]


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


def test_the_always_free_part_is_deducted():
    load = Load(messages_per_day=1_000_000, reads_per_message=0, months=1)
    lines = {line.item: line for line in estimate(read(stage("dev")), load).lines}
    assert lines["stream function, requests"].free == 1_000_000
    assert lines["stream function, time"].monthly == pytest.approx((100 * SENT * 0.015 - 400_000) * 0.0000133334)
    assert lines["logs written"].monthly == pytest.approx((100 * SENT * 600 / GB - 5) * 0.50)
    assert lines["table and indexes stored"].free == pytest.approx(lines["table and indexes stored"].quantity)
    assert lines["writes on demand"].free == 0


def test_an_old_table_writes_a_message_once_and_its_fixed_capacity_costs_its_hours():
    assert monthly(of(), A_MONTH) == {
        "writes on demand": pytest.approx(SENT * 0.625e-6),
        "reads on demand": 0,
        "table and indexes stored": pytest.approx(SENT * (MESSAGE + 100) / GB * 0.25),
    }
    units = {"ReadCapacityUnits": "2", "WriteCapacityUnits": 3}
    index = {"IndexName": "i", "KeySchema": [{"AttributeName": "User"}], "ProvisionedThroughput": units}
    for load in (Load(), A_MONTH):
        cost = monthly(of(old_table(read=5, write=4, GlobalSecondaryIndexes=[index])), load)
        expected = [730 * (4 + 3) * 0.00065, 730 * (5 + 2) * 0.00013]
        assert [cost["write capacity"], cost["read capacity"]] == pytest.approx(expected)


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
    wide = read(synth(billing_mode="provisioned", region=HOME, replica_regions=(THERE,)), region=HOME)
    alarms = {line.item: line.quantity for line in estimate(wide, load).lines}["alarms"]
    assert alarms == 16  # and in each region
    assert monthly(template, load, free_tier=True)["alarms"] == 0
    assert estimate(read(template), load).warnings == (
        "the table allows at most 5 read units a second; the busy hours need 80, and requests will be throttled",
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


def test_copies_cost_again_at_their_regions_prices_and_their_transfer():
    own = of(Plan=plan(rule(copies=[copy_to(HOME, DeleteAfterDays=10)], DeleteAfterDays=100)))
    cost = monthly(own, SMALL)
    assert cost["backups, daily"] == pytest.approx(100 * SMALL_GB * 0.10)
    assert cost["copies, daily, eu-west-1"] == pytest.approx(10 * SMALL_GB * 0.11)
    assert cost["copies, daily, transfer"] == pytest.approx(DAYS * SMALL_GB * 0.02)
    unnamed = {"DestinationBackupVaultArn": {"Ref": "Vault"}}
    points = kept_points(StackTemplate(template=of(Plan=plan(rule(copies=[unnamed])))))
    assert list(points)[1] == KeptPoints(item="copies, daily", runs_a_day=pytest.approx(1), days=None, is_copy=True)
    named = list(kept_points(StackTemplate(template=synth(**WITH_COPIES))))[1]
    assert (named.days, named.region, named.vault[:20]) == (7, "eu-central-1", "Messages-prod-Copies")


@pytest.mark.parametrize(
    ("months", "period", "dollars"),
    [(12.5, {}, 0.5), (24.5, {}, 1.5), (60, {}, 2), (12, {"RotationPeriodInDays": 90}, 2)],
)
def test_a_key_that_rotates_costs_more_after_its_first_and_second_rotation(months, period, dollars):
    cost = monthly(of(Key=resource("AWS::KMS::Key", EnableKeyRotation=True, **period)), Load(months=months))
    assert (cost["customer key"], cost["customer key, rotations"]) == (1.00, pytest.approx(dollars))
    assert "customer key, rotations" not in monthly(of(Key=KEY), Load(months=months))


@pytest.mark.parametrize(("load", "slots"), [(A_MONTH, 730 * 12), (Load(messages_per_day=1), DAYS)])
def test_a_key_is_asked_for_every_five_minutes_at_most(load, slots):
    assert monthly(synth(**FULL), load)["customer key, requests"] == pytest.approx(2 * slots * 3e-6)


def test_alarms_are_billed_for_their_metrics_and_like_dashboards_beyond_the_free_ones():
    queries = [{"MetricStat": {}}, {"MetricStat": {}}, {"Expression": "a/b"}]
    alarms = {f"Alarm{n}": resource("AWS::CloudWatch::Alarm", MetricName="m") for n in range(10)}
    alarms["Ratio"] = resource("AWS::CloudWatch::Alarm", Metrics=queries)
    template = of(**alarms, **{f"Board{n}": resource("AWS::CloudWatch::Dashboard") for n in range(4)})
    listed, free = monthly(template, A_MONTH), monthly(template, A_MONTH, free_tier=True)
    assert [listed[name] for name in ("alarms", "dashboards")] == pytest.approx([1.20, 12.00])
    assert [free[name] for name in ("alarms", "dashboards")] == pytest.approx([0.20, 3.00])


def test_a_replica_costs_its_writes_storage_and_transfer_at_its_own_prices():
    keys = old_table()["Properties"]["KeySchema"]
    replicas = [{"Region": region} for region in ({"Ref": "AWS::Region"}, "eu-central-1", "us-west-2")]
    table = resource("AWS::DynamoDB::GlobalTable", BillingMode="PAY_PER_REQUEST", KeySchema=keys, Replicas=replicas)
    expected = {
        "writes on demand": SENT * 0.625e-6,
        "writes on demand, eu-central-1": SENT * 0.7625e-6,
        "reads on demand": SENT * 4 * 0.125e-6,
        "reads on demand, eu-central-1": 0,
        "table and indexes stored, eu-central-1": SENT * (MESSAGE + 100) / GB * 0.306,
        "replication": 2 * SENT * MESSAGE / GB * 0.02,
    }
    cost = monthly(of(table), Load(messages_per_day=10_000, reads_per_message=1, months=1))
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
    assert estimate(bill.read(stacks, region=asked), Load()).region == home


def test_with_replicas_the_stacks_own_region_is_home_and_keeps_its_items():
    wide = synth(region=HOME, replica_regions=(THERE,))
    narrow, found = (
        estimate(bill.read((StackTemplate(region=HOME, template=template),)), A_MONTH)
        for template in (synth(region=HOME), wide)
    )
    assert found.regions == (HOME, THERE)
    costs = {line.item: line.monthly for line in found.lines}
    assert {line.item: costs[line.item] for line in narrow.lines} == {line.item: line.monthly for line in narrow.lines}
    assert not any(HOME in item for item in costs)
    for region in (None, "us-west-2"):  # a template alone does not say which of several is home
        with pytest.raises(OpsError, match=r"^the table has replicas in .*; pass --region with the region of its"):
            read(wide, region=region)
    assert estimate(read(wide, region=HOME), A_MONTH).regions == (HOME, THERE)


def in_two_regions(region=HOME, **resources):
    """A stage in us-east-1 with a key and daily copies to the vault of a second stack."""
    copied = rule(copies=[copy_to(region)], DeleteAfterDays=10)
    there = {"Resources": {"Vault": resource("AWS::Backup::BackupVault"), "Key": KEY} | resources}
    return (
        StackTemplate(name="own", region=THERE, template=of(Plan=plan(copied), Key=KEY)),
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


def test_a_region_without_prices_and_unknown_resources_are_warned_of():
    gateway = resource("AWS::EC2::NatGateway")
    known = {"C": resource("AWS::IAM::Role"), "D": resource("Custom::Thing")}
    found = estimate(bill.read(in_two_regions("mars-1", A=gateway, B=gateway, **known)), Load(messages_per_day=1000))
    prices = {line.item: line.price.region for line in found.lines}
    assert prices["copies, daily, mars-1"] == prices["customer key, mars-1"] == THERE
    assert found.warnings == (
        "no prices known for region mars-1; prices of us-east-1 used instead",
        "not priced: 2 x AWS::EC2::NatGateway",
    )
    assert estimate(read(stage("prod")), Load()).warnings == ()


def test_where_the_two_cost_the_same_with_and_without_the_free_tier():
    steady = Load(reads_per_message=0, peak_factor=1)
    found = break_even(read(stage("dev")), steady, free_tier=False)["messages_per_day"]
    # At a rate r a second: 7 r write units and 2 r read units, which are below a minimum of 1.
    # Requests: 2,628,000 s a month x r x (7 x 0.625 + 2 x 0.125) / 1,000,000 = 12.1545 r.
    # Capacity: 730 h x (7 r / 0.7 x 0.00065 + 2 x 0.00013) + 16 alarms x 0.10.
    rate = (730 * 2 * 0.00013 + 1.6) / (12.1545 - 730 * 10 * 0.00065)
    assert 2 * rate / 0.7 < 1 < 3 * rate / 0.7  # of both capacities to write, and of those to read
    assert found == pytest.approx(rate * 86_400, rel=1e-4)
    assert modes(read(stage("dev")), Load()) == [0, pytest.approx(0.60)]  # 16 alarms of the scaling, 10 are free
    listed = modes(read(stage("dev")), Load(), free_tier=False)
    assert listed == [0, pytest.approx(730 * 2 * (0.00065 + 0.00013) + 1.60)]
    # Without an index the scaling keeps 8 alarms, which are free as well.
    even = break_even(read(of()), steady)
    assert even["messages_per_day"] == 0
    # Capacity costs as much as requests when 29 % of it is used.
    assert even["utilisation"] == pytest.approx(0.00065 / 3600 / 0.625e-6) == pytest.approx(0.2889, abs=1e-4)
    assert even["fixed_utilisation"] == 1


RETAINED = {"DeletionPolicy": "RetainExceptOnCreate"}
KEPT = KEY | RETAINED
VAULT = resource("AWS::Backup::BackupVault") | RETAINED
STAYS = "counted as deleted, but retained and billed until you delete it: "
GONE = "counted as deleted, but its retained resources are billed until they are cleaned up: "


def stacks(*names, **resources):
    """A stage's own stack, and more that have these resources."""
    own = StackTemplate(name="own", template=of())
    return (own, *(StackTemplate(name=name, template={"Resources": resources}) for name in names))


@pytest.mark.parametrize(
    ("before", "after", "notes"),
    [
        (alone(of(Key=KEPT)), alone(of(Key=KEPT)), []),
        (alone(of(Key=KEY)), alone(of()), []),
        (alone(of(Vault=VAULT)), alone(of()), [f"{STAYS}Vault (AWS::Backup::BackupVault)"]),
        (stacks("copies", Key=KEPT), stacks("else", Key=KEPT), [f"{GONE}copies"]),
        (stacks("copies", Key=KEPT), stacks("copies"), [f"{STAYS}Key (AWS::KMS::Key)"]),
        # A template given as a file names no stack.
        (alone(of(Key=KEPT)), stacks(), [f"{STAYS}Key (AWS::KMS::Key)"]),
    ],
)
def test_what_is_counted_as_deleted_and_retained_is_named(before, after, notes):
    assert list(compare(before, after, Load()).notes) == notes


def placed(region=None, **settings):
    """A stage that names its region, or does not."""
    return (StackTemplate(name="Messages-dev", region=region, template=synth(region=region, **settings)),)


def test_where_one_side_alone_names_a_region_both_have_its_prices():
    nowhere, ireland = placed(), placed(HOME)
    for found, side in ((compare(nowhere, ireland, BUSY), "new"), (compare(ireland, nowhere, BUSY), "old")):
        assert (found.before.region, found.after.region, found.delta, found.changes) == (HOME, HOME, 0, ())
        assert found.notes == (f"both sides are priced in {HOME}: only the {side} one names a region",)
    # A replica that comes with the region is all that costs more.
    wide = compare(nowhere, placed(HOME, replica_regions=("eu-central-1",)), BUSY)
    changed = {change.item for change in wide.changes}
    assert "writes on demand, eu-central-1" in changed
    assert "writes on demand" not in changed
    # The caller's region is that of both, and what does not exist has none.
    for before, after, region in [(nowhere, ireland, "us-west-2"), (nowhere, nowhere, None), ((), ireland, None)]:
        assert compare(before, after, BUSY, region=region).notes == ()
    named = compare(placed("us-west-2"), ireland, BUSY)
    assert (named.before.region, named.after.region, named.notes) == ("us-west-2", HOME, ())
    assert named.delta > 0


def test_more_of_what_is_free_is_not_a_change():
    on_demand, fixed = alone(synth()), alone(synth(billing_mode="provisioned"))
    items = {change.item: change for change in compare(on_demand, fixed, Load(messages_per_day=1000)).changes}
    assert items["writes on demand"].after == 0
    assert items["write capacity"].quantity_after == 2 * 5 * 730
    assert "stream function, requests" not in items


# What holds for every load and every template. They are made when they are used: a synth takes a while.
UNITS = {"write_capacity": 1, "max_write_capacity": 500, "read_capacity": 1, "max_read_capacity": 500}
TEMPLATES = {
    "prod": lambda: stage("prod"),
    "full": lambda: synth(**FULL),
    "scaled": lambda: synth(billing_mode="provisioned", **UNITS),
    "old": lambda: of(old_table(recovery=True), Plan=plan(rule())),
}
templates = st.sampled_from(sorted(TEMPLATES))
loads = st.builds(
    Load,
    messages_per_day=st.floats(0, 1e7),
    message_bytes=st.integers(1, 5000),
    reads_per_message=st.floats(0, 50),
    retention_days=st.none() | st.floats(0, 500),
    months=st.floats(1, 24),
    conversations=st.none() | st.floats(0, 1e6),
    peak_factor=st.floats(1, 20),
)
untimed = settings(deadline=None)


@cache
def read_of(name):
    return read(TEMPLATES[name]())


@pytest.mark.parametrize("field", ["messages_per_day", "message_bytes", "reads_per_message", "months"])
@untimed
@given(factor=st.integers(1, 5), template=templates, load=loads, free_tier=st.booleans())
def test_more_of_it_never_costs_less(field, factor, template, load, free_tier):
    larger = replace(load, **{field: factor * getattr(load, field)})
    less, more = (estimate(read_of(template), one, free_tier=free_tier).monthly for one in (load, larger))
    assert more >= less * (1 - 1e-9)


@settings(untimed, max_examples=40)
@given(template=templates, load=loads, free_tier=st.booleans())
def test_scaled_capacity_costs_less_just_from_the_break_even_on(template, load, free_tier):
    def excess(messages):
        asked = replace(load, messages_per_day=messages)
        on_demand, provisioned = modes(read_of(template), asked, free_tier=free_tier)
        return on_demand - provisioned

    found = break_even(read_of(template), load, free_tier=free_tier)["messages_per_day"]
    slack = max(1.0, found * 1e-5)
    assert excess(found + slack) >= -1e-6
    if found > slack:
        assert excess(found - slack) <= 1e-6
