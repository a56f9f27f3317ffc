"""A seed's names become ids: which, in what order, and what is refused."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.seed_messages import under_ids
from model.messages import conversation_id, key_of, message_item
from model.users import PlainNames, UnknownUser
from model.wire import from_wire, to_wire

START = datetime(2026, 1, 1, 9, tzinfo=UTC)


class Ids:
    """A directory of those it is given; ids are in another order than names."""

    def __init__(self, **ids):
        self.ids = ids

    def resolve(self, name):
        if name.casefold() not in self.ids:
            raise UnknownUser(f"user {name!r} is unknown")
        return self.ids[name.casefold()]


USERS = Ids(tom="3", jerry="2", spike="1")


def message(sender, recipient, minute=0, **more):
    at = START + timedelta(minutes=minute)
    return message_item(sender=sender, recipient=recipient, body=f"Hi {recipient}", sent_at=at, **more)


def seed(*messages):
    return sorted((from_wire(to_wire(item)) for item in messages), key=key_of)


def test_users_keys_and_conversation_change_and_nothing_else():
    (before,) = seed(message("Tom", "Jerry", attributes={"Seen": True, "Tags": ["a"]}))
    (after,) = under_ids([before], USERS)
    assert after["pk"] == {"S": "CONVERSATION#2#3"}
    assert after["ConversationId"] == {"S": "2#3"}
    assert (after["FromUser"], after["ToUser"]) == ({"S": "3"}, {"S": "2"})
    changed = {"pk", "ConversationId", "FromUser", "ToUser"}
    assert {k: v for k, v in after.items() if k not in changed} == {k: v for k, v in before.items() if k not in changed}


PAIRS = st.permutations(["Tom", "Jerry", "SPIKE"]).map(lambda names: names[:2])


@given(st.dictionaries(st.tuples(st.integers(0, 50)), PAIRS), st.booleans())
def test_the_order_is_that_of_the_new_keys_and_none_is_lost(pairs, plain):
    before = seed(*(message(*pair, minute) for (minute,), pair in pairs.items()))
    users = PlainNames() if plain else USERS
    after = list(under_ids(before, users))
    assert [key_of(item) for item in after] == sorted(key_of(item) for item in after)
    expected = {
        (
            conversation_id(*(users.resolve(item[side]["S"]) for side in ("FromUser", "ToUser"))),
            item["MessageId"]["S"],
            item["Body"]["S"],
        )
        for item in before
    }
    assert {tuple(item[name]["S"] for name in ("ConversationId", "MessageId", "Body")) for item in after} == expected
    assert len(after) == len(before)


def test_an_unknown_user_is_refused_before_the_first_item_or_reported_and_left_out():
    told = []
    before = seed(message("Jerry", "Tom"), message("Nobody", "Spike"), message("Nobody", "Spike", 1))
    with pytest.raises(UnknownUser, match="'Nobody'"):
        under_ids(before, USERS)
    after = list(under_ids(before, USERS, unknown=told.append))
    assert [item["ConversationId"]["S"] for item in after] == ["2#3"]
    assert [str(error) for error in told] == ["user 'Nobody' is unknown"]


def test_two_names_of_one_user_are_refused():
    users = Ids(tom="3", thomas="3", jerry="2")
    with pytest.raises(ValueError, match="two names in the seed belong to one user"):
        under_ids(seed(message("Jerry", "Tom"), message("Jerry", "Thomas")), users)
    with pytest.raises(ValueError, match="same user"):
        under_ids(seed(message("Thomas", "Tom")), users)
