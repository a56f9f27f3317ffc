"""Tags, prices and texts of the backup commands."""

from datetime import UTC, datetime, timedelta

import pytest

from cli import output
from cli.command_line import Context
from ops import backup, backups
from ops.cost.prices import AS_OF, GB
from ops.inventory import command as holdings
from ops.inventory import costs, vaults
from ops.inventory.costs import Rates
from ops.inventory.found import ExistingTable, Inventory, Key, NativeBackup, Point, Vault
from ops.restore import origin

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def context(client=None, **more):
    return Context(clients=lambda _: client, stack="Messages-dev", account="111122223333", region="us-west-2", **more)


def point(arn, age, status="COMPLETED", vault="v"):
    return Point(arn=arn, vault=vault, status=status, bytes=10 * GB, created=NOW - timedelta(days=age))


def test_tags_are_keys_and_values_and_a_retention_is_whole_days():
    assert backup.tags(["a=b", "c=d=e", "f="]) == {"a": "b", "c": "d=e", "f": ""}
    assert [backup.retention_days(text) for text in ("48h", "4w", "1y", "36500d")] == [2, 28, 365, 36500]


def test_every_resource_has_its_price():
    class Client:
        def describe_continuous_backups(self, *, TableName):
            status = "ENABLED" if TableName == "recoverable" else "DISABLED"
            return {
                "ContinuousBackupsDescription": {
                    "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status}
                }
            }

        def get_paginator(self, operation):
            assert operation == "describe_log_groups"
            return self

        def paginate(self, *, logGroupNamePrefix):
            names = (logGroupNamePrefix, f"{logGroupNamePrefix}-2")
            return [{"logGroups": [{"logGroupName": name, "storedBytes": 100 * GB} for name in names]}]

    table = ExistingTable(name="t", bytes=GB)
    found = Inventory(
        tables=(
            table,
            ExistingTable(name="recoverable", bytes=GB),
            ExistingTable(name="provisioned", read_units=5, write_units=5),
        ),
        vaults=(Vault(name="v", arn="a", points=(point("p", 1), point("expired", 2, "EXPIRED")), jobs=("j",)),),
        backups=tuple(NativeBackup(arn=k, name=k, table="t", system=k == "s", bytes=10 * GB) for k in "su"),
        keys=(Key(arn="k"), Key(arn="k-2", scheduled=True)),
        log_groups=("g",),
    )
    listed = costs.things(context(Client()), found, [point("w", 1, vault="w")])
    assert [(thing.id, thing.detail, round(thing.monthly_usd, 2)) for thing in listed] == [
        ("t", "about 0 items, on demand", 0.25),
        ("recoverable", "about 0 items, on demand, point-in-time recovery", 0.45),
        ("provisioned", "about 0 items, 5 read and 5 write units", 2.85),
        ("v", "2 recovery points, 1 running job", 2.0),
        ("in vault w", "1 recovery point, in a vault outside the stack", 1.0),
        ("s", "SYSTEM, free, cannot be deleted, of t", 0.0),
        ("u", "USER, on demand, of t", 1.0),
        ("k", "customer key", 1.0),
        ("k-2", "its deletion is scheduled", 0.0),
        ("g", "", 3.0),
    ]


def test_a_region_without_prices_has_those_of_another_and_it_says_so():
    mars, oregon = Rates("mars-1"), Rates("us-west-2")
    assert mars.backup(10 * GB) == oregon.backup(10 * GB)
    assert mars.note == (
        f"list prices of us-west-2 as of {AS_OF}, because those of mars-1 are not known; without any free tier"
    )
    assert mars.origin == oregon.origin == {"region": "us-west-2", "as_of": AS_OF}


def test_sizes_ages_and_amounts_for_people():
    assert [output.size(n) for n in (0, 1023, 1536, 5 * 2**30, 2**50)] == ["0 B", "1023 B", "1.5 KB", "5 GB", "1024 TB"]
    spans = [timedelta(seconds=5), timedelta(minutes=3), timedelta(hours=47), timedelta(days=40)]
    assert [output.age(NOW - span, NOW) for span in spans] == ["5 s", "3 min", "1 d", "40 d"]
    assert (output.age(None, NOW), output.age(NOW + timedelta(1), NOW)) == ("?", "0 s")
    assert [output.money(x) for x in (0, 0.001, 0.005, 1234.5)] == ["$0.00", "<$0.01", "$0.01", "$1234.50"]


def test_both_forms_of_an_arn_and_any_zone_are_known():
    for arn in (
        "backup:us-west-2:111122223333:recovery-point:1EB3",
        "dynamodb:us-west-2:111122223333:table/Msg/backup/0-b",
    ):
        origin.check_arn(f"arn:aws:{arn}", context())
    for text in ("2026-01-31T01:00:00+01:00", "2026-01-31T00:00:00Z"):
        assert origin.parse_time(text) == NOW


def test_nothing_found_of_every_stack_does_not_name_one(capsys):
    holdings.show_them(context(), [], as_json=False)
    assert capsys.readouterr().out == (
        "nothing was found in account 111122223333, region us-west-2, every stack; "
        "choose another place with --region or --profile\n"
    )


@pytest.mark.parametrize(
    ("state", "category", "text", "failure"),
    [
        ("COMPLETED", "SUCCESS", "", ""),
        (
            "COMPLETED",
            "InvalidParameters",
            "why",
            "COMPLETED with InvalidParameters: why; do not rely on the recovery point it left: arn",
        ),
        ("PARTIAL", "SUCCESS", "why", "PARTIAL: why; do not rely on the recovery point it left: arn"),
        ("FAILED", "SUCCESS", "why", "FAILED: why"),
        ("ABORTED", "SUCCESS", "", "ABORTED: AWS Backup gives no reason"),
        (
            "EXPIRED",
            "SUCCESS",
            "there was a running job for the same resource.",
            "EXPIRED: there was a running job for the same resource. AWS Backup runs one job per "
            "table at a time: run this again.",
        ),
    ],
)
def test_only_a_complete_backup_is_one(state, category, text, failure):
    job = {"State": state, "MessageCategory": category, "StatusMessage": text, "RecoveryPointArn": "arn"}
    assert backup.failure(job) == failure
    assert backup.failure({"State": "COMPLETED"}) == "COMPLETED without a recovery point"


@pytest.mark.parametrize(("days", "storage"), [(-1, "COLD"), (1, "WARM"), (None, "WARM")])
def test_a_listed_point_is_cold_from_the_day_on_which_it_moves(days, storage):
    moves = {} if days is None else {"MoveToColdStorageAt": datetime.now(UTC) + timedelta(days=days)}
    listed = {"RecoveryPointArn": "p", "Status": "COMPLETED", "BackupSizeInBytes": 10 * GB}
    found = vaults.point("v", listed | {"CalculatedLifecycle": moves})
    assert found.storage == storage
    (row,) = backups.backup_rows([found], Rates("us-west-2"))
    assert row["monthly_usd"] == {"COLD": 0.3, "WARM": 1.0}[storage]


@pytest.mark.parametrize(
    ("state", "age", "recent"),
    [("COMPLETED", 4, True), ("COMPLETED", 6, False), ("PARTIAL", 4, False), ("USER", 4, True), ("SYSTEM", 4, False)],
)
def test_a_usable_backup_that_is_young_enough(state, age, recent):
    found = point("p", age, state)
    if state in ("USER", "SYSTEM"):
        system, created = state == "SYSTEM", NOW - timedelta(days=age)
        found = NativeBackup(arn="n", name="n", table="t", system=system, status="AVAILABLE", created=created)
    rows = backups.backup_rows([point("old", 50), found], Rates("us-west-2"))
    assert backups.is_recent(rows, NOW - timedelta(days=5)) is recent
