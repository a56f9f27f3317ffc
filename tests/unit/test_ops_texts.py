"""Durations, tags, prices and texts of the backup commands."""

from datetime import UTC, datetime, timedelta

import pytest

from cli import output
from cli.command_line import Context
from ops import backup, backups
from ops.backup import Job
from ops.backups import BackupRow, is_recent
from ops.cost.prices import AS_OF, GB
from ops.inventory import command as holdings
from ops.inventory.costs import Rates
from ops.inventory.found import NativeBackup, Point
from ops.inventory.vaults import Backups
from ops.restore import origin
from tests.support.clock import FakeClock

OREGON = Rates("us-west-2")
NOW = datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "days"), [("1d", 1), ("48h", 2), ("30d", 30), ("4w", 28), ("1y", 365), ("36500d", 36500)]
)
def test_a_retention_is_days_weeks_or_years(text, days):
    assert backup.retention_days(text) == days


def test_tags_are_keys_and_values():
    assert backup.tags(["a=b", "c=d=e", "f="]) == {"a": "b", "c": "d=e", "f": ""}


@pytest.mark.parametrize(
    ("amount", "dollars"),
    [
        (OREGON.backup(10 * GB), 1.00),
        (OREGON.table(GB, recovery=False), 0.25),
        (OREGON.table(GB, recovery=True), 0.45),
        (OREGON.table(0, recovery=True, read_units=5, write_units=5), 2.85),
        (OREGON.key(), 1.00),
        (Rates("eu-central-1").backup(10 * GB), 1.22),
    ],
)
def test_prices_are_those_of_the_region(amount, dollars):
    assert round(amount, 2) == dollars


def test_a_region_without_prices_has_those_of_another_and_it_says_so():
    mars = Rates("mars-1")
    assert mars.backup(10 * GB) == OREGON.backup(10 * GB)
    assert mars.note == (
        f"list prices of us-west-2 as of {AS_OF}, because those of mars-1 are not known; without any free tier"
    )
    assert mars.origin == {"region": "us-west-2", "as_of": AS_OF}


def test_sizes_ages_and_amounts_for_people():
    assert [output.size(n) for n in (0, 1023, 1536, 5 * 2**30, 2**50)] == ["0 B", "1023 B", "1.5 KB", "5 GB", "1024 TB"]
    spans = [timedelta(seconds=5), timedelta(minutes=3), timedelta(hours=47), timedelta(days=40)]
    assert [output.age(NOW - span, NOW) for span in spans] == ["5 s", "3 min", "1 d", "40 d"]
    assert (output.age(None, NOW), output.age(NOW + timedelta(1), NOW)) == ("?", "0 s")
    assert [output.money(x) for x in (0, 0.001, 0.005, 1234.5)] == ["$0.00", "<$0.01", "$0.01", "$1234.50"]


def test_a_system_backup_is_free_and_the_newest_usable_point_is_the_newest():
    def point(arn, age, status="COMPLETED"):
        return Point(arn=arn, vault="v", status=status, bytes=GB, created=NOW - timedelta(days=age))

    system = NativeBackup(arn="s", name="s", table="t", system=True, bytes=GB, created=NOW)
    user = NativeBackup(arn="u", name="u", table="t", system=False, bytes=GB)
    points = (point("old", 3), point("newer", 2, "AVAILABLE"), point("bad", 1, "EXPIRED"))
    found = Backups(points=points, own=(user, system))
    assert found.newest is points[1]
    assert Backups(points=points[2:]).newest is None
    costs = {row.arn: round(row.monthly_usd, 2) for row in backups.backup_rows(found, OREGON)}
    # An EXPIRED point is billed as any other.
    assert costs == {"old": 0.1, "newer": 0.1, "bad": 0.1, "u": 0.1, "s": 0.0}


CONTEXT = Context(
    clients=lambda _: None, stack="Messages-dev", account="111122223333", region="us-west-2", say=lambda _: None
)


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:backup:us-west-2:111122223333:recovery-point:1EB3B5E7-9EB0-435A-A80B-108B488B0D45",
        "arn:aws:dynamodb:us-west-2:111122223333:table/Messages/backup/01576616366715-b4e58d3a",
    ],
)
def test_both_forms_of_an_arn_are_known(arn):
    origin.check_arn(arn, CONTEXT)


def test_a_time_has_a_zone():
    assert origin.parse_time("2026-01-31T01:00:00+01:00") == NOW
    assert origin.parse_time("2026-01-31T00:00:00Z") == NOW


def test_nothing_found_of_every_stack_does_not_name_one(capsys):
    context = Context(clients=None, stack="Messages-dev", account="1", region="r")
    holdings.show_them(context, [], as_json=False)
    assert capsys.readouterr().out == (
        "nothing was found in account 1, region r, every stack; choose another place with --region or --profile\n"
    )


@pytest.mark.parametrize(
    ("job", "failure"),
    [
        ({"state": "COMPLETED", "category": "SUCCESS"}, ""),
        ({"state": "COMPLETED"}, ""),
        (
            {"state": "COMPLETED", "category": "InvalidParameters", "text": "why"},
            "COMPLETED with InvalidParameters: why; do not rely on the recovery point it left: arn",
        ),
        ({"state": "COMPLETED", "point": ""}, "COMPLETED without a recovery point"),
        ({"state": "FAILED", "text": "why"}, "FAILED: why"),
        ({"state": "ABORTED"}, "ABORTED: AWS Backup gives no reason"),
        ({"state": "EXPIRED", "text": "why"}, "EXPIRED: why"),
        (
            {"state": "EXPIRED", "text": "there was a running job for the same resource."},
            "EXPIRED: there was a running job for the same resource. AWS Backup runs one job per "
            "table at a time: run this again.",
        ),
        ({"state": "PARTIAL", "text": "why"}, "PARTIAL: why; do not rely on the recovery point it left: arn"),
    ],
)
def test_only_a_complete_backup_is_one(job, failure):
    assert Job(**{"id": "j", "vault": "v", "point": "arn"} | job).failure == failure


def test_progress_is_said_when_it_changes_and_no_more_often():
    percents = [("CREATED", ""), ("RUNNING", "0.0"), ("RUNNING", "0.0"), ("RUNNING", "50.5"), ("COMPLETED", "100.0")]
    answers = iter([{"State": state, "PercentDone": percent} for state, percent in percents])

    class Backup:
        def describe_backup_job(self, **_):
            return next(answers)

    said = []
    context = Context(
        clients=lambda _: Backup(), stack="s", account="1", region="r", say=said.append, clock=FakeClock()
    )
    assert backup.wait(context, "j", seconds=60).state == "COMPLETED"
    assert said == [
        "backup job j: CREATED after 0 s",
        "backup job j: RUNNING 0% after 0.2 s",
        "backup job j: RUNNING 50.5% after 1.0 s",
        "backup job j: COMPLETED 100% after 1.6 s",
    ]


def row(hours, kind="RECOVERY_POINT", state="COMPLETED"):
    return BackupRow(
        kind=kind,
        arn="arn",
        vault="v",
        state=state,
        created=NOW - timedelta(hours=hours),
        expires=None,
        size_bytes=0,
        monthly_usd=0.0,
    )


@pytest.mark.parametrize(
    ("rows", "recent"),
    [
        ([], False),
        ([row(25)], True),
        ([row(27)], False),
        ([row(50), row(2)], True),
        ([row(2, state="PARTIAL"), row(50)], False),
        ([row(2, state="EXPIRED")], False),
        ([row(2, kind="USER", state="AVAILABLE")], True),
        ([row(2, kind="SYSTEM", state="AVAILABLE")], False),
    ],
)
def test_a_usable_backup_that_is_young_enough(rows, recent):
    assert is_recent(rows, NOW - timedelta(hours=26)) is recent
