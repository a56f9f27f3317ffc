"""How messages and places in lists are named."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.queries import first_at, last_at, moment, place, reference, sort_key_of, upper_bound
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
    "key", ["MESSAGE#", "MESSAGE#x", "MESSAGE#2026-01-01T09:00:00Z#a", f"MESSAGE#{T}", "MESSAGE#abcd"]
)
def test_a_key_that_was_put_by_hand_can_be_named(key):
    assert sort_key_of(reference(key)) == upper_bound(reference(key)) == key


def test_times_are_read_with_their_zone():
    assert first_at("2026-01-01T10:00+01:00") == upper_bound("2026-01-01T10:00+01:00") == f"MESSAGE#{T}"
    assert (
        first_at("2026-01-01") < f"MESSAGE#{T}#id" < last_at("2026-01-01T09:00Z") < "MESSAGE#2026-01-01T09:00:00.001Z"
    )
    assert place("2026-01-01T10:00+01:00") == (T, "")
    assert place(f"{T}#jerry#tom") == (T, "jerry#tom")
    assert place("2026-01-01T10:00+01:00#jerry#tom") == (T, "jerry#tom")
    assert sort_key_of("2026-01-01T10:00+01:00#id") == f"MESSAGE#{T}#id"


def test_a_message_of_the_millisecond_that_a_time_is_in_comes_before_it():
    assert upper_bound("2026-01-01T09:00:00.0005Z") > f"MESSAGE#{T}#id"
    assert first_at("2026-01-01T09:00:00.0005Z") > f"MESSAGE#{T}#id" < last_at("2026-01-01T09:00:00.0005Z")
    assert place("2026-01-01T10:00:00.000001+01:00") == ("2026-01-01T09:00:00.001Z", "")


@pytest.mark.parametrize("text", ["now", "2026-13-01", "2026-1-1", "0000-01-01", "2026-01-01T25:00Z", "٢٠٢٦-٠١-٠١"])
def test_text_that_is_not_a_time_is_refused(text):
    with pytest.raises(OpsError, match="is not a time: ISO 8601 with a zone"):
        moment(text)
    with pytest.raises(OpsError):
        sort_key_of(f"{text}#id")
    if not text.endswith("Z"):  # a row that was put by hand may have such a time
        with pytest.raises(OpsError):
            place(f"{text}#jerry#tom")
