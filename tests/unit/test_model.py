"""Keys, items and times of the single table."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import messages as model

NINE = datetime(2026, 1, 1, 9, tzinfo=UTC)
NAMES = st.text(st.characters(exclude_characters="#", exclude_categories=("Cs", "Cc")), min_size=1).filter(
    lambda name: name == name.strip()
)


def test_an_item_has_the_attributes_and_keys_of_the_data_model():
    item = model.message_item(sender="Tom", recipient="Jerry", body="Hi", sent_at=NINE)
    message_id = item["MessageId"]
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


def test_the_same_message_has_the_same_id_on_every_machine():
    item = model.message_item(sender="Tom", recipient="Jerry", body="Hi", sent_at=NINE)
    assert item["MessageId"] == "2cb103a8-fe09-56e0-b543-7ea9ca782605"


@given(NAMES, NAMES)
def test_both_directions_are_one_conversation(one, other):
    try:
        conversation = model.conversation_id(one, other)
    except ValueError as error:
        assert "same user" in str(error)  # noqa: PT017
    else:
        assert conversation == model.conversation_id(other, one)
        assert conversation.count("#") == 1


@pytest.mark.parametrize("name", ["", " ", "a#b", " tom", "tom\n"])
def test_a_name_that_would_blur_the_key_is_refused(name):
    with pytest.raises(ValueError, match="cannot name a user"):
        model.conversation_id(name, "jerry")


def test_one_user_is_no_conversation():
    with pytest.raises(ValueError, match="same user"):
        model.conversation_id("Tom", "TOM")


@given(st.lists(st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 29)), min_size=2))
def test_the_order_of_the_texts_is_the_order_of_time(moments):
    aware = sorted(m.replace(microsecond=m.microsecond // 1000 * 1000, tzinfo=UTC) for m in moments)
    texts = [model.format_time(moment) for moment in aware]
    assert texts == sorted(texts)
    assert {len(text) for text in texts} == {24}
    assert [model.parse_time(text) for text in texts] == aware


def test_other_zones_become_utc():
    moment = datetime(2026, 1, 1, 10, tzinfo=timezone(timedelta(hours=1)))
    assert model.format_time(moment) == "2026-01-01T09:00:00.000Z"
    assert model.parse_time("2026-01-01T10:00+01:00") == NINE


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-01-01", "2026-01-01T09:00:00", "20260101T090000Z", "2026-W01-1T09:00Z", "2026-13-01T09:00:00Z"],
)
def test_a_text_that_is_no_time_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011  (the last comes from the standard library)
        model.parse_time(text)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        model.format_time(datetime(2026, 1, 1))


def test_the_size_is_counted_in_bytes_of_names_and_values():
    assert model.item_bytes({"pk": "ä", "Body": "x"}) == 2 + 2 + 4 + 1
