"""Users' names against the embedded AWS's Cognito, and ``python -m chat users``."""

import pytest

from model.users import Directory
from tests.support.chat_steps import run
from tests.support.user_pool import UserPool


@pytest.fixture
def pool(client, name):
    made = UserPool(client, name)
    yield made
    made.delete()


@pytest.mark.usefixtures("on_aws")
def test_users_of_every_page_are_found_and_those_without_a_name_reported(client, capsys, pool):
    many = {f"user {n}": pool.add(f"user {n}") for n in range(130)}
    users = Directory(client("cognito-idp"), pool.id)
    assert {user.name: user.sub for user in users.users()} == many
    for wanted in ("user 0", "USER 129"):
        assert users.resolve(wanted) == many[wanted.lower()]
    shown = {sub: shown for shown, sub in many.items()}
    assert Directory(client("cognito-idp"), pool.id).names(shown) == shown

    nameless, odd = pool.add(), pool.add("\x1b[31mred")
    listed = run(capsys, "users", "--user-pool-id", pool.id)
    lines = listed.lines
    assert lines[129] == f"{many['user 129']}\tuser 129\tFORCE_CHANGE_PASSWORD"
    assert lines[130].startswith(f"{odd}\t\\x1b[31mred\t")
    assert len(lines) == 131
    assert listed.err == f"skipped: user user-131 ({nameless}) has no preferred_username; commands accept the sub\n"
    found = run(capsys, "users", "--user-pool-id", pool.id, "--json").json
    assert {user["name"]: user["sub"] for user in found} == many | {"\x1b[31mred": odd}
    missing = run(capsys, "users", "--user-pool-id", "us-east-1_nowhere")
    assert (missing.status, "User pool us-east-1_nowhere does not exist" in missing.error) == (1, True)
