"""What a clean-up decides to do, from plain data."""

import json
from datetime import UTC, datetime

import pytest

from ops import plan, report
from ops.command import Context
from ops.found import Inventory, Key, Point, Role, Table, TableBackup, Unseen, Vault
from ops.inventory import table_names
from ops.stack import Stack

TABLE_ARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/Messages"
KEY_ARN = "arn:aws:kms:eu-west-1:111122223333:key/k"
POINT = Point(arn="arn:point", vault="v", status="COMPLETED", resource=TABLE_ARN)
VAULT = Vault(name="v", arn="arn:v", table="Messages", points=(POINT,), jobs=("job-1",))
ROLE = Role(name="r", tables=("Messages",))
BY_HAND = TableBackup(arn="arn:user", name="by-hand", table="Messages", system=False)
EXPIRY = datetime(2026, 12, 26, 11, 0, tzinfo=UTC)
SYSTEM = TableBackup(arn="arn:system", name="x", table="Messages", system=True, expires=EXPIRY)
EVERYTHING = Inventory(
    vaults=(VAULT,),
    backups=(BY_HAND, SYSTEM),
    roles=(ROLE,),
    keys=(Key(arn=KEY_ARN),),
    log_groups=("/aws/lambda/g",),
)
CONTEXT = Context(clients=None, stack="Messages-dev", account="111122223333", region="eu-west-1")


def _make(inventory):
    return plan.make(inventory, region="eu-west-1")


def _ids(items):
    return [item.id for item in items]


def test_points_go_before_what_aws_needs_to_delete_them():
    made = _make(EVERYTHING)
    assert _ids(made.actions) == [
        "job-1", "arn:point", "arn:user", "v", "r", KEY_ARN, "/aws/lambda/g",
    ]  # fmt: skip
    assert made.blocked == ()


def test_the_question_counts_what_goes():
    assert _make(EVERYTHING).summary == (
        "1 recovery point, 1 table backup, 1 backup vault, 1 role, 1 key, 1 log group"
    )
    two = Inventory(log_groups=("a", "b"))
    assert _make(two).summary == "2 log groups"


def test_a_system_backup_stays_until_it_expires():
    (stays,) = _make(Inventory(backups=(SYSTEM,))).stays
    assert (stays.id, stays.until) == ("arn:system", EXPIRY)


@pytest.mark.parametrize("protected", [False, True])
def test_a_table_stays_with_the_command_that_deletes_it(protected):
    made = _make(Inventory(tables=(Table(name="Messages", protected=protected),)))
    assert made.actions == ()
    (stays,) = made.stays
    call = "--table-name Messages --region eu-west-1"
    assert f"`aws dynamodb delete-table {call}`" in stays.reason
    assert ("--no-deletion-protection-enabled" in stays.reason) == protected


def test_a_key_that_a_table_uses_stays():
    made = _make(Inventory(keys=(Key(arn=KEY_ARN, used_by="T"),)))
    assert made.actions == ()
    assert made.stays[0].reason == "table T is encrypted with it"


def test_a_key_whose_deletion_is_scheduled_stays_until_then():
    key = Key(arn=KEY_ARN, scheduled=True, deleted_on=EXPIRY)
    made = _make(Inventory(keys=(key,)))
    assert made.actions == ()
    assert made.stays[0].until == EXPIRY


@pytest.mark.parametrize("what", ["vaults", "tables"])
def test_role_and_key_are_kept_while_nobody_can_see_what_needs_them(what):
    unseen = (Unseen(what=what, reason="ListBackupVaults: denied"),)
    made = _make(Inventory(roles=(ROLE,), keys=(Key(arn=KEY_ARN),), unseen=unseen))
    assert made.actions == ()
    assert [item.kind for item in made.blocked] == [what, "role", "key"]


def test_nothing_found_is_an_empty_plan():
    assert _make(Inventory()) == plan.Plan(actions=(), blocked=(), stays=())


def test_names_of_tables_come_from_whatever_knows_them():
    other = Point(arn="p", vault="v", status="COMPLETED", resource=TABLE_ARN + "-old")
    vault = Vault(name="v", arn="a", table="Tagged", points=(other,))
    old = Stack(name="Messages-pr-1", status="DELETE_COMPLETE", outputs={"TableName": "Output"})
    names = table_names("Messages-pr-1", [vault], [Role(name="r", tables=("Policy",))], [old])
    assert names == {"Tagged", "Messages-old", "Output", "Policy", "Messages-pr-1"}


def test_the_default_name_is_no_guess_without_a_trace_of_the_stack():
    assert table_names("Messages-dev", [], [], []) == set()
    assert table_names("Messages-dev", [], [Role(name="r")], []) == {"Messages"}
    assert table_names("Other", [], [Role(name="r")], []) == set()


def test_lists_for_people_and_for_pipelines():
    items = [plan.Item(kind="key", id="k", reason="why", until=EXPIRY)]
    assert report.lines("stays", items) == ["stays:", "  key  k  until 2026-12-26 11:00 UTC  why"]
    assert report.lines("stays", []) == []
    assert json.loads(report.as_json(CONTEXT, stays=items)) == {
        "account": "111122223333",
        "region": "eu-west-1",
        "stack": "Messages-dev",
        "deleted": [],
        "left": [],
        "stays": [
            {"kind": "key", "id": "k", "reason": "why", "until": "2026-12-26T11:00:00+00:00"}
        ],
    }
