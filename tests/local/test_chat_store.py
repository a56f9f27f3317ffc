"""Conversations and messages, on two engines: reading, sending, changing."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from chat import items, store
from chat.send import send as send_item
from chat.store import Span
from cli.errors import OpsError
from dynamo.memberships import bring_up_to_date
from model.messages import Position, message_item

NINE = datetime(2026, 1, 1, 9, tzinfo=UTC)
CONVERSATION = "jerry#tom"


def message(minute=0, *, message_id=None, sender="Tom", recipient="Jerry", body="Hi", start=NINE):
    return message_item(
        sender=sender, recipient=recipient, body=body, message_id=message_id, sent_at=start + timedelta(minutes=minute)
    )


@pytest.fixture
def send(any_table):
    """``send(0, 1, ...)``: messages of these minutes; ``send(message)``: that one."""

    def write(*what):
        items = [one if isinstance(one, dict) else message(one) for one in what]
        for item in items:
            send_item(any_table, item)
        return items

    return write


@pytest.fixture
def listed(any_table):
    """``listed(messages)``: sent, and in both users' lists."""

    def write(messages):
        for item in messages:
            send_item(any_table, item)
            bring_up_to_date(any_table, item["ConversationId"], Position.of(item["sk"]))

    return write


def minutes(items):
    return [int((datetime.fromisoformat(i["SentAt"]) - NINE).total_seconds() // 60) for i in items]


def test_nothing_is_overwritten(any_table, send):
    send(message(message_id="a", body="first"))
    with pytest.raises(OpsError, match=r"already has message 2026-01-01T09:00:00.000Z#a"):
        send(message(message_id="a", body="second"))
    assert store.last_message(any_table, CONVERSATION)["Body"] == "first"


def test_going_back_page_by_page_meets_every_message_once(any_table, send):
    sent = [message(n // 3, message_id=f"id-{n}") for n in range(11)]  # three to a minute
    send(*sent)
    found, before, more = [], "", True
    while more:
        page, more = store.newest(any_table, CONVERSATION, Span.of(before=before), limit=2)
        found, before = page + found, page[0]["sk"]
    assert found == sorted(sent, key=lambda item: item["sk"])


def test_other_items_under_a_conversations_key_are_not_messages(any_table, send):
    (sent,) = send(0)
    for sk in ("MEMBER#x", "A", "NOTE#2026"):
        any_table.put_item(Item={"pk": sent["pk"], "sk": sk})
    assert list(store.messages(any_table, CONVERSATION)) == [sent]
    assert store.newest(any_table, CONVERSATION, limit=9) == ([sent], False)


# --- naming, editing, deleting one message


def test_a_message_is_found_by_reference_whole_id_or_beginning_on_any_page(any_table, send):
    sent = send(*(message(n, message_id=f"id-{n}", body="x" * 300_000) for n in (1, 2, 3, 7, 10, 11, 70)))
    by_id = {item["MessageId"]: item for item in sent}
    for text, found in [
        ("id-1", "id-1"),  # and not id-10
        ("id-7", "id-7"),
        ("id-70", "id-70"),
        ("id-11", "id-11"),
        (f"{by_id['id-2']['SentAt']}#id-2", "id-2"),
        ("2026-01-01T10:03:00+01:00#id-3", "id-3"),
        (by_id["id-3"]["sk"], "id-3"),
    ]:
        assert items.get(any_table, items.find(any_table, CONVERSATION, text)) == by_id[found]
    send(message(20, message_id="only-one"), message(0, message_id="reply-1"), message(1, message_id="reply-2"))
    assert items.find(any_table, CONVERSATION, "only")["sk"].endswith("#only-one")
    for text, said in [
        ("reply", r"2 message ids start with 'reply' \(2026-01-01T09:00:00.000Z#reply-1, .*#reply-2\)"),
        ("nobody", "conversation jerry#tom has no message whose id starts with 'nobody'"),
        ("REPLY-1", "no message whose id starts"),
    ]:
        with pytest.raises(OpsError, match=said):
            items.find(any_table, CONVERSATION, text)


# --- a user's conversations


def partners(rows):
    return [row["OtherUser"] for row in rows]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 20])
def test_every_conversation_is_on_one_page_also_those_of_one_moment(any_table, listed, limit):
    listed([message(n // 3, recipient=f"user {n}", start=NINE.replace(year=2024 + n % 2)) for n in range(7)])
    found, before, more = [], None, True
    while more:
        rows, more = store.conversations(any_table, "tom", limit=limit, before=before)
        assert len(rows) <= limit
        found += rows
        before = (rows[-1]["LastMessageAt"], rows[-1]["ConversationId"])
    assert sorted(partners(found)) == [f"user {n}" for n in range(7)]
    assert [r["LastMessageAt"] for r in found] == sorted((r["LastMessageAt"] for r in found), reverse=True)


def test_messages_are_read_consistently_and_lists_from_the_index():
    """What an engine of one machine cannot show."""
    asked = []

    def query(**request):
        asked.append(request)
        return {"Items": []}

    table = SimpleNamespace(query=query)
    store.newest(table, CONVERSATION, limit=1)
    list(store.messages(table, CONVERSATION))
    with pytest.raises(OpsError):
        items.find(table, CONVERSATION, "abcd")
    assert [request["ConsistentRead"] for request in asked] == [True] * 3
    store.conversations(table, "tom", limit=1)
    assert asked[-1]["IndexName"] == "ConversationsByRecency"
