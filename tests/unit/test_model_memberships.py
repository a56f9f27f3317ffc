"""What the lists of conversations are made of: ids, positions and entries."""

from decimal import Decimal

import pytest
from boto3.dynamodb.types import Binary
from hypothesis import given
from hypothesis import strategies as st

from model import messages as model
from tests.unit.test_model import NAMES, NINE


def message(**attributes):
    key = model.message_key("jerry#tom", "2026-01-01T09:00:00.000Z", "m1")
    return key | {"FromUser": "Tom", "ToUser": "Jerry", "Body": "Hi"} | attributes


def test_each_participant_gets_an_entry_that_names_the_other_one():
    assert model.memberships(message()) == (
        {
            "pk": "USER#jerry",
            "sk": "CONVERSATION#jerry#tom",
            "User": "jerry",
            "OtherUser": "Tom",
            "ConversationId": "jerry#tom",
            "LastMessageAt": "2026-01-01T09:00:00.000Z",
            "LastMessageId": "m1",
            "LastMessageBody": "Hi",
        },
        {
            "pk": "USER#tom",
            "sk": "CONVERSATION#jerry#tom",
            "User": "tom",
            "OtherUser": "Jerry",
            "ConversationId": "jerry#tom",
            "LastMessageAt": "2026-01-01T09:00:00.000Z",
            "LastMessageId": "m1",
            "LastMessageBody": "Hi",
        },
    )


def test_a_message_that_has_only_its_key_is_listed():
    bare = model.message_key("jerry#tom", "2026-01-01T09:00:00.000Z", "m1")
    jerrys, toms = model.memberships(bare)
    assert (jerrys["OtherUser"], jerrys["LastMessageBody"]) == ("tom", "")
    assert (toms["OtherUser"], toms["LastMessageAt"]) == ("jerry", "2026-01-01T09:00:00.000Z")


@pytest.mark.parametrize("odd", [None, True, Decimal(5), Binary(b"\xff"), b"x", ["Tom"], {"a": "b"}, {"s"}])
def test_what_is_no_text_is_not_shown(odd):
    """Binary even refuses to become a text: that would keep a whole batch from being indexed."""
    jerrys, _ = model.memberships(message(FromUser=odd, Body=odd))
    assert (jerrys["OtherUser"], jerrys["LastMessageBody"]) == ("tom", "")


def test_names_of_somebody_else_are_not_shown():
    jerrys, toms = model.memberships(message(FromUser="Spike", ToUser=""))
    assert (jerrys["OtherUser"], toms["OtherUser"]) == ("tom", "jerry")


def test_a_null_name_is_not_the_user_called_none():
    key = model.message_key("none#tom", "2026-01-01T09:00:00.000Z", "m1")
    _, toms = model.memberships(key | {"FromUser": None})
    assert toms["OtherUser"] == "none"


@pytest.mark.parametrize("length", [0, 1, model.BODY_CHARACTERS, model.BODY_CHARACTERS + 1, 5000])
def test_a_list_shows_the_beginning_of_a_body(length):
    body = ("🙂x" * length)[:length]
    for entry in model.memberships(message(Body=body)):
        assert entry["LastMessageBody"] == body[: model.BODY_CHARACTERS]


@pytest.mark.parametrize("conversation", ["", "tom", "#", "#tom", "tom#", "a#b#c"])
def test_what_is_no_conversation_has_no_participants(conversation):
    with pytest.raises(ValueError, match="is not a conversation: two users joined by #"):
        model.participants(conversation)
    with pytest.raises(ValueError, match="is not a conversation"):
        model.memberships(model.message_key(conversation, "2026-01-01T09:00:00.000Z", "m1"))


@pytest.mark.parametrize("sort_key", ["MESSAGE#", "MESSAGE##m1"])
def test_a_key_without_a_time_cannot_be_listed(sort_key):
    """DynamoDB refuses an empty text in the key of an index."""
    with pytest.raises(ValueError, match="has no time"):
        model.memberships({"pk": "CONVERSATION#jerry#tom", "sk": sort_key})


@pytest.mark.parametrize(
    ("sort_key", "position"),
    [
        ("MESSAGE#2026-01-01T09:00:00.000Z#m1", ("2026-01-01T09:00:00.000Z", "m1")),
        ("MESSAGE#2026-01-01T09:00:00.000Z#a#b", ("2026-01-01T09:00:00.000Z", "a#b")),
        ("MESSAGE#2026-01-01T09:00:00.000Z", ("2026-01-01T09:00:00.000Z", "")),
        ("MESSAGE#", ("", "")),
    ],
)
def test_a_sort_key_spells_a_position(sort_key, position):
    assert model.Position.of(sort_key) == model.Position(*position)


_TIMES = st.text(st.characters(min_codepoint=0x24, exclude_categories=("Cs",)), max_size=4)
_SORT_KEYS = st.one_of(
    st.builds("MESSAGE#{}#{}".format, _TIMES, st.text(max_size=3)), st.builds("MESSAGE#{}".format, _TIMES)
)


@given(_SORT_KEYS, _SORT_KEYS)
def test_the_order_of_positions_is_that_of_dynamodb(one, other):
    if one.encode() <= other.encode():  # how DynamoDB sorts texts
        assert model.Position.of(one) <= model.Position.of(other)


@given(st.text(min_size=1))
def test_a_position_finds_its_way_through_a_key(message_id):
    key = model.message_key("jerry#tom", "2026-01-01T09:00:00.000Z", message_id)
    assert model.Position.of(key["sk"]) == model.Position("2026-01-01T09:00:00.000Z", message_id)


@given(NAMES)
def test_the_id_of_an_id_is_itself(name):
    assert model.user_id(model.user_id(name)) == model.user_id(name)


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
    assert model.user_id(one) == model.user_id(other)
    with pytest.raises(ValueError, match="same user"):
        model.conversation_id(one, other)


@given(NAMES, NAMES)
def test_the_participants_of_a_conversation_are_its_users(one, other):
    if model.user_id(one) != model.user_id(other):
        users = model.participants(model.conversation_id(one, other))
        assert set(users) == {model.user_id(one), model.user_id(other)}


def test_a_message_whose_lists_could_not_have_it_is_refused():
    """Its own keys would do; the entry's sort key has the conversation's id."""
    longest = 1024 - len("CONVERSATION##b")
    item = model.message_item(sender="a" * longest, recipient="b", body="Hi", sent_at=NINE)
    for entry in model.memberships(item):
        assert len(entry["sk"]) <= model.KEY_BYTES["sk"]
    with pytest.raises(ValueError, match="the key sk of its entry in a list has 1025 bytes; Dyn"):
        model.message_item(sender="a" * (longest + 1), recipient="b", body="Hi", sent_at=NINE)
