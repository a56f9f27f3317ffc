"""`python -m ops recover` after disasters, through the stream's function and CloudFormation on the embedded AWS.

| disaster | test |
|---|---|
| messages deleted; bodies poisoned for an hour; an edit during the recovery | test_deleted_and_poisoned_messages_... |
| wrong seed deployed | test_a_wrong_seed_is_undone_... |
| table deleted by hand; stack destroyed | test_after_a_table_deleted_by_hand_... |
| stack destroyed in prod, table kept | test_ops_recover_prod.py |
| backup in another region; two recoveries at once; no permission midway | test_ops_recover_refusals.py |
| killed at 20 random moments | test_ops_recover_killed.py |
| throttling and lost answers at 30 % | tests/chaos/test_recover.py |
"""

import re
import time
from datetime import UTC, datetime

import pytest

from embedded_aws.tests.support.steps import listed
from model.messages import is_membership, key_of
from ops.__main__ import main
from ops.recover import command
from tests.support.deployment import Deployment
from tests.support.lists import assert_lists_are_right, message
from tests.support.templates import ITEMS

MORE = [message(minute, sender=who, recipient="Jerry") for who in ("Tom", "Spike") for minute in range(60, 80)]
pytestmark = pytest.mark.usefixtures("bootstrapped", "quick_stage")


class Stage:
    """A deployed stage with messages of its own, and its backups."""

    def __init__(self, client, ministack, capsys, name):
        self.deployment, self._capsys = Deployment(client, f"pr-{name}"), capsys
        self.client, self._ministack = client, ministack
        self.dynamodb, self.name = client("dynamodb"), self.deployment.stack

    def deploy(self, items=ITEMS, **settings):
        self.deployment.deploy(items, **settings)
        self.table = self._ministack.Table(self.name)
        return self

    def filled(self):
        """With more messages than the seed has."""
        for item in MORE:
            self.table.put_item(Item=item)
        return self

    def content(self):
        """The items by their keys, without the entries of lists."""
        items = self.table.scan(ConsistentRead=True)["Items"]
        return {key_of(item): item for item in items if not is_membership(*key_of(item))}

    def delete(self, *items):
        for item in items:
            self.table.delete_item(Key={name: item[name] for name in ("pk", "sk")})

    def ops(self, *command):
        """Status, the last lines of both outputs."""
        status = main([command[0], "--stack", self.name, *command[1:]])
        out, err = self._capsys.readouterr()
        return status, (out.splitlines() or [""])[-1], err.splitlines()[-1]

    def back_up(self):
        status, arn, _ = self.ops("backup")
        assert status == 0
        return arn

    def recover(self, *options, differences=0):
        """Recover, check all that is promised at the end, and print the recovery time; the number of items written."""
        before = self._described()
        status, line, last = self.ops("recover", "--yes", *options)
        assert status == 0, last
        found = re.fullmatch(
            rf"recovered {self.name} in (.+) to its state .+ ago: \d+ items? compared, (\d+) written, \d+ left, "
            rf"differences (\d+); temporary table deleted",
            line,
        )
        assert found, line
        assert int(found[3]) == differences
        assert_lists_are_right(self.table)
        assert self.temporary_tables() == []
        assert self._described() == before
        print(f"recovery time {found[1]}")
        return int(found[2])

    def _described(self):
        """What a recovery must not change."""
        shown = self.dynamodb.describe_table(TableName=self.name)["Table"]
        tags = self.dynamodb.list_tags_of_resource(ResourceArn=shown["TableArn"])["Tags"]
        return [shown.get(field) for field in ("TableId", "LatestStreamArn", "DeletionProtectionEnabled")], tags

    def temporary_tables(self):
        return [name for name in listed(self.dynamodb, "list_tables") if name.startswith(f"{self.name}.")]


@pytest.fixture
def stage(client, ministack, name, setting, capsys):
    setting("recovery_delay_seconds", 0)
    made = Stage(client, ministack, capsys, name)
    yield made
    if made.deployment.status():
        made.deployment.destroy()


def next_second():
    """Wait until a new second has begun, which is returned: AWS restores to whole seconds."""
    time.sleep(1 - time.time() % 1)
    return datetime.now(UTC).replace(microsecond=0).isoformat()


def test_deleted_and_poisoned_messages_come_back_and_good_ones_stay(stage, monkeypatch):
    stage.deploy().filled().back_up()
    right, second = stage.content(), next_second()
    stage.delete(*MORE[:5], MORE[19], *MORE[20:])  # also the newest message, and a whole conversation
    assert stage.recover() == 26
    assert stage.content() == right

    # For an hour a program poisons bodies, while good messages go on.
    good = [message(minute) for minute in range(200, 205)]
    for one, poisoned in zip(good, MORE, strict=False):
        stage.table.put_item(Item=one)
        stage.table.put_item(Item=poisoned | {"Body": "poison"})
    assert stage.recover("--to-time", second) == 5
    right |= {key_of(one): one for one in good}
    assert stage.content() == right

    # What the backup does not have leaves with --exact; entries of lists follow.
    assert stage.recover("--exact") == 5
    assert stage.content().keys() == right.keys() - {key_of(one) for one in good}

    # Another person edits an item during the recovery: the edit stands.
    stage.table.put_item(Item=MORE[0] | {"Body": "poison"})
    stage.delete(MORE[1])
    secure = command._secure_way_back

    def edited_meanwhile(*arguments):
        stage.table.put_item(Item=MORE[0] | {"Body": "by hand"})
        secure(*arguments)

    monkeypatch.setattr(command, "_secure_way_back", edited_meanwhile)
    assert stage.recover(differences=1) == 1
    assert stage.content()[key_of(MORE[0])]["Body"] == "by hand"
    assert stage.content()[key_of(MORE[1])] == MORE[1]


def test_a_wrong_seed_is_undone_and_the_next_deployment_does_not_repeat_it(stage):
    right = [message(minute, f"seed {minute}") for minute in range(10)]
    wrong = [message(0, "WRONG"), *right[2:]]
    stage.deploy(right)
    before, second = stage.content(), next_second()
    stage.deploy(wrong)
    assert stage.content() != before
    assert stage.recover("--to-time", second) == 2
    assert stage.content() == before
    # The wrong file again, with another change: what was recovered counts as a person's edit, which stands.
    outputs = stage.deployment.deploy([*wrong, message(30, "new")])
    assert stage.content() == before | {key_of(one): one for one in [message(30, "new")]}
    assert outputs["SeedPreserved"] == "1"
    # The corrected file finds what it would write.
    outputs = stage.deployment.deploy(right)
    assert stage.content() == before
    assert outputs["SeedUnchanged"] == "10"


def test_after_a_table_deleted_by_hand_and_after_a_destroy_the_next_deployment_is_recovered(stage):
    stage.deploy().filled().back_up()
    right = stage.content()
    stage.dynamodb.delete_table(TableName=stage.name)
    status, _, line = stage.ops("recover", "--yes")
    assert (status, f"table {stage.name} of stack {stage.name} does not exist" in line) == (1, True)
    stage.deployment.destroy()
    status, _, line = stage.ops("recover", "--yes")
    assert (status, line) == (
        1,
        f"error: table {stage.name} does not exist in us-east-1; deploy its stack, then run this again",
    )
    stage.deploy()
    assert stage.recover() == len(MORE)  # the seed is there again
    assert stage.content() == right

    # The same from the backup that DynamoDB makes of a deleted table.
    stage.table.put_item(Item=message(300, "newest"))
    right = stage.content()
    stage.deployment.destroy()
    found = stage.dynamodb.list_backups(TableName=stage.name, BackupType="SYSTEM")["BackupSummaries"]
    system = max(found, key=lambda one: one["BackupCreationDateTime"])["BackupArn"]
    stage.deploy()
    assert stage.recover(system) == len(MORE) + 1
    assert stage.content() == right
