"""The seeding function's code against the real engine, event by event."""

import pytest

from functions import seed_messages as handler

ALL = {"Total", "Present", "Written", "Unchanged", "Preserved", "Removed"}


@pytest.fixture
def table(messages_table):
    return messages_table


@pytest.fixture
def seed(aws, table, monkeypatch):
    """``seed("Update", new, old)``: what the function answers; no counts that are zero."""
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)

    def send(request, new, old=None, **more):
        event = {
            "RequestType": request,
            "LogicalResourceId": "Seed",
            "RequestId": "r",
            "StackId": "s",
            "ResourceProperties": {"TableName": table, "Messages": new},
            **more,
        }
        if old is not None:
            event["OldResourceProperties"] = {"TableName": table, "Messages": old}
        answer = handler.on_event(event, None)
        counts = answer.get("Data", {})
        assert set(counts) in (ALL, set())
        return answer["PhysicalResourceId"], {key: n for key, n in counts.items() if n}

    return send


@pytest.fixture
def bodies(client, table):
    def read():
        items = client("dynamodb").scan(TableName=table)["Items"]
        return {item["sk"]["S"]: item["Body"]["S"] for item in items}

    return read


@pytest.fixture
def edit(client, table):
    def write(sk, body):
        item = {"pk": {"S": "p"}, "sk": {"S": sk}, "Body": {"S": body}}
        client("dynamodb").put_item(TableName=table, Item=item)

    return write


def items(**bodies):
    return [{"pk": "p", "sk": sk, "Body": body} for sk, body in bodies.items()]


def test_create_writes_every_message(seed, bodies):
    physical_id, counts = seed("Create", items(a="1", b="2"))
    assert counts == {"Total": 2, "Present": 2, "Written": 2}
    assert bodies() == {"a": "1", "b": "2"}
    assert physical_id == "Seed-seed"


def test_create_never_overwrites(seed, bodies, edit):
    edit("a", "somebody's")
    _, counts = seed("Create", items(a="1", b="2"))
    assert counts == {"Total": 2, "Present": 2, "Written": 1, "Preserved": 1}
    assert bodies() == {"a": "somebody's", "b": "2"}


def test_a_second_create_finds_its_work_done(seed):
    seed("Create", items(a="1"))
    assert seed("Create", items(a="1"))[1] == {"Total": 1, "Present": 1, "Unchanged": 1}


def test_update_applies_the_difference_and_preserves_edits(seed, bodies, edit):
    old = items(kept="1", changed="1", edited="1", left="1", left_edited="1")
    new = items(kept="1", changed="2", edited="2", added="1")
    seed("Create", old)
    edit("edited", "by hand")
    edit("left_edited", "by hand")
    _, counts = seed("Update", new, old)
    assert counts == {"Total": 4, "Present": 4, "Written": 2, "Unchanged": 1, "Preserved": 2, "Removed": 1}
    assert bodies() == {"kept": "1", "changed": "2", "edited": "by hand", "added": "1", "left_edited": "by hand"}


def test_what_a_person_deleted_stays_deleted_until_its_seed_changes(seed, bodies, client, table):
    old = items(a="1", b="1")
    seed("Create", old)
    for sk in "ab":
        client("dynamodb").delete_item(TableName=table, Key={"pk": {"S": "p"}, "sk": {"S": sk}})
    _, counts = seed("Update", items(a="1", b="2"), old)
    assert counts == {"Total": 2, "Present": 1, "Written": 1, "Preserved": 1}
    assert bodies() == {"b": "2"}


def test_the_rollback_of_an_update_restores_the_old_seed(seed, bodies):
    old, new = items(a="1", b="1"), items(a="2", c="1")
    seed("Create", old)
    seed("Update", new, old)
    seed("Update", old, new)
    assert bodies() == {"a": "1", "b": "1"}


def test_a_replaced_table_is_seeded_anew(seed, bodies):
    other = {"TableName": "another-table", "Messages": items(a="1")}
    _, counts = seed("Update", items(a="1"), OldResourceProperties=other)
    assert counts == {"Total": 1, "Present": 1, "Written": 1}
    assert bodies() == {"a": "1"}


@pytest.mark.parametrize("known", [True, False], ids=["known id", "unknown id"])
def test_delete_leaves_the_data_and_keeps_the_id(seed, bodies, known):
    seed("Create", items(a="1"))
    given = {"PhysicalResourceId": "any"} if known else {}
    assert seed("Delete", items(a="1"), **given) == ("any" if known else "Seed-seed", {})
    assert bodies() == {"a": "1"}


def test_more_items_than_one_read_takes(seed, bodies):
    many = items(**{f"k{n:04}": "x" for n in range(230)})
    _, counts = seed("Create", many)
    assert counts == {"Total": 230, "Present": 230, "Written": 230}
    _, counts = seed("Update", [], many)
    assert counts == {"Removed": 230}
    assert bodies() == {}


def test_no_message_at_all_is_a_seed_too(seed):
    assert seed("Create", [])[1] == {}


def test_a_missing_table_fails_and_says_so(seed):
    gone = {"TableName": "no-such-table", "Messages": items(a="1")}
    with pytest.raises(Exception, match="ResourceNotFoundException"):
        seed("Create", [], ResourceProperties=gone)
