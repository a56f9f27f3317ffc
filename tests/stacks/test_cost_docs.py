"""What docs/cost.md shows and says is what the program prints and computes."""

import re

import pytest

from ops.cost import items, report, traffic
from ops.cost.breakeven import break_even
from ops.cost.estimate import estimate
from ops.cost.load import Load
from tests.conftest import PROJECT
from tests.support.cost_templates import read
from tests.support.templates import stage

DOCS = (PROJECT / "docs/cost.md").read_text()
SHOWN = "$ python -m ops cost --messages-per-day 10000"


def test_the_example_is_what_the_program_prints():
    template, load = read(stage("dev")), Load(messages_per_day=10_000)
    lines = report.text(estimate(template, load), break_even(template, load))
    printed = "\n".join(["```", SHOWN, *lines, "```"])
    start, end = "<!-- cost: written by make accept -->\n", "\n<!-- /cost -->"
    found = DOCS.split(start)[1].split(end)[0]
    assert found == printed, f"put this into docs/cost.md:\n{printed}"


@pytest.mark.parametrize("option", sorted(set(re.findall(r"`(--[a-z-]+)`", DOCS))))
def test_every_option_that_is_named_exists(option):
    assert f'"{option}"' in (PROJECT / "ops/cost/command.py").read_text()


def test_the_table_of_units_has_the_units_of_the_estimate():
    units = traffic.per_message(read(stage("dev")), Load(reads_per_message=1))
    assert (items.message_bytes(200), items.membership_bytes(200)) == (621, 604)
    assert (units.writes, units.table_reads, units.index_reads) == (7, 2 + 4, (1.5,))
    assert items.message_bytes(603) == 1024
