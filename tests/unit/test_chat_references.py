"""How messages and places in lists are named."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.items import moment, place, reference, sort_key_of, upper_bound
from cli.errors import OpsError
from model.messages import MESSAGE_PREFIX, format_time

T = "2026-01-01T09:00:00.000Z"


@given(
    st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)),
    st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True),
)
def test_a_printed_reference_names_the_same_message_again(at, message_id):
    key = f"{MESSAGE_PREFIX}{format_time(at)}#{message_id}"
    assert sort_key_of(reference(key)) == upper_bound(reference(key)) == key


@pytest.mark.parametrize(
    "key", ["MESSAGE#", "MESSAGE#x", "MESSAGE#2026-01-01T09:00:00Z#a", f"MESSAGE#{T}", "MESSAGE#1#"]
)
def test_a_key_that_was_spelled_by_hand_is_named_in_full(key):
    assert reference(key) == key
    assert sort_key_of(key) == upper_bound(key) == key


def test_a_message_of_the_millisecond_that_a_time_is_in_comes_before_it():
    message = f"MESSAGE#{T}#id"
    assert sort_key_of("2026-01-01T10:00+01:00#id") == message
    assert upper_bound("2026-01-01T10:00+01:00") == f"MESSAGE#{T}"
    assert upper_bound("9999-12-31T23:59:59.999999Z") == "MESSAGE#9999-12-31T23:59:59.999Z"
    assert upper_bound("2026-01-01T09:00:00.0005Z") > message
    assert place("2026-01-01T10:00:00.000001+01:00") == ("2026-01-01T09:00:00.001Z", "")
    # What is named with its id is one message, whose time has milliseconds.
    assert upper_bound("2026-01-01T09:00:00.0005Z#id") == message
    assert place("2026-01-01T10:00:00.0005+01:00#a#b") == (T, "a#b")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"{T}#jerry#tom", (T, "jerry#tom")),
        ("2026-01-01T09:00:00Z#a#b", ("2026-01-01T09:00:00Z", "a#b")),
        ("2026-01-01T10:00:00+01:00#a#b", (T, "a#b")),
        ("2026-01-01T09:00Z", (T, "")),
        ("2026-01-01", ("2026-01-01T00:00:00.000Z", "")),
    ],
)
def test_a_place_in_a_list(text, found):
    assert place(text) == found


@pytest.mark.parametrize("text", ["now", "2026-13-01", "2026-1-1", "0000-01-01", "2026-01-01T25:00Z", "٢٠٢٦-٠١-٠١"])
def test_text_that_is_not_a_time_is_refused(text):
    with pytest.raises(OpsError, match="is not a time: ISO 8601 with a zone"):
        moment(text)
    with pytest.raises(OpsError):
        sort_key_of(f"{text}#id")
