"""A list compared with the messages, its names, and entries that were put by hand."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from chat import conversations
from chat.__main__ import parser
from chat.conversations import compare
from chat.target import Target
from model.messages import key_of, memberships, message_item

# No more than what puts it into the index.
ENTRY = {"pk": "USER#tom", "sk": "CONVERSATION#jerry#tom", "User": "tom", "LastMessageAt": "x"}


def message(sender: str = "Tom", recipient: str = "Jerry") -> dict:
    at = datetime(2026, 1, 1, 9, tzinfo=UTC)
    return message_item(sender=sender, recipient=recipient, body="Hi", sent_at=at)


class Table:
    """Messages by conversation, and the rows of the index."""

    def __init__(self, messages: dict[str, dict], rows: list[dict]):
        self.messages, self.rows = messages, rows

    def query(self, **request):
        if "IndexName" in request:
            return {"Items": self.rows}
        key = request["ExpressionAttributeValues"][":conversation"]
        last = self.messages.get(key.removeprefix("CONVERSATION#"))
        return {"Items": [last] if last else []}


def states(table: Table, *conversations: str, user: str = "tom") -> dict[tuple[str, str], str]:
    return {key_of(row): str(state) for row, state in compare(table, user, conversations)}


@pytest.mark.parametrize(
    "messages",
    [{}, {"jerry#tom": {"pk": "CONVERSATION#jerry#tom", "sk": "MESSAGE#"}}],
    ids=["no message", "a message without a time"],
)
def test_an_entry_of_a_conversation_without_messages_is_surplus(messages):
    assert states(Table(messages, [ENTRY])) == {key_of(ENTRY): "surplus"}


def test_an_entry_of_a_conversation_of_others_is_surplus():
    foreign = ENTRY | {"sk": "CONVERSATION#jerry#spike"}
    table = Table({"jerry#spike": message("Spike")}, [foreign])
    assert states(table, "jerry#spike") == {key_of(foreign): "surplus"}


def test_only_the_conversations_of_the_user_are_looked_for():
    mine, others = message(), message("Spike")
    table = Table({"jerry#tom": mine, "jerry#spike": others}, [])
    wanted = ["jerry#spike", "a#b#tom", "tom", "jerry#tom"]
    assert states(table, *wanted) == {("USER#tom", "CONVERSATION#jerry#tom"): "missing"}


def test_a_conversation_that_began_after_its_place_was_read_is_not_surplus():
    last = message()
    row = next(row for row in memberships(last) if row["User"] == "tom")
    assert states(Table({"jerry#tom": last}, [row])) == {key_of(row): "current"}


def test_a_row_that_moves_while_the_pages_are_read_counts_once():
    last = message()
    row = next(row for row in memberships(last) if row["User"] == "tom")
    old = row | {"LastMessageAt": "2026-01-01T08:00:00.000Z"}
    assert list(states(Table({"jerry#tom": last}, [row, old]), "jerry#tom").values()) == ["lags"]


def test_a_list_goes_on_behind_an_entry_that_names_no_conversation(capsys):
    arguments = parser().parse_args(["conversations", "tom", "--limit", "1", "--table", "T-1", "--region", "x"])
    said = []
    target = Target(arguments, say=said.append)
    target.table = SimpleNamespace(query=lambda **_: {"Items": [ENTRY, ENTRY]})
    assert conversations.run(arguments, target) == 0
    assert said[-1] == "there are more: --before 'x#jerry#tom'"
    assert capsys.readouterr().out == "x\t?\t?\t\n"


# --- names in place of ids


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


def named_row(other, **more):
    return {
        "User": TOM,
        "OtherUser": other,
        "ConversationId": "#".join(sorted((TOM, other))),
        "LastMessageBody": TOM,
        **more,
    }


def test_the_names_of_a_list_are_asked_for_together():
    known = people()
    assert conversations.with_names(iter([named_row(JERRY), named_row(SPIKE)]), known) == [
        named_row(JERRY, OtherUser="Jerry", ConversationId="Jerry#Tom"),
        named_row(SPIKE, ConversationId=f"{SPIKE}#Tom"),
    ]
    (asked,) = known.asked
    assert set(asked) == {TOM, JERRY, SPIKE}


@pytest.mark.parametrize("name", ["Jer#ry", " Jerry", "Jer\nry"])
def test_a_name_that_no_command_takes_stays_an_id_in_a_conversation(name):
    (shown,) = conversations.with_names([named_row(JERRY)], people(**{JERRY: name}))
    assert (shown["OtherUser"], shown["ConversationId"]) == (name, f"{JERRY}#Tom")


@pytest.mark.parametrize("odd", [{}, {"ConversationId": "x", "OtherUser": 5}, named_row("a#b")])
def test_an_item_that_was_put_by_hand_is_shown_as_it_is(odd):
    assert conversations.with_names([odd], people()) == [odd]
