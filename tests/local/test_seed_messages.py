"""The seeding function's code against the real engine, event by event."""

import pytest

from functions import seed_messages

ALL = {"Total", "Present", "Written", "Unchanged", "Preserved", "Removed"}


@pytest.fixture
def seed(aws, messages_table, monkeypatch):
    """``seed(new, old)``: the function's counts, without zeros; an Update where there is an old seed."""
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)

    def send(new, old=None, **more):
        event = {
            "RequestType": "Create" if old is None else "Update",
            "LogicalResourceId": "Seed",
            "ResourceProperties": {"TableName": messages_table, "Messages": items(new)},
            **({} if old is None else {"OldResourceProperties": {"TableName": messages_table, "Messages": items(old)}}),
            **more,
        }
        answer = seed_messages.on_event(event, None)
        assert answer["PhysicalResourceId"] == event.get("PhysicalResourceId", "Seed-seed")
        counts = answer.get("Data", {})
        assert set(counts) in (ALL, set())
        return {key: n for key, n in counts.items() if n}

    return send


@pytest.fixture
def bodies(client, messages_table):
    def read():
        items = client("dynamodb").scan(TableName=messages_table)["Items"]
        return {item["sk"]["S"]: item["Body"]["S"] for item in items}

    return read


@pytest.fixture
def edit(client, messages_table):
    """``edit({"a": "mine", "b": None})``: a person's changes; None deletes."""

    def write(edits):
        for sk, body in edits.items():
            key = {"pk": {"S": "p"}, "sk": {"S": sk}}
            if body is None:
                client("dynamodb").delete_item(TableName=messages_table, Key=key)
            else:
                client("dynamodb").put_item(TableName=messages_table, Item={**key, "Body": {"S": body}})

    return write


def items(bodies):
    return [{"pk": "p", "sk": sk, "Body": body} for sk, body in bodies.items()]


def test_create_never_overwrites(seed, bodies, edit):
    edit({"a": "mine"})
    assert seed({"a": "1", "b": "2"}) == {"Total": 2, "Present": 2, "Written": 1, "Preserved": 1}
    assert bodies() == {"a": "mine", "b": "2"}
    assert seed({"b": "2"}) == {"Total": 1, "Present": 1, "Unchanged": 1}, "a second try finds its work done"


@pytest.mark.parametrize(
    ("old", "edits", "new", "after", "counts"),
    [
        pytest.param({"a": "1"}, {}, {"a": "2"}, {"a": "2"}, {"Total": 1, "Present": 1, "Written": 1}, id="changed"),
        pytest.param({"a": "1"}, {}, {}, {}, {"Removed": 1}, id="removed"),
        pytest.param(
            {"a": "1"},
            {"a": "mine"},
            {"a": "2"},
            {"a": "mine"},
            {"Total": 1, "Present": 1, "Preserved": 1},
            id="edited",
        ),
        pytest.param({"a": "1"}, {"a": "mine"}, {}, {"a": "mine"}, {"Preserved": 1}, id="edited and removed"),
        pytest.param({"a": "1"}, {"a": None}, {"a": "1"}, {}, {"Total": 1, "Preserved": 1}, id="deleted: stays away"),
        pytest.param(
            {"a": "1"},
            {"a": None},
            {"a": "2"},
            {"a": "2"},
            {"Total": 1, "Present": 1, "Written": 1},
            id="deleted: back",
        ),
        pytest.param(
            {}, {"a": "mine"}, {"a": "1"}, {"a": "mine"}, {"Total": 1, "Present": 1, "Preserved": 1}, id="key is taken"
        ),
    ],
)
def test_update_applies_the_difference_and_preserves_edits(seed, bodies, edit, old, edits, new, after, counts):
    seed(old)
    edit(edits)
    assert seed(new, old) == counts
    assert bodies() == after


def test_a_replaced_table_is_seeded_as_a_new_one(seed, bodies):
    other = {"TableName": "another-table", "Messages": items({"a": "1"})}
    assert seed({"a": "1"}, OldResourceProperties=other) == {"Total": 1, "Present": 1, "Written": 1}
    assert bodies() == {"a": "1"}


@pytest.mark.parametrize("given_id", [{"PhysicalResourceId": "any"}, {}], ids=["known id", "unknown id"])
def test_delete_leaves_the_data_and_keeps_the_id(seed, bodies, given_id):
    seed({"a": "1"})
    assert seed({"a": "1"}, RequestType="Delete", **given_id) == {}
    assert bodies() == {"a": "1"}


def test_more_items_than_one_read_takes(seed, bodies):
    many = {f"k{n:04}": "x" for n in range(230)}
    assert seed(many) == {"Total": 230, "Present": 230, "Written": 230}
    assert seed({}, many) == {"Removed": 230}
    assert bodies() == {}


def test_a_missing_table_fails_and_says_so(seed):
    with pytest.raises(Exception, match="ResourceNotFoundException"):
        seed({}, ResourceProperties={"TableName": "no-such-table", "Messages": items({"a": "1"})})
