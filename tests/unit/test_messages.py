"""Keys, items, times and sizes of the single table, and what lists of conversations are made of."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from boto3.dynamodb.types import Binary
from hypothesis import given
from hypothesis import strategies as st

from model import messages as model
from model import users

NINE = datetime(2026, 1, 1, 9, tzinfo=UTC)
NAMES = st.text(st.characters(exclude_characters="#", exclude_categories=("Cs", "Cc")), min_size=1).filter(
    lambda name: name == name.strip()
)


def test_an_item_has_the_attributes_and_keys_of_the_data_model():
    item = model.message_item(sender="Tom", recipient="Jerry", body="Hi", sent_at=NINE)
    message_id = "2cb103a8-fe09-56e0-b543-7ea9ca782605"  # the same on every machine
    assert item == {
        "pk": "CONVERSATION#jerry#tom",
        "sk": f"MESSAGE#2026-01-01T09:00:00.000Z#{message_id}",
        "ConversationId": "jerry#tom",
        "SentAt": "2026-01-01T09:00:00.000Z",
        "MessageId": message_id,
        "FromUser": "Tom",
        "ToUser": "Jerry",
        "Body": "Hi",
        "Status": "SENT",
    }


@given(NAMES, NAMES)
def test_both_directions_are_one_conversation_of_its_users(one, other):
    ids = {users.user_id(one), users.user_id(other)}
    assert {users.user_id(user) for user in ids} == ids, "the id of an id is itself"
    if len(ids) == 2:
        conversation = model.conversation_id(one, other)
        assert conversation == model.conversation_id(other, one)
        assert set(model.participants(conversation)) == ids


@given(st.lists(st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29)), min_size=2))
def test_the_order_of_the_texts_is_the_order_of_time(moments):
    aware = sorted(m.replace(microsecond=m.microsecond // 1000 * 1000, tzinfo=UTC) for m in moments)
    texts = [model.format_time(moment) for moment in aware]
    assert texts == sorted(texts)
    assert {len(text) for text in texts} == {24}
    assert [model.parse_time(text) for text in texts] == aware


@pytest.mark.parametrize("text", ["", "2026-01-01", "2026-01-01T09:00:00", "20260101T090000Z", "2026-W01-1T09:00Z"])
def test_an_invalid_time_is_refused(text):
    with pytest.raises(ValueError, match="is not a time like 2026-01-01T09:00:00Z"):
        model.parse_time(text)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("ä", 2),
        (True, 1),
        (None, 1),
        (Decimal("5"), 2),
        (Decimal("-12345000"), 5),
        (b"abc", 3),
        (Binary(b"abc"), 3),
        ({"a", "bc"}, 3),
        ([], 3),
        (["a"], 5),
        ({"b": "a"}, 6),
    ],
)
def test_the_size_is_counted_in_bytes_of_names_and_values(value, size):
    assert model.item_bytes({"ä": value}) == 2 + size


def message(**attributes):
    key = model.message_key("jerry#tom", "2026-01-01T09:00:00.000Z", "m1")
    return key | {"FromUser": "Tom", "ToUser": "Jerry", "Body": "Hi"} | attributes


def test_each_participant_gets_an_entry_that_names_the_other_one():
    both = {
        "sk": "CONVERSATION#jerry#tom",
        "ConversationId": "jerry#tom",
        "LastMessageAt": "2026-01-01T09:00:00.000Z",
        "LastMessageId": "m1",
        "LastMessageBody": "Hi",
    }
    assert model.memberships(message()) == (
        {"pk": "USER#jerry", "User": "jerry", "OtherUser": "Tom", **both},
        {"pk": "USER#tom", "User": "tom", "OtherUser": "Jerry", **both},
    )
    stranger, _ = model.memberships(message(FromUser="Spike", ToUser=""))
    assert stranger["OtherUser"] == "tom", "only names of the participants are shown"


@pytest.mark.parametrize("odd", [None, True, Decimal(5), Binary(b"\xff"), b"x", ["Tom"], {"a": "b"}, {"s"}])
def test_values_other_than_text_are_not_shown(odd):
    """Binary even refuses to become a text: that would keep a whole batch from being indexed."""
    jerrys, _ = model.memberships(message(FromUser=odd, Body=odd))
    assert (jerrys["OtherUser"], jerrys["LastMessageBody"]) == ("tom", "")


@pytest.mark.parametrize("length", [0, model.BODY_CHARACTERS, model.BODY_CHARACTERS + 1])
def test_a_list_shows_the_beginning_of_a_body(length):
    body = ("🙂x" * length)[:length]
    for entry in model.memberships(message(Body=body)):
        assert entry["LastMessageBody"] == body[: model.BODY_CHARACTERS]


@pytest.mark.parametrize("conversation", ["", "tom", "#tom", "tom#", "a#b#c"])
def test_an_invalid_conversation_has_no_participants(conversation):
    with pytest.raises(ValueError, match="is not a conversation: two users joined by #"):
        model.memberships(model.message_key(conversation, "2026-01-01T09:00:00.000Z", "m1"))


@pytest.mark.parametrize("sort_key", ["MESSAGE#", "MESSAGE##m1"])
def test_a_key_without_a_time_cannot_be_listed(sort_key):
    """DynamoDB refuses an empty text in the key of an index."""
    with pytest.raises(ValueError, match="has no time"):
        model.memberships({"pk": "CONVERSATION#jerry#tom", "sk": sort_key})


_TIMES = st.text(st.characters(min_codepoint=0x24, exclude_categories=("Cs",)), max_size=4)
_SORT_KEYS = st.one_of(
    st.builds("MESSAGE#{}#{}".format, _TIMES, st.text(max_size=3)), st.builds("MESSAGE#{}".format, _TIMES)
)


@given(_SORT_KEYS, _SORT_KEYS)
def test_the_order_of_positions_is_that_of_dynamodb(one, other):
    if one.encode() <= other.encode():  # how DynamoDB sorts texts
        assert model.Position.of(one) <= model.Position.of(other)
    assert model.Position.of("MESSAGE#2026#a#b") == model.Position("2026", "a#b")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tom", "tOM"),
        ("Zoe\u0308", "ZO\u00cb"),  # composed or not
        ("\u03aa\u0301", "\u0390"),  # Ϊ́, which has no composed capital, and ΐ
        ("\u1fb3\u0301", "\u03b1\u0301\u0345"),  # ᾴ in two orders of its marks
        ("Straße", "STRASSE"),
        ("\u017f\u0301", "\u015a"),  # a long s with an acute
    ],
)
def test_spellings_of_one_name_are_one_user(one, other):
    with pytest.raises(ValueError, match="same user"):
        model.conversation_id(one, other)


def test_a_message_whose_lists_could_not_have_it_is_refused():
    """Its own keys would do; the entry's sort key has the conversation's id."""
    longest = 1024 - len("CONVERSATION##b")
    item = model.message_item(sender="a" * longest, recipient="b", body="Hi", sent_at=NINE)
    for entry in model.memberships(item):
        assert len(entry["sk"]) <= model.KEY_BYTES["sk"]
    with pytest.raises(ValueError, match="the key sk of its membership has 1025 bytes; Dyn"):
        model.message_item(sender="a" * (longest + 1), recipient="b", body="Hi", sent_at=NINE)
