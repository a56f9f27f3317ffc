"""Answers of AWS that the embedded one cannot be made to give."""

import math
from typing import ClassVar

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from cli.command_line import Context
from ops.cleanup import command as cleanup
from ops.cleanup import plan
from ops.cleanup.choices import Choices
from ops.cleanup.deletion import Deletion
from ops.cleanup.pace import Pace, each
from ops.cleanup.points import PointDeletion
from ops.inventory import leftovers, vaults
from ops.inventory.found import Inventory, Key, Point, Role, TableBackup, Vault
from tests.support.clock import FakeClock


def _error(code, text="", operation="Delete"):
    return ClientError({"Error": {"Code": code, "Message": text}}, operation)


class FakeBackup:
    """One vault ``v``: ``answers`` maps what is deleted to its errors, one for each call."""

    meta = property(lambda _: Meta)

    def __init__(self, points=None, answers=None, listed=True):
        self.points = dict(points or {})  # ARN to status
        self.answers = {key: list(errors) for key, errors in (answers or {}).items()}
        self.vault_listed = listed
        self.calls = []

    def delete_recovery_point(self, *, BackupVaultName, RecoveryPointArn):
        assert BackupVaultName == "v"
        self._answer(RecoveryPointArn)
        if self.points.get(RecoveryPointArn) == "STUBBORN":
            self.points[RecoveryPointArn] = "EXPIRED"
        else:
            self.points.pop(RecoveryPointArn, None)
        return {"ResponseMetadata": {"RetryAttempts": 0}}

    def delete_backup_vault(self, *, BackupVaultName):
        self._answer(BackupVaultName)
        self.vault_listed = False

    def get_paginator(self, operation):
        pages = {
            "list_backup_vaults": {"BackupVaultList": [{"BackupVaultName": "v"}] if self.vault_listed else []},
            "list_backup_jobs": {"BackupJobs": []},
            "list_recovery_points_by_backup_vault": {
                "RecoveryPoints": [{"RecoveryPointArn": arn, "Status": status} for arn, status in self.points.items()]
            },
        }
        return Pages(pages[operation])

    def _answer(self, key):
        self.calls.append(key)
        if self.answers.get(key):
            error = self.answers[key].pop(0)
            if error:
                raise error


class Pages:
    def __init__(self, page):
        self.page = page

    def paginate(self, **_):
        return [self.page]


class Meta:
    """What an SDK client says of itself; its events are not heard here."""

    class events:
        register = unregister = staticmethod(lambda *_: None)

    class service_model:
        class service_id:
            hyphenize = staticmethod(lambda: "backup")


class FakeClients:
    region = "us-east-1"

    def __init__(self, **services):
        self.services = services

    def __call__(self, service):
        return self.services.get(service)


def _context(said=None, **services):
    say = (said if said is not None else []).append
    return Context(
        clients=FakeClients(**services),
        stack="Messages-dev",
        account="1",
        region="us-east-1",
        say=say,
        clock=FakeClock(),
    )


def _points(*arns, status="COMPLETED", role=""):
    return [Point(arn=arn, vault="v", status=status, role=role) for arn in arns]


def _delete_points(backup, points, seconds=60, said=None):
    context = _context(said, backup=backup)
    deletion = PointDeletion(context, Pace(1000, context.clock))
    deletion.run(points, seconds=seconds)
    return deletion.failures


def test_a_busy_point_is_tried_again():
    busy = _error("InvalidResourceStateException", "already performing an action")
    backup = FakeBackup({"a": "COMPLETED", "b": "COMPLETED"}, {"b": [busy, busy]})
    assert _delete_points(backup, _points("a", "b")) == {}
    assert backup.calls.count("b") == 3
    assert backup.points == {}


def test_a_point_that_is_being_deleted_is_only_waited_for():
    backup = FakeBackup({"a": "DELETING"})
    failures = _delete_points(backup, _points("a", status="DELETING"), seconds=6)
    assert backup.calls == []
    assert failures == {"a": "still there after 6 s; run this again"}


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (_error("InvalidRequestException", "it has active legal hold(s)"), "active legal hold(s)"),
        (_error("AccessDeniedException", "no"), "the caller needs permission"),
        (ReadTimeoutError(endpoint_url="https://x"), "ReadTimeoutError"),
    ],
)
def test_a_refused_point_is_named_and_the_others_go(error, text):
    backup = FakeBackup(dict.fromkeys("abc", "COMPLETED"), {"b": [error]})
    failures = _delete_points(backup, _points(*"abc"))
    assert list(failures) == ["b"]
    assert text in failures["b"]
    assert list(backup.points) == ["b"]


def test_a_point_that_is_gone_meanwhile_is_no_failure():
    backup = FakeBackup({}, {"a": [_error("ResourceNotFoundException")]})
    assert _delete_points(backup, _points("a")) == {}


def test_expired_after_a_200_fails_at_once():
    backup = FakeBackup({"a": "STUBBORN"})
    assert "iam:CreateServiceLinkedRole" in _delete_points(backup, _points("a"))["a"]


def test_a_point_that_was_expired_before_gets_time():
    class Slow(FakeBackup):
        """Goes on listing the point as EXPIRED for three looks after its deletion."""

        looks = 3

        def delete_recovery_point(self, **_):
            return {}

        def get_paginator(self, operation):
            self.looks -= 1
            if not self.looks:
                self.points.clear()
            return super().get_paginator(operation)

    points = _points("a", status="EXPIRED")
    assert _delete_points(Slow({"a": "EXPIRED"}), points) == {}
    never = Slow({"a": "EXPIRED"})
    never.looks = 1000
    assert _delete_points(never, points)["a"].startswith("EXPIRED")


def test_progress_counts_what_is_really_gone():
    said = []
    _delete_points(FakeBackup(dict.fromkeys("ab", "COMPLETED")), _points(*"ab"), said=said)
    assert said == ["recovery points: 2 of 2 gone"]


NOT_EMPTY = "Backup vault cannot be deleted because it contains recovery points."


def _delete_vault(backup, seconds=60):
    deletion = Deletion(_context(backup=backup), rate=1000, seconds=seconds)
    agreed = [plan.Item(kind=plan.VAULT, id="v")]
    deletion.run(Inventory(vaults=(Vault(name="v", arn="arn:v"),)), agreed)
    return deletion.failures.get((plan.VAULT, "v"))


def test_a_vault_that_says_it_still_contains_points_is_tried_again():
    refusal = _error("InvalidRequestException", NOT_EMPTY)
    backup = FakeBackup(answers={"v": [refusal] * 5})
    assert _delete_vault(backup) is None
    assert backup.calls == ["v"] * 6


def test_and_given_up_at_the_deadline():
    backup = FakeBackup(answers={"v": [_error("InvalidRequestException", NOT_EMPTY)] * 100})
    assert "still says after 8 s" in _delete_vault(backup, seconds=8)


def test_points_that_came_meanwhile_are_said_at_once():
    backup = FakeBackup({"new": "COMPLETED"}, {"v": [_error("InvalidRequestException", NOT_EMPTY)]})
    assert _delete_vault(backup) == "1 more recovery points came; run this again"
    assert backup.calls == ["v"]


@pytest.mark.parametrize("listed", [True, False])
def test_access_denied_on_a_vault_is_success_only_when_it_is_gone(listed):
    denied = _error("AccessDeniedException", "Insufficient privileges", "DeleteBackupVault")
    why = _delete_vault(FakeBackup(answers={"v": [denied]}, listed=listed))
    assert (why is None) == (not listed)


@pytest.mark.parametrize("listed", [True, False])
def test_access_denied_on_its_points_means_none_only_when_it_is_gone(listed):
    class Denied:
        """As boto3: the call goes out, and fails, with the first page."""

        def paginate(self, **_):
            yield from ()
            raise _error("AccessDeniedException")

    class Denying(FakeBackup):
        def get_paginator(self, operation):
            points = operation == "list_recovery_points_by_backup_vault"
            return Denied() if points else super().get_paginator(operation)

    backup = Denying(listed=listed)
    if listed:
        with pytest.raises(ClientError):
            vaults.points(backup, "v")
    else:
        assert vaults.points(backup, "v") == ()


class FakeIam:
    def __init__(self):
        self.calls = []

    def __getattr__(self, operation):
        def call(**arguments):
            self.calls.append((operation, *arguments.values()))
            if operation == "detach_role_policy":
                raise _error("NoSuchEntity")

        return call


def test_a_role_goes_with_its_policies_also_half_deleted_ones():
    iam, role = FakeIam(), Role(name="r", policies=("inline",), attached=("arn:m",))
    deletion = Deletion(_context(backup=FakeBackup(), iam=iam), rate=1000, seconds=1)
    deletion.run(Inventory(roles=(role,)), [plan.Item(kind=plan.ROLE, id="r")])
    assert [call[0] for call in iam.calls] == ["delete_role_policy", "detach_role_policy", "delete_role"]
    assert deletion.failures == {}


def test_role_and_key_are_kept_for_points_that_came_meanwhile():
    backup = FakeBackup({"new": "COMPLETED"}, {"v": [_error("InvalidRequestException", NOT_EMPTY)]})
    iam, key = FakeIam(), Key(arn="arn:key")
    deletion = Deletion(_context(backup=backup, iam=iam), rate=1000, seconds=1)
    found = Inventory(vaults=(Vault(name="v", arn="arn:v"),), roles=(Role(name="r"),), keys=(key,))
    ids = ((plan.VAULT, "v"), (plan.ROLE, "r"), (plan.KEY, "arn:key"))
    agreed = [plan.Item(kind=kind, id=id) for kind, id in ids]
    deletion.run(found, agreed)
    assert [kind for kind, _ in deletion.failures] == [plan.VAULT, plan.ROLE, plan.KEY]
    assert iam.calls == []


def test_only_the_role_of_what_is_left_is_kept():
    class TwoVaults(FakeBackup):
        """Vault ``v`` refuses its point, which the role ``r-2`` made; ``w`` is empty."""

        def delete_backup_vault(self, *, BackupVaultName):
            self.calls.append(BackupVaultName)

        def get_paginator(self, operation):
            arn = "arn:aws:iam::111122223333:role/messages/r-2"
            points = [{"RecoveryPointArn": "a", "Status": "COMPLETED", "IamRoleArn": arn}]
            if operation == "list_recovery_points_by_backup_vault":
                return Pages({"RecoveryPoints": points})
            return super().get_paginator(operation)

    held = _error("InvalidRequestException", "it has active legal hold(s)")
    backup, iam = TwoVaults({"a": "COMPLETED"}, {"a": [held]}), FakeIam()
    deletion = Deletion(_context(backup=backup, iam=iam), rate=1000, seconds=1)
    found = Inventory(
        vaults=(Vault(name="v", arn="arn:v", points=tuple(_points("a", role="r-2"))), Vault(name="w", arn="arn:w")),
        roles=(Role(name="r"), Role(name="r-2")),
    )
    deletion.run(found, plan.make(found, region="us-east-1").actions)
    assert sorted(deletion.failures) == [(plan.VAULT, "v"), (plan.POINT, "a"), (plan.ROLE, "r-2")]
    assert ("delete_role", "r") in iam.calls


def _look_again(failures, look):
    nothing = plan.Plan(actions=(), blocked=(), stays=())
    return cleanup.look_again(_context(), failures, nothing, look=look, choices=Choices())


@pytest.mark.parametrize(("lag", "left"), [(0, 0), (3, 0), (1000, 1)])
def test_a_list_that_lags_is_read_again(lag, left):
    stale = [Inventory(log_groups=("g",))] * lag
    after = _look_again({}, lambda: stale.pop() if stale else Inventory())
    assert len(after.actions) == left


def test_what_failed_is_not_looked_for_again():
    looks = []
    found = Inventory(log_groups=("g",))
    after = _look_again({(plan.LOGS, "g"): "denied"}, lambda: looks.append(1) or found)
    assert [item.id for item in after.actions] == ["g"]
    assert len(looks) == 1


def test_only_what_was_agreed_goes():
    iam = FakeIam()
    deletion = Deletion(_context(backup=FakeBackup(), iam=iam), rate=1000, seconds=1)
    backup = TableBackup(arn="arn:user", name="b", table="t", system=False)
    vault = Vault(name="v", arn="arn:v", points=tuple(_points("a")), jobs=("j",))
    found = Inventory(vaults=(vault,), roles=(Role(name="r"),), backups=(backup,), log_groups=("g",))
    deletion.run(found, [])
    assert iam.calls == deletion._backup.calls == []
    assert deletion.failures == {}


@pytest.mark.parametrize(
    ("group", "tag", "own"),
    [
        ("/aws/lambda/Messages-dev-SeedFunction1A2B3C4D-AbCdEfGhIjKl", None, True),
        ("/aws/lambda/Messages-dev-SeedFunction1A2B3C4D-1A2B3C4D5E6F7", None, True),
        ("/aws/lambda/Messages-dev-SeedProviderframeworkonEv-nTz9TlTGBnHz", None, True),
        ("/aws/lambda/Messages-dev-Seed", None, False),
        ("/aws/lambda/Messages-dev-Slack-Notification", None, False),
        ("/aws/lambda/Messages-dev-OtherFn-AbcdefGhijkl", None, False),
        ("Messages-dev-audit-Transactions1", None, False),
        ("/aws/lambda/Messages-dev-worker", None, False),
        ("Messages-dev-access-applications", None, False),
        ("/aws/lambda/Messages-dev-2-SeedFunction1A2B3C4D-AbCdEfGhIjKl", None, False),
        ("/aws/lambda/Messages-dev-eu-SeedFunction1A2B3C4D-AbCdEfGhIjKl", None, False),
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

    found = list(leftovers.log_groups(Logs(), "Messages-dev", existed=True))
    assert found == ([group] if own else [])
    unproven = list(leftovers.log_groups(Logs(), "Messages-dev", existed=False))
    assert unproven == ([group] if tag == "Messages-dev" else [])


class FakeEvents:
    """The events of an SDK client, told by the test."""

    def __init__(self):
        self.hooks = {}

    def register(self, name, hook):
        self.hooks[name] = hook

    def unregister(self, name, hook):
        assert self.hooks.pop(name) == hook


def test_the_sdks_own_retries_keep_the_pace_and_its_throttled_answers_slow_it():
    class Client:
        class meta:
            events = FakeEvents()
            service_model = Meta.service_model

    clock, hooks = FakeClock(), Client.meta.events.hooks
    pace = Pace(10, clock)
    clock.now = 5
    with pace.over(Client, "DeleteRecoveryPoint"):
        send = hooks["before-send.backup.DeleteRecoveryPoint"]
        received = hooks["response-received.backup.DeleteRecoveryPoint"]

        class Request:
            headers: ClassVar = {"amz-sdk-request": b"attempt=1"}

        send(request=Request)
        assert clock.slept == []  # the first one has waited already
        Request.headers = {"amz-sdk-request": b"attempt=2; max=8"}
        for _ in range(3):
            send(request=Request)
        assert clock.slept == pytest.approx([0.1, 0.1])
        received(parsed_response={"Error": {"Code": "ThrottlingException"}})
        received(parsed_response={"Error": {"Code": "ThrottlingException"}})  # the same warning
        assert pace.interval == pytest.approx(0.15)
        received(parsed_response=None)
    assert hooks == {}
    for _ in range(100):
        pace.note({})
    assert pace.interval == 0.1  # as before, and never faster


def test_a_throttled_call_is_made_again_and_given_up_after_ten():
    throttled = _error("ThrottlingException", "Rate exceeded")
    backup = FakeBackup(dict.fromkeys("ab", "COMPLETED"), {"a": [throttled] * 9})
    assert _delete_points(backup, _points("a", "b")) == {}
    assert backup.calls.count("a") == 10
    stubborn = FakeBackup({"a": "COMPLETED"}, {"a": [throttled] * 99})
    assert "Rate exceeded" in _delete_points(stubborn, _points("a"))["a"]
    assert len(stubborn.calls) == 10


def test_no_more_is_taken_from_a_long_list_than_is_worked_on():
    taken = []

    def things():
        for number in range(10_000):
            taken.append(number)
            yield number

    for done, (_, error) in enumerate(each(things(), lambda _: {}, Pace(1e6), most=2), 1):
        assert error is None
        assert len(taken) <= done + 4
        if done == 500:
            break


def test_the_denial_of_a_vaults_own_policy_names_the_vault():
    refusal = _error("AccessDeniedException", "with an explicit deny in a resource-based policy")
    failures = _delete_points(FakeBackup({"a": "COMPLETED"}, {"a": [refusal]}), _points("a"))
    assert failures["a"].endswith("that policy is the access policy of v: change it first")


class LateClock(FakeClock):
    """Every sleep ends late, in steps of a tenth of a second, as on a busy machine."""

    def sleep(self, seconds):
        self.now = math.ceil((self.now + seconds) * 10) / 10


@pytest.mark.parametrize("rate", [3, 20, 100])
def test_late_calls_are_never_more_in_a_second_than_the_rate(rate):
    clock = LateClock()
    pace, left = Pace(rate, clock), []
    for _ in range(5 * rate):
        pace.wait()
        left.append(clock.now)
    for first, last in zip(left, left[rate:], strict=False):
        assert last - first > 1
