"""Users: who is found in a scripted user pool, at how many requests; and which names are refused."""

import re
from datetime import UTC, datetime

import pytest

from model import messages
from model.users import Directory, PlainNames, UnknownUser, check_user, pool_region, user_id

POOL = "eu-west-1_Ab1cD2eF3"


def sub(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


def person(number, name=None, *, status="CONFIRMED", enabled=True):
    attributes = [{"Name": "sub", "Value": sub(number)}, {"Name": "email", "Value": "a@b.c"}]
    if name is not None:
        attributes.append({"Name": "preferred_username", "Value": name})
    return {"Username": f"user-{number}", "Attributes": attributes, "UserStatus": status, "Enabled": enabled}


class Pool:
    """Answers ListUsers as its reference says, ``page`` users at a time, and notes each request."""

    def __init__(self, *people, page=60):
        self.people, self.page, self.requests = people, page, []

    def get_paginator(self, operation):
        assert operation == "list_users"
        return self

    def paginate(self, **request):
        assert "AttributesToGet" not in request
        found = [one for one in self.people if matches(one, request.get("Filter"))]
        for start in range(0, max(len(found), 1), self.page):
            self.requests.append(request)
            yield {"Users": found[start : start + self.page]}


def matches(one, text):
    if not text:
        return True
    attribute, comparison, value = re.fullmatch(r'(\w+) (\^?=) "([^"\\]*)"', text).groups()
    values = {entry["Name"]: entry["Value"] for entry in one["Attributes"]}
    found, value = values.get(attribute, "").casefold(), value.casefold()
    return found == value if comparison == "=" else found.startswith(value)


def directory(*people, page=60):
    pool = Pool(*people, page=page)
    return Directory(pool, POOL), pool.requests


def test_a_name_is_found_in_any_case_and_asked_for_once():
    users, requests = directory(person(1, "Tom"), person(2, "Jerry"))
    assert users.resolve("TOM") == users.resolve("tOm") == sub(1)
    (request,) = requests
    assert request["Filter"] == 'preferred_username = "TOM"'
    assert request["UserPoolId"] == POOL
    assert pool_region("us-gov-west-1_Ab1cD2eF3") == "us-gov-west-1"


@pytest.mark.parametrize("name", ['O"Neil', 'a" or b = "', "back\\slash", '"'])
def test_what_a_filter_cannot_say_is_compared_here(name):
    others = [person(n, name[:n] + "?") for n in range(2, 80)]
    users, _ = directory(*others, person(1, name), page=7)
    assert users.resolve(name) == sub(1)


def test_an_unknown_name_is_named_with_pool_and_remedy():
    users, _ = directory(person(1, 'a"b'), person(2, "Tommy"), person(3))
    for name in ('a"c', "a", "Tom"):
        with pytest.raises(UnknownUser) as caught:
            users.resolve(name)
        assert f"user {name!r} is not in user pool eu-west-1_Ab1cD2eF3" in str(caught.value)
        assert "set it for the user, or correct the name" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_name_of_two_users_is_refused_even_when_one_spells_it_as_typed():
    users, _ = directory(*[person(n, f"u{n}") for n in range(9)], person(11, "tom"), person(12, "Tom"), page=3)
    with pytest.raises(UnknownUser) as caught:
        users.resolve("tom")
    assert f"2 in user pool {POOL} have that preferred_username ({sub(11)}, {sub(12)})" in str(caught.value)
    assert users.resolve(sub(12)) == sub(12)


def test_a_sub_is_itself_even_if_another_user_has_it_as_a_name_and_impossible_names_are_refused_unasked():
    users, requests = directory(person(1, sub(7)))
    assert users.resolve(sub(7)) == users.resolve(sub(7).upper()) == sub(7)
    for name in ("", "a#b", " tom", "tom\n"):
        for names in (users, PlainNames()):
            with pytest.raises(ValueError, match="is not a user name") as caught:
                names.resolve(name)
            assert not isinstance(caught.value, UnknownUser)
    assert requests == []


@pytest.mark.parametrize(("pool", "many", "most"), [(60, 2, 1), (2_000, 1, 2), (2_000, 10, 20)])
def test_the_requests_for_names_are_bounded_by_their_number_not_by_the_pool(pool, many, most):
    users, requests = directory(*[person(n, f"user {n}") for n in range(pool)])
    wanted = [sub(pool - 1 - n) for n in range(many)]
    for _ in range(2):  # what is known is not asked for again
        assert users.names([*wanted, *wanted]) == {sub(n): f"user {n}" for n in range(pool - many, pool)}
        assert len(requests) <= most


def test_an_unknown_user_or_one_without_a_name_shows_the_sub():
    users, requests = directory(person(1), person(2, "Tom"))
    assert users.names([sub(1), sub(9), sub(2)]) == {sub(1): sub(1), sub(9): sub(9), sub(2): "Tom"}
    before = len(requests)
    # A plain name is from before the pool.
    assert users.names([sub(9), "jerry"]) == {sub(9): sub(9), "jerry": "jerry"}
    assert len(requests) == before


def test_all_users_come_page_by_page():
    users, requests = directory(*[person(n, f"user {n}") for n in range(130)])
    listing = users.users()
    assert next(listing).name == "user 0"
    assert len(requests) == 1
    assert [user.sub for user in listing] == [sub(n) for n in range(1, 130)]
    assert [request["Limit"] for request in requests] == [60] * 3
    (nameless,) = directory(person(1))[0].users()
    assert (nameless.name, nameless.username, nameless.status, nameless.enabled) == (None, "user-1", "CONFIRMED", True)


NINE = datetime(2026, 1, 1, 9, tzinfo=UTC)
NEEDED = [
    "Tom",
    "Jose\u0301",  # a combining accent
    "山田 太郎",
    "می\u200cخواهم",  # ZWNJ between joining letters, Persian
    "بِّ\u200cه",  # marks before it
    "क्\u200dष",  # ZWJ after a virama, Devanagari
    "ന്\u200d",  # a chillu of Malayalam in its old spelling
    "شێ\u200cوە",  # letters of Kurdish that have no presentation forms
    "❤\ufe0f",
    "👩\u200d👩\u200d👧\u200d👦",
    "👩🏽\u200d🚀",
    "🏳\ufe0f\u200d🌈",
    "🇫🇷",
]
HIDDEN = [
    ("Tom\u200b", "U+200B ZERO WIDTH SPACE"),
    ("\u202emoT", "U+202E RIGHT-TO-LEFT OVERRIDE"),
    ("T\u0085om", "U+0085, a control character"),
    ("To\u2028m", "U+2028 LINE SEPARATOR"),
    ("To\ue000m", "U+E000, a private-use character"),
    ("To\ud800m", "U+D800, half of a surrogate pair"),
    ("To\u200dm", "U+200D ZERO WIDTH JOINER"),
    ("To\u200cm", "U+200C ZERO WIDTH NON-JOINER"),
    ("👩\u200d\u200d👧", "U+200D ZERO WIDTH JOINER"),
    ("د\u200cا", "U+200C ZERO WIDTH NON-JOINER"),  # a dal joins nothing, so nothing shows
    ("Tom\ufe0f", "U+FE0F VARIATION SELECTOR-16"),
    ("Tom\U000e0062\U000e007f", "U+E0062 TAG LATIN SMALL LETTER B"),
    ("\u3164", "U+3164 HANGUL FILLER"),
    ("\u2800", "U+2800 BRAILLE PATTERN BLANK"),
    ("葛\U000e0100", "U+E0100 VARIATION SELECTOR-17"),
    ("To\u034fm", "U+034F COMBINING GRAPHEME JOINER"),
]


def sent(name):
    return messages.message_item(sender=name, recipient="Jerry", body="Hi", sent_at=NINE)


@pytest.mark.parametrize("name", NEEDED)
def test_a_name_that_shows_is_taken_and_so_is_its_id(name):
    assert sent(name)["FromUser"] == name
    check_user(user_id(name))


@pytest.mark.parametrize(
    ("name", "said"),
    [*HIDDEN, *[(marks, "has no visible character") for marks in ("\u0301", "\u0301 \u0302", "\u20dd")]],
)
def test_a_new_name_with_a_character_that_does_not_show_is_refused_and_an_old_one_can_be_read(name, said):
    with pytest.raises(ValueError, match=r"contains U|has no visible character") as caught:
        sent(name)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()
    # Readers look it up, and the stream's function lists it.
    key = messages.message_key(messages.conversation_id(name, "Jerry"), "2026-01-01T09:00:00.000Z", "m1")
    users = {row["User"] for row in messages.memberships(key | {"FromUser": name})}
    assert users == {user_id(name), "jerry"}


def test_bodies_keep_every_character():
    body = "".join(name for name, _ in HIDDEN if "\ud800" not in name)
    item = messages.message_item(sender="Tom", recipient="Jerry", body=body, sent_at=NINE)
    assert item["Body"] == body
