"""What people see of users: names, in one asking; and what nobody can type stays an id."""

import pytest

from chat import conversations as naming
from model.users import PlainNames

TOM, JERRY, SPIKE = "3-tom", "2-jerry", "1-spike"


class People:
    """Knows some names, and notes what it is asked."""

    def __init__(self, **names):
        self.known, self.asked = names, []

    def names(self, ids):
        wanted = list(ids)
        self.asked.append(wanted)
        return {user: self.known.get(user, user) for user in wanted}


def people(**more):
    return People(**{TOM: "Tom", JERRY: "Jerry", **more})


def row(other, **more):
    return {
        "User": TOM,
        "OtherUser": other,
        "ConversationId": "#".join(sorted((TOM, other))),
        "LastMessageBody": TOM,
        **more,
    }


def test_the_names_of_a_list_are_asked_for_together():
    known = people()
    assert naming.with_names(iter([row(JERRY), row(SPIKE)]), known) == [
        row(JERRY, OtherUser="Jerry", ConversationId="Jerry#Tom"),
        row(SPIKE, ConversationId=f"{SPIKE}#Tom"),
    ]
    (asked,) = known.asked
    assert set(asked) == {TOM, JERRY, SPIKE}


def test_plain_names_change_nothing():
    rows = [row(JERRY), row(JERRY, OtherUser="Jerry ")]
    assert naming.with_names(rows, PlainNames()) == rows


@pytest.mark.parametrize("name", ["Jer#ry", " Jerry", "Jer\nry"])
def test_a_name_that_no_command_takes_stays_an_id_in_a_conversation(name):
    (shown,) = naming.with_names([row(JERRY)], people(**{JERRY: name}))
    assert (shown["OtherUser"], shown["ConversationId"]) == (name, f"{JERRY}#Tom")


@pytest.mark.parametrize("odd", [{}, {"ConversationId": "x", "OtherUser": 5}, row("a#b")])
def test_an_item_that_was_put_by_hand_is_shown_as_it_is(odd):
    assert naming.with_names([odd], people()) == [odd]
