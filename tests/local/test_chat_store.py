"""Conversations and messages, on two engines: reading, sending, changing."""

import uuid
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat import items, store
from chat.conversations import compare
from chat.edit import edit
from chat.send import send as send_item
from chat.store import Span
from cli.errors import OpsError
from dynamo.memberships import bring_up_to_date
from model.messages import Position, message_item

NINE = datetime(2026, 1, 1, 9, tzinfo=UTC)
ZONES = [timezone(timedelta(hours=hours)) for hours in (14, 0, -11.5)]
MOMENTS = st.datetimes(datetime(2025, 12, 31), datetime(2026, 1, 2), timezones=st.sampled_from(ZONES))
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


@pytest.mark.parametrize(
    ("limit", "shown", "older"),
    [(1, [4], True), (4, [1, 2, 3, 4], True), (5, [0, 1, 2, 3, 4], False), (6, [0, 1, 2, 3, 4], False)],
)
def test_the_newest_messages_come_oldest_first(any_table, send, limit, shown, older):
    send(3, 0, 4, 1, 2)
    found, more = store.newest(any_table, CONVERSATION, limit=limit)
    assert (minutes(found), more) == (shown, older)


def test_messages_of_other_years_are_there(any_table, send):
    years = [message(start=NINE.replace(year=year)) for year in (1999, 2025, 2026, 2027, 2100)]
    send(*reversed(years))
    assert list(store.messages(any_table, CONVERSATION)) == years
    assert store.newest(any_table, CONVERSATION, limit=10) == (years, False)


def test_two_messages_of_one_moment_are_two(any_table, send):
    one, other = send(message(message_id="a"), message(message_id="b"))
    assert list(store.messages(any_table, CONVERSATION)) == [one, other]


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


@pytest.mark.parametrize(
    ("span", "found"),
    [
        ({"since": 1}, [1, 2, 3]),
        ({"until": 1}, [0, 1]),
        ({"since": 1, "until": 2}, [1, 2]),
        ({"since": 1, "until": 1}, [1]),
        ({"since": 2, "until": 1}, []),
        ({"since": 9}, []),
        ({"until": -1}, []),
    ],
)
def test_both_ends_of_a_time_belong_to_it(any_table, send, span, found):
    send(0, 1, 2, 3)
    part = Span.of(**{end: NINE + timedelta(minutes=n) for end, n in span.items()})
    assert minutes(store.messages(any_table, CONVERSATION, part)) == found
    assert minutes(store.newest(any_table, CONVERSATION, part, limit=9)[0]) == found


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(times=st.lists(MOMENTS, max_size=6))
def test_whatever_the_zones_the_order_is_that_of_time(any_table, times):
    jerry = uuid.uuid4().hex
    for n, at in enumerate(times):
        item = message_item(sender="Tom", recipient=jerry, body="x", sent_at=at, message_id=f"m{n}")
        send_item(any_table, item)
    found = store.messages(any_table, f"{jerry}#tom")
    expected = sorted(at.replace(microsecond=at.microsecond // 1000 * 1000) for at in times)
    assert [datetime.fromisoformat(item["SentAt"]) for item in found] == expected


def test_what_else_lies_under_a_conversations_key_is_no_message(any_table, send):
    (sent,) = send(0)
    for sk in ("MEMBER#x", "A", "NOTE#2026"):
        any_table.put_item(Item={"pk": sent["pk"], "sk": sk})
    assert list(store.messages(any_table, CONVERSATION)) == [sent]
    assert store.newest(any_table, CONVERSATION, limit=9) == ([sent], False)


# --- naming, editing, deleting one message


def test_a_message_is_found_by_reference_id_and_beginning(any_table, send):
    first, second = send(message(0, message_id="aaaa-1"), message(1, message_id="aaab-1"))
    for text, item in [
        ("aaaa-1", first),
        ("aaab", second),
        (f"{first['SentAt']}#aaaa-1", first),
        ("2026-01-01T10:01:00+01:00#aaab-1", second),
        (second["sk"], second),
    ]:
        assert items.get(any_table, items.find(any_table, CONVERSATION, text)) == item


def test_a_whole_id_wins_over_longer_ones_and_is_found_beyond_the_first_page(any_table, send):
    send(*(message(n, message_id=f"id-{n}", body=f"{n:03}" + "x" * 300_000) for n in (1, 2, 3, 7, 10, 11, 70)))
    for text, found in (("id-1", "id-1"), ("id-7", "id-7"), ("id-70", "id-70")):
        assert items.get(any_table, items.find(any_table, CONVERSATION, text))["MessageId"] == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reply", r"2 message ids start with 'reply' \(2026-01-01T09:00:00.000Z#reply-1, .*#reply-2\)"),
        ("nobody", "conversation jerry#tom has no message whose id starts with 'nobody'"),
        ("REPLY-1", "no message whose id starts"),
    ],
)
def test_an_id_that_names_none_or_several_is_refused(any_table, send, text, said):
    send(message(0, message_id="reply-1"), message(1, message_id="reply-2"))
    with pytest.raises(OpsError, match=said):
        items.find(any_table, CONVERSATION, text)


def test_an_edit_changes_the_body_and_says_when(any_table, send):
    (sent,) = send(0)
    key = {"pk": sent["pk"], "sk": sent["sk"]}
    edited = edit(any_table, key, "changed", at=NINE + timedelta(hours=1))
    assert edited == sent | {"Body": "changed", "EditedAt": "2026-01-01T10:00:00.000Z"}
    assert items.get(any_table, key) == edited


def test_what_is_not_there_is_neither_read_nor_made_nor_deleted(any_table):
    key = items.find(any_table, CONVERSATION, "2026-01-01T09:00Z#abcd")
    said = "conversation jerry#tom has no message 2026-01-01T09:00:00.000Z#abcd in table"
    with pytest.raises(OpsError, match=said):
        items.get(any_table, key)
    with pytest.raises(OpsError, match=said):
        edit(any_table, key, "x", at=NINE)
    with pytest.raises(OpsError, match=said):
        items.delete(any_table, key)
    assert any_table.scan()["Items"] == []


# --- a user's conversations


def partners(rows):
    return [row["OtherUser"] for row in rows]


def test_conversations_are_listed_latest_first_whoever_wrote(any_table, listed):
    listed(
        [
            message(0, recipient="A"),
            message(2, sender="B", recipient="TOM"),
            message(1, recipient="C"),
            message(3, recipient="A"),
            message(9, sender="A", recipient="B"),
        ]
    )
    rows, more = store.conversations(any_table, "tom", limit=20)
    assert (partners(rows), more) == (["A", "B", "C"], False)
    assert store.conversations(any_table, "nobody", limit=20) == ([], False)


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


def test_rows_that_differ_from_the_messages_are_told_from_current_ones(any_table, listed, send):
    listed([message(0, recipient="A"), message(0, recipient="B"), message(0, recipient="C"), message(0, recipient="D")])
    send(message(1, recipient="B"))
    (_, _, c, d) = sorted(
        any_table.query(KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": "USER#tom"})["Items"],
        key=lambda row: row["OtherUser"],
    )
    last = store.last_message(any_table, c["ConversationId"])
    edit(any_table, {"pk": last["pk"], "sk": last["sk"]}, "changed", at=NINE)
    last = store.last_message(any_table, d["ConversationId"])
    items.delete(any_table, {"pk": last["pk"], "sk": last["sk"]})
    send(message(1, recipient="E"))
    wanted = [f"{name}#tom" for name in "abcde"]
    states = {row["OtherUser"]: str(state) for row, state in compare(any_table, "tom", wanted)}
    assert states == {"A": "current", "B": "lags", "C": "lags", "D": "surplus", "E": "missing"}


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
