"""What people see of users: their names, in one asking; and what nobody can type stays an id."""

from chat import naming
from chat.directory import PlainNames

TOM, JERRY, SPIKE = "3-tom", "2-jerry", "1-spike"


class People:
    """Knows some names, and counts how often it is asked."""

    def __init__(self, **names):
        self.known, self.asked = names, []

    def names(self, ids):
        wanted = list(ids)
        self.asked.append(wanted)
        return {user: self.known.get(user, user) for user in wanted}


def people(**more):
    return People(**{TOM: "Tom", JERRY: "Jerry", **more})


def message(**more):
    return {"pk": "CONVERSATION#2-jerry#3-tom", "ConversationId": f"{JERRY}#{TOM}",
            "FromUser": TOM, "ToUser": JERRY, "Body": TOM, **more}  # fmt: skip


def test_a_messages_users_get_their_names_and_the_rest_stays():
    (shown,) = naming.messages([message()], people())
    assert shown == message(FromUser="Tom", ToUser="Jerry", ConversationId="Jerry#Tom")


def test_plain_names_change_nothing():
    (shown,) = naming.messages([message()], PlainNames())
    assert shown == message()
    assert naming.rows([message()], PlainNames()) == [message()]


def test_messages_come_as_they_are_read():
    def endless():
        while True:
            yield message()

    found = naming.messages(endless(), people())
    assert next(found)["FromUser"] == next(found)["FromUser"] == "Tom"


def test_the_names_of_a_list_are_asked_for_together():
    rows = [{"OtherUser": other, "ConversationId": f"{other}#{TOM}"} for other in (JERRY, SPIKE)]
    known = people()
    assert naming.rows(rows, known) == [
        {"OtherUser": "Jerry", "ConversationId": "Jerry#Tom"},
        {"OtherUser": SPIKE, "ConversationId": f"{SPIKE}#Tom"},
    ]
    (asked,) = known.asked
    assert set(asked) == {TOM, JERRY, SPIKE}


def test_a_name_that_no_command_takes_stays_an_id_in_a_conversation():
    known = people(**{JERRY: "Jer#ry"})
    (shown,) = naming.messages([message()], known)
    assert (shown["ToUser"], shown["ConversationId"]) == ("Jer#ry", f"{JERRY}#Tom")
    assert naming.conversation(f"{JERRY}#{TOM}", known) == f"{JERRY}#Tom"


def test_an_item_that_was_put_by_hand_is_shown_as_it_is():
    odd = {"pk": "CONVERSATION#x", "ConversationId": "x", "FromUser": 5, "Body": "Hi"}
    assert naming.rows([odd, {}], people()) == [odd, {}]
