"""Conditional puts and naming of items and messages."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from boto3.dynamodb.types import Binary

from chat import items, put, queries
from chat.send import send
from cli.errors import OpsError
from dynamo.memberships import bring_up_to_date
from model.messages import Position, message_item

OLD = {
    "pk": "a",
    "sk": "b",
    "Body": "old",
    "Stars": Decimal("4.5"),
    "Labels": {"x", "y"},
    "Seen": True,
    "Raw": Binary(b"\xff"),
    "None": None,
}
NEW = {"pk": "a", "sk": "b", "Body": "new", "More": Decimal(1)}
KEY = {"pk": "a", "sk": "b"}
PLAIN = {"Labels": ["x", "y"], "Raw": "/w=="}
NINE = datetime(2026, 1, 1, 9, tzinfo=UTC)
CONVERSATION = "jerry#tom"


def test_an_item_that_differs_is_left_and_what_differs_is_named(own_table):
    with pytest.raises(OpsError, match=r'^the item with the key "a" "b" in table .* does not exist$'):
        put.put_if_unchanged(own_table, NEW, OLD)
    own_table.put_item(Item=OLD)
    old = OLD | PLAIN
    for change, said in [
        ({"Body": "x"}, r'differs from OLD in \["Body"\];'),
        ({"Seen": Decimal(1), "Stars": "4.5"}, r'differs from OLD in \["Seen", "Stars"\];'),
        ({"Fewer": "z"}, r'differs from OLD in \["Fewer"\];'),
    ]:
        with pytest.raises(OpsError, match=said):
            put.put_if_unchanged(own_table, NEW, old | change)
    with pytest.raises(OpsError, match=r'differs from OLD in \["Labels", "Raw"\];'):
        put.put_if_unchanged(own_table, NEW, old, typed=True)
    with pytest.raises(OpsError, match=r'cannot express, in \["Labels"\]; nothing written'):
        put.put_if_unchanged(own_table, NEW | {"Labels": ["x", "y"]}, old)
    assert items.get(own_table, KEY) == OLD
    put.put_if_unchanged(own_table, NEW, old)
    assert items.get(own_table, KEY) == NEW


class Meddling:
    """A table to which another writer writes between the reading and the writing."""

    def __init__(self, table, item):
        self._table, self._item = table, item

    def __getattr__(self, name):
        return getattr(self._table, name)

    def put_item(self, **request):
        self._table.put_item(Item=self._item)
        return self._table.put_item(**request)


@pytest.mark.parametrize("meanwhile", [OLD | {"Body": "theirs"}, KEY, OLD | {"More": "theirs"}])
def test_a_write_in_between_is_kept(own_table, meanwhile):
    own_table.put_item(Item=OLD)
    with pytest.raises(OpsError, match="was changed during the write; nothing written"):
        put.put_if_unchanged(Meddling(own_table, meanwhile), NEW, OLD | PLAIN)
    assert items.get(own_table, KEY) == meanwhile


def message(minute=0, *, message_id=None, recipient="Jerry", body="Hi", start=NINE):
    return message_item(
        sender="Tom", recipient=recipient, body=body, message_id=message_id, sent_at=start + timedelta(minutes=minute)
    )


def test_going_back_page_by_page_meets_every_message_once_and_no_other_item(own_table):
    sent = [message(n // 3, message_id=f"id-{n}") for n in range(11)]  # three to a minute
    for item in sent:
        send(own_table, item)
    for sk in ("MEMBER#x", "A", "NOTE#2026"):
        own_table.put_item(Item={"pk": sent[0]["pk"], "sk": sk})
    with pytest.raises(OpsError, match=r"message 2026-01-01T09:00:00.000Z#id-0 of .* already exists; nothing"):
        send(own_table, message(message_id="id-0", body="second"))
    found, before, more = [], "", True
    while more:
        page, more = queries.newest(own_table, CONVERSATION, before=before, limit=2)
        found, before = page + found, page[0]["sk"]
    assert found == list(queries.messages(own_table, CONVERSATION)) == sorted(sent, key=lambda item: item["sk"])


def test_a_message_is_found_by_reference_whole_id_or_beginning_on_any_page(own_table):
    sent = [message(n, message_id=f"id-{n}", body="x" * 300_000) for n in (1, 2, 3, 7, 10, 11, 70)]
    sent += [message(n, message_id=name) for n, name in ((20, "only-one"), (0, "reply-1"), (1, "reply-2"))]
    for item in sent:
        send(own_table, item)
    by_id = {item["MessageId"]: item for item in sent}
    for text, found in [
        ("id-1", "id-1"),  # and not id-10
        ("only", "only-one"),
        (f"{by_id['id-2']['SentAt']}#id-2", "id-2"),
        (by_id["id-3"]["sk"], "id-3"),
    ]:
        assert items.get(own_table, queries.find(own_table, CONVERSATION, text)) == by_id[found]
    for text, said in [
        ("reply", r"2 message ids start with 'reply' \(2026-01-01T09:00:00.000Z#reply-1, .*#reply-2\)"),
        ("nobody", "conversation jerry#tom has no message whose id starts with 'nobody'"),
        ("REPLY-1", "no message whose id starts"),
    ]:
        with pytest.raises(OpsError, match=said):
            queries.find(own_table, CONVERSATION, text)


def test_every_conversation_is_on_one_page_also_those_of_one_moment(own_table):
    for n in range(7):
        item = message(n // 3, recipient=f"user {n}", start=NINE.replace(year=2024 + n % 2))
        send(own_table, item)
        bring_up_to_date(own_table, item["ConversationId"], Position.of(item["sk"]))
    for limit in (1, 2, 3, 4, 7, 20):
        found, before, more = [], None, True
        while more:
            rows, more = queries.conversations(own_table, "tom", limit=limit, before=before)
            assert len(rows) <= limit
            found += rows
            before = (rows[-1]["LastMessageAt"], rows[-1]["ConversationId"])
        assert sorted(row["OtherUser"] for row in found) == [f"user {n}" for n in range(7)]
        assert [row["LastMessageAt"] for row in found] == sorted((row["LastMessageAt"] for row in found), reverse=True)


def test_messages_are_read_consistently_and_lists_from_the_index():
    """What an engine of one machine cannot show."""
    asked = []

    def query(**request):
        asked.append(request)
        return {"Items": []}

    table = SimpleNamespace(query=query)
    queries.newest(table, CONVERSATION, limit=1)
    list(queries.messages(table, CONVERSATION))
    with pytest.raises(OpsError):
        queries.find(table, CONVERSATION, "abcd")
    assert [request["ConsistentRead"] for request in asked] == [True] * 3
    queries.conversations(table, "tom", limit=1)
    assert asked[-1]["IndexName"] == "ConversationsByRecency"
