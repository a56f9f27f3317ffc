"""Deleting what was agreed: responses of AWS that the embedded one cannot be made to give, and the pace."""

from types import SimpleNamespace

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from cli.command_line import Context
from ops.cleanup import command as cleanup
from ops.cleanup import plan
from ops.cleanup.deletion import Deletion, Pace, delete_points
from ops.inventory import leftovers
from ops.inventory.found import Inventory, Key, NativeBackup, Point, Role, Vault
from tests.support.clock import FakeClock
from tests.support.fake_clients import refusal


class FakeClient:
    """Notes every call; no role has its attached policy any more."""

    meta = SimpleNamespace(
        events=SimpleNamespace(register=lambda *_: None),
        service_model=SimpleNamespace(service_id=SimpleNamespace(hyphenize=str)),
    )

    def __init__(self):
        self.calls = []

    def __getattr__(self, operation):
        def call(**arguments):
            self.calls.append((operation, *arguments.values()))
            if operation == "detach_role_policy":
                raise refusal("NoSuchEntity")

        return call


class FakeBackup(FakeClient):
    """One vault ``v``: ``answers`` maps what is deleted to its errors, one for each call."""

    def __init__(self, points=None, answers=None, listed=True):
        self.calls = []
        self.points = dict(points or {})  # ARN to status
        self.answers = {key: list(errors) for key, errors in (answers or {}).items()}
        self.vault_listed = listed

    def delete_recovery_point(self, *, BackupVaultName, RecoveryPointArn):
        assert BackupVaultName == "v"
        self._answer(RecoveryPointArn)
        self.points.pop(RecoveryPointArn, None)

    def delete_backup_vault(self, *, BackupVaultName):
        self._answer(BackupVaultName)
        self.vault_listed = False

    def get_paginator(self, _):
        return self

    def paginate(self, **_):
        points = [{"RecoveryPointArn": arn, "Status": status} for arn, status in self.points.items()]
        yield {
            "BackupVaultList": [{"BackupVaultName": "v"}] if self.vault_listed else [],
            "BackupJobs": [],
            "RecoveryPoints": points,
        }

    def _answer(self, key):
        self.calls.append(key)
        if self.answers.get(key):
            raise self.answers[key].pop(0)


def _context(said=None, **services):
    return Context(
        clients=lambda service: services.get(service) or FakeClient(),
        stack="Messages-dev",
        account="1",
        region="us-east-1",
        say=(said if said is not None else []).append,
        clock=FakeClock(),
    )


def _points(*arns, status="COMPLETED"):
    return [Point(arn=arn, vault="v", status=status) for arn in arns]


def _delete(found, agreed, backup=None, seconds=60, **services):
    """Run a whole deletion; its failures."""
    entries = [plan.Entry(kind=kind, id=id) for kind, id in agreed]
    context = _context(backup=backup or FakeBackup(), **services)
    deletion = Deletion(context, entries, rate=1000, seconds=seconds)
    deletion.run(found)
    return deletion.failures


@pytest.mark.parametrize("code", ["InvalidResourceStateException", "ThrottlingException"])
def test_a_point_that_aws_refuses_for_now_is_sent_again_and_a_lost_request_stops_no_other(code):
    errors = {
        "b": [refusal(code)] * 2,
        "gone": [refusal("ResourceNotFoundException")],
        "lost": [ReadTimeoutError(endpoint_url="https://x")],
    }
    backup, said = FakeBackup(dict.fromkeys(["a", "b", "lost"], "COMPLETED"), errors), []
    failures = delete_points(_context(said), backup, _points("a", "b", "gone", "lost"), seconds=60)
    assert list(failures) == list(backup.points) == ["lost"]
    assert failures["lost"].startswith("ReadTimeoutError")
    assert (backup.calls.count("a"), backup.calls.count("b")) == (1, 3)
    assert said[-1].startswith("recovery points: 3 of 4 deleted after ")


@pytest.mark.parametrize(("looks", "failed"), [(3, False), (1000, True)])
def test_a_point_that_was_expired_before_gets_time(looks, failed):
    class Slow(FakeBackup):
        """Goes on listing the point as EXPIRED for some looks after its deletion."""

        looks_left = looks

        def delete_recovery_point(self, **_):
            pass

        def paginate(self, **_):
            self.looks_left -= 1
            if not self.looks_left:
                self.points.clear()
            return super().paginate()

    failures = delete_points(_context(), Slow({"a": "EXPIRED"}), _points("a", status="EXPIRED"), seconds=60)
    assert [why.split(":")[0] for why in failures.values()] == ["EXPIRED"] * failed


NOT_EMPTY = refusal("InvalidRequestException", "Backup vault cannot be deleted because it contains recovery points.")
ONE_VAULT = Inventory(vaults=(Vault(name="v", arn="arn:v"),))


@pytest.mark.parametrize(
    ("backup", "failure", "calls"),
    [
        (FakeBackup(answers={"v": [NOT_EMPTY] * 5}), "", 6),
        (FakeBackup(answers={"v": [NOT_EMPTY] * 100}), "still reports after 8 s", None),
        (FakeBackup({"new": "COMPLETED"}, {"v": [NOT_EMPTY]}), "1 more recovery points were added; run this again", 1),
        (FakeBackup(answers={"v": [refusal("AccessDeniedException")]}, listed=False), "", 1),
    ],
    ids=["lags", "lags until the deadline", "has new points", "is gone"],
)
def test_a_vault_that_aws_refuses_to_delete(backup, failure, calls):
    why = _delete(ONE_VAULT, [(plan.VAULT, "v")], backup, seconds=8).get((plan.VAULT, "v"), "")
    assert failure in why
    assert bool(why) == bool(failure)
    assert calls in (None, len(backup.calls))


def test_a_role_goes_with_its_policies_also_a_half_deleted_one():
    iam, role = FakeClient(), Role(name="r", policies=("inline",), attached=("arn:m",))
    assert _delete(Inventory(roles=(role,)), [(plan.ROLE, "r")], iam=iam) == {}
    assert [call[0] for call in iam.calls] == ["delete_role_policy", "detach_role_policy", "delete_role"]


def test_role_and_key_are_kept_for_points_that_came_meanwhile():
    iam, backup = FakeClient(), FakeBackup({"new": "COMPLETED"}, {"v": [NOT_EMPTY]})
    found = Inventory(vaults=ONE_VAULT.vaults, roles=(Role(name="r"),), keys=(Key(arn="arn:key"),))
    failures = _delete(found, [(plan.VAULT, "v"), (plan.ROLE, "r"), (plan.KEY, "arn:key")], backup, iam=iam)
    assert [kind for kind, _ in failures] == [plan.VAULT, plan.ROLE, plan.KEY]
    assert iam.calls == []


def test_only_what_was_agreed_is_deleted():
    iam, backup = FakeClient(), FakeBackup()
    vault = Vault(name="v", arn="arn:v", points=tuple(_points("a")), jobs=("j",))
    by_hand = NativeBackup(arn="arn:user", name="b", table="t", system=False)
    found = Inventory(vaults=(vault,), roles=(Role(name="r"),), backups=(by_hand,), log_groups=("g",))
    assert _delete(found, [], backup, iam=iam, logs=iam, dynamodb=iam) == {}
    assert iam.calls == backup.calls == []


@pytest.mark.parametrize(("lag", "failed", "left"), [(0, [], 0), (3, [], 0), (1000, [], 1), (3, [(plan.LOGS, "g")], 1)])
def test_a_list_that_lags_is_read_again_unless_the_deletion_failed(lag, failed, left):
    stale = [Inventory(log_groups=("g",))] * lag
    replan = lambda: plan.make(stale.pop() if stale else Inventory(), region="r")  # noqa: E731
    assert len(cleanup.look_again(_context(), failed, replan).actions) == left


@pytest.mark.parametrize(
    ("group", "tag", "own"),
    [
        ("/aws/lambda/Messages-dev-SeedFunction1A2B3C4D-AbCdEfGhIjKl", None, True),
        ("/aws/lambda/Messages-dev-SeedProviderframeworkonEv-nTz9TlTGBnHz", None, True),
        ("/aws/lambda/Messages-dev-Slack-Notification", None, False),
        ("/aws/lambda/Messages-dev-OtherFn-AbcdefGhijkl", None, False),
        ("Messages-dev-audit-Transactions1", None, False),
        ("/aws/lambda/Messages-dev-2-SeedFunction1A2B3C4D-AbCdEfGhIjKl", None, False),
        ("/aws/lambda/Messages-dev-any-name-at-all", "Messages-dev", True),
        ("/aws/lambda/Messages-dev-Seed", "Messages-dev-Seed", False),
    ],
)
def test_log_groups_are_the_stacks_by_tag_or_by_the_form_of_their_name(group, tag, own):
    class Logs:
        def get_paginator(self, _):
            return self

        def paginate(self, *, logGroupNamePrefix):
            groups = [{"logGroupName": group, "arn": f"arn:{group}:*"}]
            return [{"logGroups": groups if group.startswith(logGroupNamePrefix) else []}]

        def list_tags_for_resource(self, *, resourceArn):
            assert not resourceArn.endswith(":*")
            return {"tags": {"messages:stack": tag} if tag else {}}

    assert list(leftovers.log_groups(Logs(), "Messages-dev", existed=True)) == ([group] if own else [])
    unproven = list(leftovers.log_groups(Logs(), "Messages-dev", existed=False))
    assert unproven == ([group] if tag == "Messages-dev" else [])


def test_every_request_of_an_operation_waits_its_turn_also_the_sdks_retries(monkeypatch):
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0)
    clock, session = FakeClock(), boto3.Session("k", "s", region_name="us-east-1")
    backup = session.client("backup", config=Config(retries={"mode": "standard", "total_max_attempts": 3}))
    sent = []
    Pace(2, clock).limit(backup, "DeleteRecoveryPoint")

    def lose(**_):
        sent.append(clock.now)
        raise ConnectionClosedError(endpoint_url="https://x")

    backup.meta.events.register_last("before-send", lose)
    for _ in range(2):
        with pytest.raises(ConnectionClosedError):
            backup.delete_recovery_point(BackupVaultName="v", RecoveryPointArn="a")
    assert sent == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5])
