"""What holds for every load and every template."""

import dataclasses
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.cost.estimate import break_even, estimate, modes
from ops.cost.load import Load
from tests.support.cost_templates import of, old_table, plan, read, rule
from tests.support.templates import FULL, stage
from tests.support.templates import synthesized as synth

# Made when they are used: a synth takes a while, and files are read by every process of a test run.
TEMPLATES = {
    "dev": lambda: stage("dev"),
    "prod": lambda: stage("prod"),
    "full": lambda: synth(**FULL),
    "scaled": lambda: synth(
        billing_mode="provisioned", write_capacity=1, max_write_capacity=500, read_capacity=1, max_read_capacity=500
    ),
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
    larger = dataclasses.replace(load, **{field: factor * getattr(load, field)})
    less, more = (estimate(read_of(template), one, free_tier=free_tier).monthly for one in (load, larger))
    assert more >= less * (1 - 1e-9)


@settings(untimed, max_examples=40)
@given(template=templates, load=loads, free_tier=st.booleans())
def test_scaled_capacity_costs_less_just_from_the_break_even_on(template, load, free_tier):
    def excess(messages):
        asked = dataclasses.replace(load, messages_per_day=messages)
        on_demand, provisioned = modes(read_of(template), asked, free_tier=free_tier)
        return on_demand - provisioned

    found = break_even(read_of(template), load, free_tier=free_tier)["messages_per_day"]
    slack = max(1.0, found * 1e-5)
    assert excess(found + slack) >= -1e-6
    if found > slack:
        assert excess(found - slack) <= 1e-6
