"""Entries of lists, and messages, that somebody put by hand."""

from argparse import Namespace
from types import SimpleNamespace

import pytest

from chat.commands import conversations
from chat.directory import PlainNames
from chat.store import is_current

# No more than what puts it into the index.
ENTRY = {"pk": "USER#tom", "sk": "CONVERSATION#jerry#tom", "User": "tom", "LastMessageAt": "x"}


def table(*items: dict) -> SimpleNamespace:
    return SimpleNamespace(query=lambda **_: {"Items": list(items)})


@pytest.mark.parametrize(
    "messages",
    [(), ({"pk": "CONVERSATION#jerry#tom", "sk": "MESSAGE#"},)],
    ids=["no message", "a message without a time"],
)
def test_an_entry_that_names_no_conversation_lags(messages):
    assert not is_current(table(*messages), ENTRY)


def test_a_list_goes_on_behind_an_entry_that_names_no_conversation(capsys):
    said = []
    target = SimpleNamespace(
        directory=PlainNames(), table=table(ENTRY, ENTRY), table_name="T", say=said.append
    )
    arguments = Namespace(user="tom", before=None, limit=1, check=False, json=False)
    assert conversations.run(arguments, target) == 0
    assert said[-1] == "there are more: --before 'x#jerry#tom'"
    assert capsys.readouterr().out == "x\t?\t?\t\n"
