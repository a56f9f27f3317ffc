"""Users' names against the embedded AWS's Cognito, and ``python -m chat users``."""

import functools

import pytest

from model.users import Directory
from tests.support import chat_steps
from tests.support.user_pool import UserPool


@pytest.fixture
def pool(client, name):
    made = UserPool(client, name)
    yield made
    made.delete()


@pytest.fixture
def many(pool):
    """The subs of 130 users of the pool: three pages."""
    return {f"user {n}": pool.add(f"user {n}") for n in range(130)}


def test_users_of_every_page_are_found_by_name_and_by_sub(client, pool, many):
    users = Directory(client("cognito-idp"), pool.id)
    assert {user.name: user.sub for user in users.users()} == many
    for wanted in ("user 0", "USER 129"):
        assert users.resolve(wanted) == many[wanted.lower()]
    shown = {sub: shown for shown, sub in many.items()}
    assert Directory(client("cognito-idp"), pool.id).names(shown) == shown


def test_the_command_lists_those_with_a_name_and_says_who_has_none(aws, monkeypatch, capsys, pool, many):
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)
    chat = functools.partial(chat_steps.run, capsys)
    nameless, odd = pool.add(), pool.add("\x1b[31mred")
    listed = chat("users", "--user-pool-id", pool.id)
    lines = listed.lines
    assert lines[129] == f"{many['user 129']}\tuser 129\tFORCE_CHANGE_PASSWORD"
    assert lines[130].startswith(f"{odd}\t\\x1b[31mred\t")
    assert len(lines) == 131
    assert listed.err == (f"skipped: user user-131 ({nameless}) has no preferred_username; commands take the sub\n")
    found = chat("users", "--user-pool-id", pool.id, "--json").json
    missing = chat("users", "--user-pool-id", "us-east-1_nowhere")
    assert (missing.status, "User pool us-east-1_nowhere does not exist" in missing.error) == (1, True)
    assert {user["name"]: user["sub"] for user in found} == many | {"\x1b[31mred": odd}
