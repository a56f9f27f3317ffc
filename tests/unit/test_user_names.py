"""Names of users: what does not show is refused, what a script or an emoji needs stays."""

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import messages as model
from model import user_names

NINE = datetime(2026, 1, 1, 9, tzinfo=UTC)
NEEDED = [
    "Tom",
    "Tom Cat",
    "O'Neil-Müller 3.",
    "Jose\u0301",  # a combining accent
    "山田 太郎",
    "مريم",
    "می\u200cخواهم",  # ZWNJ between joining letters, Persian
    "بِّ\u200cه",  # marks before it
    "क्\u200dष",  # ZWJ after a virama, Devanagari
    "ന്\u200d",  # a chillu of Malayalam in its old spelling
    "شێ\u200cوە",  # letters of Kurdish that have no presentation forms
    "❤\ufe0f",
    "1\ufe0f\u20e3",  # a keycap
    "ℹ\ufe0f",
    "👩\u200d👩\u200d👧\u200d👦",
    "👩🏽\u200d🚀",
    "🏳\ufe0f\u200d🌈",
    "🧙\u200d♂\ufe0f",
    "🇫🇷",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # the flag of Scotland
]
HIDDEN = [
    ("\u200b", "U+200B ZERO WIDTH SPACE"),
    ("Tom\u200b", "U+200B ZERO WIDTH SPACE"),
    ("\u202emoT", "U+202E RIGHT-TO-LEFT OVERRIDE"),
    ("T\u0085om", "U+0085, a control character"),
    ("To\u00adm", "U+00AD SOFT HYPHEN"),
    ("To\ufeffm", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
    ("To\u2066m", "U+2066 LEFT-TO-RIGHT ISOLATE"),
    ("To\u2028m", "U+2028 LINE SEPARATOR"),
    ("To\ue000m", "U+E000, a private-use character"),
    ("To\ud800m", "U+D800, half of a surrogate pair"),
    ("To\uffffm", "U+FFFF, which Unicode"),
    ("To\u200dm", "U+200D ZERO WIDTH JOINER"),
    ("To\u200cm", "U+200C ZERO WIDTH NON-JOINER"),
    ("Tom\u200d", "U+200D ZERO WIDTH JOINER"),
    ("\u200dTom", "U+200D ZERO WIDTH JOINER"),
    ("👩\u200d", "U+200D ZERO WIDTH JOINER"),
    ("👩\u200d\u200d👧", "U+200D ZERO WIDTH JOINER"),
    ("د\u200cا", "U+200C ZERO WIDTH NON-JOINER"),  # a dal joins nothing, so nothing shows
    ("ب\u200c", "U+200C ZERO WIDTH NON-JOINER"),
    ("Tom\ufe0f", "U+FE0F VARIATION SELECTOR-16"),
    ("Tom1\ufe0f", "U+FE0F VARIATION SELECTOR-16"),
    ("❤\ufe0f\ufe0f", "U+FE0F VARIATION SELECTOR-16"),
    ("Tom\U000e0062\U000e007f", "U+E0062 TAG LATIN SMALL LETTER B"),
    ("🏴\U000e0067", "U+E0067 TAG LATIN SMALL LETTER G"),
    ("\u3164", "U+3164 HANGUL FILLER"),
    ("\u2800", "U+2800 BRAILLE PATTERN BLANK"),
    ("葛\U000e0100", "U+E0100 VARIATION SELECTOR-17"),
    ("To\u034fm", "U+034F COMBINING GRAPHEME JOINER"),
]


def sent(name):
    return model.message_item(sender=name, recipient="Jerry", body="Hi", sent_at=NINE)


@pytest.mark.parametrize("name", NEEDED)
def test_a_name_that_shows_is_taken_and_so_is_its_id(name):
    assert sent(name)["FromUser"] == name
    model.check_user(model.user_id(name))


@pytest.mark.parametrize(("name", "said"), HIDDEN)
def test_a_name_with_a_character_that_does_not_show_is_refused(name, said):
    with pytest.raises(ValueError, match="contains U") as caught:
        sent(name)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", ["\u0301", "\u0301 \u0302", "\u20dd"])
def test_a_name_of_marks_alone_is_refused(name):
    with pytest.raises(ValueError, match="has no visible character"):
        sent(name)


@pytest.mark.parametrize("name", [name for name, _ in HIDDEN])
def test_what_has_such_a_name_already_can_be_read(name):
    """Readers look it up, and the stream's function lists it."""
    conversation = model.conversation_id(name, "Jerry")
    key = model.message_key(conversation, "2026-01-01T09:00:00.000Z", "m1")
    users = {row["User"] for row in model.memberships(key | {"FromUser": name})}
    assert users == {model.user_id(name), "jerry"}


def test_bodies_keep_every_character():
    body = "".join(name for name, _ in HIDDEN if "\ud800" not in name)
    item = model.message_item(sender="Tom", recipient="Jerry", body=body, sent_at=NINE)
    assert item["Body"] == body


@given(st.text(st.characters(exclude_characters="#"), min_size=1))
def test_the_id_of_a_name_that_is_taken_is_taken(name):
    try:
        model.check_user(name)
    except ValueError:
        return
    model.check_user(model.user_id(name))


def test_the_letters_that_join_the_next_one_are_those_that_have_such_a_form():
    """The Arabic presentation forms of the standard library's Unicode data tell for most."""
    forms: dict[str, set[str]] = {}
    for code in (*range(0xFB50, 0xFE00), *range(0xFE70, 0xFF00)):
        kind, *letters = unicodedata.decomposition(chr(code)).split() or [""]
        if len(letters) == 1 and len(letters[0]) == 4:
            forms.setdefault(chr(int(letters[0], 16)), set()).add(kind)
    del forms["\u06ba"]  # which has no such form here and joins in ArabicShaping.txt
    known = {letter: kinds for letter, kinds in forms.items() if "<final>" in kinds}
    assert len(known) > 70
    for letter, kinds in known.items():
        assert user_names.joins_the_next(letter) == ("<initial>" in kinds), f"{ord(letter):04X}"
