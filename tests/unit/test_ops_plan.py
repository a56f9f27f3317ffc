"""What a clean-up decides to do, from plain data."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta

import pytest

from cli.clients import StackDescription
from cli.command_line import Context
from ops.cleanup import command, guards, plan
from ops.cleanup.guards import Guards
from ops.cleanup.plan import Choices
from ops.inventory.found import Copy, Inventory, Key, NativeBackup, Point, Role, Unseen, Vault
from ops.inventory.leftovers import table_names

TABLE_ARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/Messages"
KEY_ARN = "arn:aws:kms:eu-west-1:111122223333:key/k"
POINT = Point(arn="arn:point", vault="v", status="COMPLETED", resource=TABLE_ARN)
VAULT = Vault(name="v", arn="arn:v", table="Messages", points=(POINT,), jobs=("job-1",))
ROLE = Role(name="r", tables=("Messages",))
BY_HAND = NativeBackup(arn="arn:user", name="by-hand", table="Messages", system=False)
EXPIRY = datetime(2026, 12, 26, 11, 0, tzinfo=UTC)
SYSTEM = NativeBackup(arn="arn:system", name="x", table="Messages", system=True, expires=EXPIRY)
EVERYTHING = Inventory(
    vaults=(VAULT,), backups=(BY_HAND, SYSTEM), roles=(ROLE,), keys=(Key(arn=KEY_ARN),), log_groups=("/aws/lambda/g",)
)
CONTEXT = Context(clients=None, stack="Messages-dev", account="111122223333", region="eu-west-1")


def _make(inventory):
    return plan.make(inventory, region="eu-west-1")


def _ids(entries):
    return [entry.id for entry in entries]


def test_points_go_before_what_aws_needs_to_delete_them():
    made = _make(EVERYTHING)
    assert _ids(made.actions) == ["job-1", "arn:point", "arn:user", "v", "r", KEY_ARN, "/aws/lambda/g"]
    assert made.blocked == []
    assert _make(Inventory()) == plan.Plan(actions=[], blocked=[], stays=[])
    assert plan.summary(made.actions) == "1 recovery point, 1 table backup, 1 backup vault, 1 role, 1 key, 1 log group"
    assert plan.summary(_make(Inventory(log_groups=("a", "b"))).actions) == "2 log groups"


@pytest.mark.parametrize("what", ["vaults", "tables"])
def test_role_and_key_are_kept_while_the_caller_may_not_see_what_needs_them(what):
    unseen = (Unseen(what=what, reason="ListBackupVaults: denied"),)
    made = _make(Inventory(roles=(ROLE,), keys=(Key(arn=KEY_ARN),), unseen=unseen))
    assert made.actions == []
    assert [entry.kind for entry in made.blocked] == [what, "role", "key"]


def test_names_of_tables_come_from_every_trace_and_by_default_only_with_one():
    role = "Messages-pr-1-BackupRole-1A2B3C"
    former = dataclasses.replace(POINT, resource=TABLE_ARN + "-old", role=role)
    foreign = dataclasses.replace(POINT, resource=TABLE_ARN + "-foreign", role="Orders-Backup")
    vault = Vault(name="v", arn="a", table="Tagged", points=(former, foreign))
    old = StackDescription(name="Messages-pr-1", status="DELETE_COMPLETE", outputs={"TableName": "Output"})
    names = table_names("Messages-pr-1", (vault,), (Role(name="r", tables=("Policy",)),), (old,))
    assert names == {"Tagged", "Messages-old", "Output", "Policy", "Messages-pr-1"}
    assert table_names("Messages-dev", (), (), ()) == set()
    assert table_names("Other", (), (Role(name="r"),), ()) == set()


def test_lists_for_people_have_one_line_for_each_entry():
    entries = [plan.Entry(kind="key", id="k", reason="why", until=EXPIRY)]
    assert command.lines("kept", entries) == ["kept:", "  key  k  until 2026-12-26 11:00 UTC  why"]
    assert command.lines("kept", []) == []


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_blocked_point_keeps_what_it_needs_and_no_other_point_or_generation():
    mine, held = (dataclasses.replace(POINT, arn=f"arn:{role}", role=role, vault=role) for role in ("r", "r-2"))
    vaults = tuple(Vault(name=p.role, arn=p.arn, points=(p,)) for p in (mine, held))
    found = Inventory(vaults=vaults, roles=(ROLE, Role(name="r-2")), keys=(Key(arn=KEY_ARN),))
    made = plan.make(found, region="eu-west-1", guards=Guards(points={"arn:r-2": ("why", EXPIRY)}))
    assert _ids(made.actions) == ["arn:r", "r", "r"]
    assert [(entry.kind, entry.id, entry.reason, entry.until) for entry in made.blocked] == [
        ("recovery point", "arn:r-2", "why", EXPIRY),
        ("backup vault", "r-2", "holds 1 recovery point, 1 cannot be deleted", None),
        ("role", "r-2", "kept: AWS Backup needs it to delete the remaining recovery points", None),
        ("key", KEY_ARN, "kept: remaining resources may be encrypted with it", None),
    ]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ({}, {"backup:DeleteRecoveryPoint": "statement 1"}),
        (
            {"Sid": "Keep", "Action": ["backup:*"]},
            {"backup:DeleteRecoveryPoint": "statement Keep", "backup:DeleteBackupVault": "statement Keep"},
        ),
        ({"Principal": {"AWS": "arn:aws:iam::111122223333:root"}}, {"backup:DeleteRecoveryPoint": "statement 1"}),
        ({"Principal": {"AWS": "arn:aws:iam::111122223333:user/tom"}}, {}),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, {}),
        ({"Resource": "arn:aws:backup:eu-west-1:111122223333:recovery-point:x"}, {}),
        ({"Effect": "Allow"}, {}),
        ({"Action": "backup:StartBackupJob"}, {}),
    ],
)
def test_only_a_denial_for_everyone_is_certain(statement, found):
    deny = {"Effect": "Deny", "Principal": "*", "Action": "backup:deleterecoverypoint", "Resource": "*"}
    assert guards.denials(json.dumps({"Statement": [deny | statement]}), "111122223333") == found


def _aged(*days, table="Messages", status="COMPLETED"):
    shared = {"vault": "v", "status": status, "resource": f"arn:aws:dynamodb:eu-west-1:111122223333:table/{table}"}
    return [Point(arn=f"{table}-{day}", created=NOW - timedelta(days=day), **shared) for day in days]


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        ({}, ["A-1", "A-40", "A-50", "B-2", "B-60"]),
        ({"table": "B"}, ["B-2", "B-60"]),
        ({"before": NOW - timedelta(days=30)}, ["A-40", "A-50", "B-60"]),
        ({"keep_last": 1}, ["A-40", "A-50", "B-60"]),
        ({"keep_last": 0}, ["A-1", "A-40", "A-50", "B-2", "B-60"]),
        ({"keep_last": 2, "before": NOW - timedelta(days=30)}, ["A-50"]),
        ({"keep_last": 9}, []),
    ],
)
def test_all_conditions_on_points_must_hold(selection, chosen):
    points = [*_aged(1, 40, 50, table="A"), *_aged(2, 60, table="B")]
    assert [point.arn for point in Choices(**selection).select(points)] == chosen


def test_a_bad_point_does_not_count_as_kept_and_an_undated_one_is_kept():
    points = [*_aged(1, status="EXPIRED"), *_aged(2, 3)]
    assert [point.arn for point in Choices(keep_last=1).select(points)] == ["Messages-1", "Messages-3"]
    assert list(Choices(before=NOW).select([dataclasses.replace(POINT, created=None)])) == []


THERE = "arn:aws:backup:eu-central-1:444455556666:backup-vault"
OWN = Copy(arn="arn:1", vault=f"{THERE}:Messages-dev-Copies-eu-central-1-v", stack="Messages-dev-Copies-eu-central-1")
COMMAND = "`python -m ops cleanup --stack Messages-dev-Copies-eu-central-1 --region eu-central-1`"


@pytest.mark.parametrize(
    ("copied", "actions", "words"),
    [
        (
            OWN,
            [],
            [
                f"needs this role to expire the copies: run {COMMAND}, then run this again",
                f"delete all of them: {COMMAND}",
            ],
        ),
        (dataclasses.replace(OWN, role="r-2"), ["r"], [f"delete all of them: {COMMAND}"]),
        (
            Copy(arn="arn:1", vault=f"{THERE}:theirs", doubt="in another account"),
            ["r"],
            ["in another account; in vault theirs, account 444455556666"],
        ),
    ],
)
def test_a_copy_is_kept_with_the_command_that_deletes_it_and_with_the_role_that_made_it(copied, actions, words):
    made = plan.make(Inventory(roles=(ROLE,)), region="eu-west-1", copies=[copied])
    assert _ids(made.actions) == actions
    assert [text in entry.reason for text, entry in zip(words, made.stays, strict=True)] == [True] * len(words)
