"""The plan of a recovery and its temporary table: how a run finds and continues what an earlier one left."""

import argparse
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from cli.command_line import Context
from cli.errors import OpsError
from ops.inventory import stack_tables
from ops.inventory.found import Point
from ops.inventory.stack_tables import Restored
from ops.recover import temporary
from ops.recover.plan import Entry, Plan, PlanStore, Scope
from ops.restore.comparison import UnitBudget
from tests.support.in_process import Dynamodb, create_table

CONTEXT = Context(clients=lambda _: None, stack="s", account="1", region="r", say=lambda _: None)
NOW = datetime.now(UTC).replace(microsecond=0)
POINT = Point(arn="arn:p", vault="v", status="COMPLETED", resource="table/T", created=NOW)


def store(client=None):
    return PlanStore(client or Dynamodb(), create_table([]), UnitBudget(1e9))


def plan(**more):
    return Plan(scope=Scope(exact=True), asked="--exact", table_id="id", **more)


def test_the_first_recorded_plan_is_valid_also_after_a_lost_answer():
    kept, first = store(), plan(number=3)
    assert kept.recorded() is None
    kept.record(first)
    kept.record(first)  # as the SDK does when an answer is lost
    assert kept.recorded() == first
    with pytest.raises(OpsError, match="another run has recorded its plan in table"):
        kept.record(plan())


def test_a_plan_has_more_chunks_than_a_page_and_no_other_plans_entries():
    kept, first, long = store(), plan(), "x" * 900
    for number in range(15):
        kept.add(first, number, [Entry((f"{number:04}{long}", f"{n:04}{long}"), "digest") for n in range(100)])
    kept.add(plan(), 0, [Entry(("of", "another"), "")])
    kept.dynamodb.update_item(**kept.mark(first, 3, 7))
    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        kept.dynamodb.update_item(**kept.mark(first, 3, 7))
    kept.dynamodb.update_item(**kept.mark(first, 3, 8))
    chunks = list(kept.chunks(first))
    assert [chunk.number for chunk in chunks] == list(range(15))
    assert sum(len(chunk.entries) for chunk in chunks) == 1500
    assert [chunk.written for chunk in chunks] == [{7, 8} if number == 3 else set() for number in range(15)]


@pytest.mark.parametrize(
    ("asked", "ago", "hours", "wanted"),
    [
        # A command without a fixed moment continues a recent recovery ...
        ({}, None, 1, {"arn": POINT.arn}),
        ({"to_time": "90m"}, 2.5, 1, {"hours": 2.5}),
        # ... but not an old one, nor one to another moment, and a fixed moment stays what it is.
        ({}, None, 13, {}),
        ({"to_time": "90m"}, 14.5, 13, {"hours": 1.5}),
        ({"to_time": "3h"}, 2.5, 1, {"hours": 4}),
        ({"arn": "arn:q"}, None, 1, {"arn": "arn:q"}),
        ({"to_time": "2026-01-01T00:00:00Z"}, None, 1, {"to_time": "2026-01-01T00:00:00Z"}),
    ],
)
def test_what_a_command_means_depends_on_what_an_earlier_run_left(asked, ago, hours, wanted, monkeypatch):
    seen = []
    monkeypatch.setattr(temporary.origins, "choose", lambda arguments, _: seen.append(arguments))
    monkeypatch.setattr(temporary.vaults, "table_points", lambda *_: ([POINT], []))
    end = f"{NOW - timedelta(hours=ago):%Y%m%dT%H%M%SZ}" if ago else temporary._digest(POINT.arn)
    left = {"TableName": f"T.recover-{end}", "CreationDateTime": NOW - timedelta(hours=hours)}
    arguments = argparse.Namespace(**{"arn": None, "to_time": None} | asked)
    temporary._origin(arguments, CONTEXT, "T", left)
    (found,) = seen
    if "hours" in wanted:
        assert (
            abs(datetime.fromisoformat(found.to_time) - (NOW - timedelta(hours=wanted["hours"]))).total_seconds() < 600
        )
    else:
        assert {name: getattr(found, name) for name in ("arn", "to_time")} == {"arn": None, "to_time": None} | wanted


def test_the_name_says_what_is_recovered_and_is_one_that_dynamodb_allows():
    moment = datetime(2026, 1, 31, 9, tzinfo=UTC)
    assert temporary._name(Restored(source="T", moment=moment)) == "T.recover-20260131T090000Z"
    name = temporary._name(Restored(source="T", moment=moment, arn="arn:p"))
    assert stack_tables.TEMPORARY.fullmatch(name)[1] == "T"
    with pytest.raises(OpsError, match="DynamoDB allows 255"):
        temporary._name(Restored(source="T" * 250, arn="arn:p"))
