"""A list compared with the messages, its names, and memberships that were put by hand."""

from types import SimpleNamespace

import pytest

from chat import conversations
from chat.__main__ import parser
from chat.conversations import compare
from chat.target import Target
from model.messages import key_of, memberships
from tests.support.lists import message

# No more than what puts it into the index.
ENTRY = {"pk": "USER#tom", "sk": "CONVERSATION#jerry#tom", "User": "tom", "LastMessageAt": "x"}
OTHERS = ENTRY | {"sk": "CONVERSATION#jerry#spike"}


ROW = next(row for row in memberships(message(0)) if row["User"] == "tom")
MESSAGES = {"jerry#tom": message(0), "jerry#spike": message(0, sender="Spike")}
UNTIMED = {"jerry#tom": {"pk": "CONVERSATION#jerry#tom", "sk": "MESSAGE#"}}


@pytest.mark.parametrize(
    ("messages", "rows", "read", "states"),
    [
        ({}, [ENTRY], [], {key_of(ENTRY): "surplus"}),
        (UNTIMED, [ENTRY], [], {key_of(ENTRY): "surplus"}),
        (MESSAGES, [OTHERS], ["jerry#spike"], {key_of(OTHERS): "surplus"}),
        (MESSAGES, [], ["jerry#spike", "a#b#tom", "tom", "jerry#tom"], {key_of(ENTRY): "missing"}),
        (MESSAGES, [ROW], [], {key_of(ROW): "current"}),
        (MESSAGES, [ROW, ROW | {"LastMessageAt": "2025"}], ["jerry#tom"], {key_of(ROW): "lags"}),
    ],
    ids="no message,a message without a time,others',only the user's,began after its place was read,moves".split(","),
)
def test_rows_are_compared_with_the_messages(messages, rows, read, states):
    def query(**request):
        if "IndexName" in request:
            return {"Items": rows}
        key = request["ExpressionAttributeValues"][":pk"]
        last = messages.get(key.removeprefix("CONVERSATION#"))
        return {"Items": [last] if last else []}

    found = compare(SimpleNamespace(query=query), "tom", read)
    assert [(key_of(row), state) for row, state in found] == list(states.items())


def test_a_list_continues_after_a_membership_that_names_no_conversation(capsys):
    arguments = parser().parse_args(["conversations", "tom", "--limit", "1", "--table", "T-1", "--region", "x"])
    said = []
    target = Target(arguments, say=said.append)
    target.table = SimpleNamespace(query=lambda **_: {"Items": [ENTRY, ENTRY]})
    assert conversations.run(arguments, target) == 0
    assert said[-1] == "there are more: --before 'x#jerry#tom'"
    assert capsys.readouterr().out == "x\t?\t?\t\n"


TOM, JERRY, SPIKE = "3-tom", "2-jerry", "1-spike"


def named_row(other, **more):
    return {"OtherUser": other, "ConversationId": "#".join(sorted((TOM, other))), "LastMessageBody": TOM, **more}


def test_the_names_of_a_list_are_asked_for_together():
    asked = []

    def names(ids):
        asked.append({*ids})
        return {user: {TOM: "Tom", JERRY: "Jerry"}.get(user, user) for user in ids}

    odd = [{}, {"ConversationId": "x", "OtherUser": 5}]
    rows = [named_row(JERRY), named_row(SPIKE), *odd]
    assert conversations.with_names(iter(rows), SimpleNamespace(names=names)) == [
        named_row(JERRY, OtherUser="Jerry", ConversationId="Jerry#Tom"),
        named_row(SPIKE, ConversationId=f"{SPIKE}#Tom"),
        *odd,
    ]
    assert asked == [{TOM, JERRY, SPIKE}]
