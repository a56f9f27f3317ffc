"""On demand against provisioned, worked out by hand."""

import pytest

from ops.cost.breakeven import break_even, modes
from ops.cost.load import Load
from tests.support.cost_templates import of, old_table, read
from tests.support.templates import FULL, stage
from tests.support.templates import synthesized as synth

STEADY = Load(reads_per_message=0, peak_factor=1)


def test_capacity_costs_as_much_as_requests_when_29_percent_of_it_is_used():
    even = break_even(read(stage("dev")), Load(peak_factor=4))
    assert even.utilisation == pytest.approx(0.00065 / 3600 / 0.625e-6)
    assert f"{even.utilisation:.1%}" == "28.9%"
    assert even.fixed_utilisation == 0.25


def test_where_the_two_cost_the_same_at_list_prices():
    found = break_even(read(stage("dev")), STEADY, free_tier=False).messages_per_day
    # Of a rate r a second: 7 r write units and 2 r read units, which are below a minimum of 1.
    # Requests: 2,628,000 s a month x r x (7 x 0.625 + 2 x 0.125) / 1,000,000 = 12.1545 r.
    # Capacity: 730 h x (7 r / 0.7 x 0.00065 + 2 x 0.00013) + 16 alarms x 0.10.
    rate = (730 * 2 * 0.00013 + 1.6) / (12.1545 - 730 * 10 * 0.00065)
    assert 3 * rate / 0.7 > 1  # both capacities to write are above their minimum
    assert 2 * rate / 0.7 < 1
    assert found == pytest.approx(rate * 86_400, rel=1e-4)


def test_the_free_units_and_alarms_count_unless_they_are_left_out():
    idle = modes(read(stage("dev")), Load())
    assert idle == (0, pytest.approx(0.60))  # 16 alarms of the scaling, 10 are free
    listed = modes(read(stage("dev")), Load(), free_tier=False)
    assert listed == (0, pytest.approx(730 * 2 * (0.00065 + 0.00013) + 1.60))


def test_a_table_whose_capacity_is_free_costs_less_at_any_load():
    # Without an index the scaling keeps 8 alarms, which are free as well.
    assert break_even(read(of()), STEADY).messages_per_day == 0


def test_it_is_the_same_comparison_whichever_mode_the_template_has():
    load = Load(messages_per_day=50_000)
    one, other = read(of(old_table())), read(of(old_table(read=7, write=9)))
    assert break_even(one, load) == break_even(other, load)


def test_without_a_region_it_is_priced_in_the_templates_own():
    assert break_even(read(synth(**FULL)), Load()).utilisation == pytest.approx(0.000735 / 3600 / 0.705e-6)
