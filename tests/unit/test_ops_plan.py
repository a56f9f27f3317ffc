"""What a clean-up decides to do, from plain data."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta

import pytest

from cli.clients import StackDescription
from cli.command_line import Context
from cli.errors import UsageError
from ops.cleanup import plan, report
from ops.cleanup.choices import Choices
from ops.cleanup.copies import Copy
from ops.cleanup.guards import Guard, Guards, Hold, Lock, denied
from ops.cleanup.selection import Selection, age
from ops.inventory.found import Inventory, Key, Point, Role, Table, TableBackup, Unseen, Vault
from ops.inventory.inventory import table_names

TABLE_ARN = "arn:aws:dynamodb:eu-west-1:111122223333:table/Messages"
KEY_ARN = "arn:aws:kms:eu-west-1:111122223333:key/k"
POINT = Point(arn="arn:point", vault="v", status="COMPLETED", resource=TABLE_ARN)
VAULT = Vault(name="v", arn="arn:v", table="Messages", points=(POINT,), jobs=("job-1",))
ROLE = Role(name="r", tables=("Messages",))
BY_HAND = TableBackup(arn="arn:user", name="by-hand", table="Messages", system=False)
EXPIRY = datetime(2026, 12, 26, 11, 0, tzinfo=UTC)
SYSTEM = TableBackup(arn="arn:system", name="x", table="Messages", system=True, expires=EXPIRY)
EVERYTHING = Inventory(
    vaults=(VAULT,), backups=(BY_HAND, SYSTEM), roles=(ROLE,), keys=(Key(arn=KEY_ARN),), log_groups=("/aws/lambda/g",)
)
CONTEXT = Context(clients=None, stack="Messages-dev", account="111122223333", region="eu-west-1")


def _make(inventory):
    return plan.make(inventory, region="eu-west-1")


def _ids(items):
    return [item.id for item in items]


def test_points_go_before_what_aws_needs_to_delete_them():
    made = _make(EVERYTHING)
    assert _ids(made.actions) == ["job-1", "arn:point", "arn:user", "v", "r", KEY_ARN, "/aws/lambda/g"]
    assert made.blocked == ()


def test_the_question_counts_what_goes():
    assert _make(EVERYTHING).summary == ("1 recovery point, 1 table backup, 1 backup vault, 1 role, 1 key, 1 log group")
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


def test_a_table_with_replicas_stays_with_what_deletes_them_and_when():
    table = Table(name="Messages", replicas=("eu-central-1", "us-east-1"))
    (stays,) = _make(Inventory(tables=(table,))).stays
    assert stays.reason.endswith(
        "; its replicas in eu-central-1, us-east-1 are deleted likewise, each with its own "
        "--region; DynamoDB does not delete a table for 24 hours after a replica was created "
        "from it"
    )


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
    role = "Messages-pr-1-BackupRole-1A2B3C"
    former = dataclasses.replace(POINT, resource=TABLE_ARN + "-old", role=role)
    foreign = dataclasses.replace(POINT, resource=TABLE_ARN + "-foreign", role="Orders-Backup")
    vault = Vault(name="v", arn="a", table="Tagged", points=(former, foreign))
    old = StackDescription(name="Messages-pr-1", status="DELETE_COMPLETE", outputs={"TableName": "Output"})
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
        "stays": [{"kind": "key", "id": "k", "reason": "why", "until": "2026-12-26T11:00:00+00:00"}],
    }


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
GOVERNANCE, FINAL = Lock(), Lock(final=NOW - timedelta(days=1))
CHANGEABLE = Lock(final=NOW + timedelta(days=1))
EXPIRING = dataclasses.replace(POINT, expires=EXPIRY)
GUARDED = Inventory(
    vaults=(dataclasses.replace(VAULT, points=(EXPIRING,), jobs=()),), roles=(ROLE,), keys=(Key(arn=KEY_ARN),)
)


def _guarded(*, lock=None, denied=None, holds=(), unlock=False, inventory=GUARDED):
    guards = Guards(vaults={"v": Guard(lock=lock, denied=denied or {})}, holds=holds)
    choices = Choices(unlock=unlock, now=NOW)
    return plan.make(inventory, region="eu-west-1", guards=guards, choices=choices)


@pytest.mark.parametrize(
    ("guard", "text", "until"),
    [
        ({"lock": GOVERNANCE}, "vault lock in governance mode: --unlock removes it", EXPIRY),
        ({"lock": FINAL}, "compliance mode, final since 2026-11-20: nobody", EXPIRY),
        ({"lock": FINAL, "unlock": True}, "final since 2026-11-20", EXPIRY),
        ({"lock": CHANGEABLE}, "removes it (possible until 2026-11-22 12:00 UTC)", EXPIRY),
        ({"holds": (Hold(id="h", title="t", points=frozenset({"arn:point"})),)}, "legal hold 't' (h)", None),
        ({"denied": {"backup:DeleteRecoveryPoint": "statement 1"}}, "to everybody (statement 1): change it", None),
    ],
)
def test_what_is_in_the_way_is_named_and_keeps_what_the_point_needs(guard, text, until):
    made = _guarded(**guard)
    assert made.actions == ()
    point, *rest = made.blocked
    assert text in point.reason
    assert point.until == until
    assert [item.kind for item in rest] == ["backup vault", "role", "key"]
    assert rest[0].reason == "holds 1 recovery point, 1 cannot be deleted"


@pytest.mark.parametrize("lock", [GOVERNANCE, CHANGEABLE])
def test_a_lock_that_can_go_goes_first_when_told(lock):
    made = _guarded(lock=lock, unlock=True)
    assert [item.kind for item in made.actions][:2] == ["vault lock", "recovery point"]
    assert made.blocked == ()


def test_a_locked_point_without_retention_never_goes():
    inventory = Inventory(vaults=(dataclasses.replace(VAULT, jobs=()),))
    assert "it has no retention, so it never ends" in _guarded(lock=FINAL, inventory=inventory).blocked[0].reason


def test_a_hold_on_one_point_lets_the_others_go():
    free = dataclasses.replace(POINT, arn="arn:free")
    inventory = Inventory(vaults=(dataclasses.replace(VAULT, points=(POINT, free), jobs=()),))
    hold = Hold(id="h", title="t", points=frozenset({"arn:point"}))
    made = _guarded(holds=(hold,), inventory=inventory)
    assert _ids(made.actions) == ["arn:free"]
    assert _ids(made.blocked) == ["arn:point", "v"]


def test_a_vault_says_how_many_of_its_points_cannot_be_deleted():
    free = dataclasses.replace(POINT, arn="arn:free")
    inventory = Inventory(vaults=(dataclasses.replace(VAULT, points=(POINT, free), jobs=()),))
    hold = Hold(id="h", title="t", points=frozenset({"arn:point"}))
    vault = _guarded(holds=(hold,), inventory=inventory).blocked[-1]
    assert vault.reason == "holds 2 recovery points, 1 cannot be deleted"


def test_the_role_of_an_earlier_generation_goes_while_a_later_ones_points_are_held():
    mine = dataclasses.replace(POINT, role="r")
    theirs = dataclasses.replace(POINT, arn="arn:other", vault="v-2", role="r-2")
    found = Inventory(
        vaults=(
            dataclasses.replace(VAULT, points=(mine,), jobs=()),
            Vault(name="v-2", arn="arn:v-2", points=(theirs,)),
        ),
        roles=(ROLE, Role(name="r-2")),
    )
    hold = Hold(id="h", title="t", points=frozenset({"arn:other"}))
    made = _guarded(holds=(hold,), inventory=found)
    assert _ids(made.actions) == ["arn:point", "v", "r"]
    assert _ids(made.blocked) == ["arn:other", "v-2", "r-2"]


def test_the_role_that_made_no_copies_goes_while_there_are_copies():
    there = "arn:aws:backup:eu-west-1:111122223333:backup-vault:Messages-dev-Copies-eu-west-1-ab"
    copied = Copy(arn="arn:1", vault=there, stack="Messages-dev-Copies-eu-west-1", role="r-2")
    found = Inventory(roles=(ROLE, Role(name="r-2")))
    made = plan.make(found, region="us-east-1", copies=[copied])
    assert _ids(made.actions) == ["r"]
    assert _ids(made.stays) == ["r-2", "arn:1"]


def test_an_empty_locked_vault_goes():
    inventory = Inventory(vaults=(Vault(name="v", arn="arn:v"),))
    assert _ids(_guarded(lock=FINAL, inventory=inventory).actions) == ["v"]


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
def test_only_a_denial_of_everybody_is_certain(statement, found):
    deny = {"Effect": "Deny", "Principal": "*", "Action": "backup:deleterecoverypoint", "Resource": "*"}
    assert denied(json.dumps({"Statement": [deny | statement]}), "111122223333") == found


def _aged(*days, table="Messages", status="COMPLETED"):
    arn = f"arn:aws:dynamodb:eu-west-1:111122223333:table/{table}"
    return [
        Point(arn=f"{table}-{day}", vault="v", status=status, resource=arn, created=NOW - timedelta(days=day))
        for day in days
    ]


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
def test_conditions_on_points_hold_all_at_once(selection, chosen):
    points = [*_aged(1, 40, 50, table="A"), *_aged(2, 60, table="B")]
    assert [point.arn for point in Selection(**selection).choose(points)] == chosen


def test_a_bad_point_counts_as_none_that_is_kept_and_an_undated_one_stays():
    points = [*_aged(1, status="EXPIRED"), *_aged(2, 3)]
    assert [p.arn for p in Selection(keep_last=1).choose(points)] == ["Messages-1", "Messages-3"]
    undated = dataclasses.replace(POINT, created=None)
    assert list(Selection(before=NOW).choose([undated])) == []


def test_a_selection_is_of_points_and_says_what_stays():
    vault = dataclasses.replace(VAULT, points=tuple(_aged(1, 40)))
    found = dataclasses.replace(EVERYTHING, vaults=(vault,))
    choices = Choices(selection=Selection(before=NOW - timedelta(days=30)), now=NOW)
    made = plan.make(found, region="eu-west-1", choices=choices)
    assert _ids(made.actions) == ["Messages-40"]
    reasons = {item.id: item.reason for item in made.stays}
    assert reasons == {
        "v": "only recovery points were selected; 1 recovery point of the stack not selected",
        "r": "only recovery points were selected",
        "arn:user": "only recovery points were selected",
    }


@pytest.mark.parametrize("text", ["", "30", "d30", "-1d", "1.5d", "30 d", "1y", "999999d"])
def test_a_malformed_age_is_refused(text):
    with pytest.raises(UsageError, match="is not a time span"):
        age(text)


def test_ages():
    assert [age(text) for text in ("36h", "30d", "8w")] == [timedelta(hours=36), timedelta(days=30), timedelta(weeks=8)]


def test_an_expired_point_says_what_it_needs():
    vault = dataclasses.replace(VAULT, points=(dataclasses.replace(POINT, status="EXPIRED"),))
    (_, point, *_) = _make(Inventory(vaults=(vault,))).actions
    assert "iam:CreateServiceLinkedRole" in point.reason


def test_a_copy_is_named_with_the_command_that_deletes_it():
    there = "arn:aws:backup:us-east-1:444455556666:backup-vault:theirs"
    copies = [Copy(arn="arn:1", vault=there, doubt="in another account"), Copy(arn="arn:2")]
    first, second = plan.make(Inventory(), region="eu-west-1", copies=copies).stays
    assert first.reason.startswith("in another account; in vault theirs, account 444455556666")
    assert "--recovery-point-arn arn:1 --region us-east-1`" in first.reason
    assert "not the stack's" in second.reason
