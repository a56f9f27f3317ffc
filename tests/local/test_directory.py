"""Users' names against the embedded AWS's Cognito, and ``python -m chat users``."""

import functools
import json

import pytest
from botocore.exceptions import ClientError

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


@pytest.fixture
def allowed(client, name):
    """``allowed(pool.arn)``: credentials that may list the users of that pool only."""
    iam = client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]

    def allow(arn):
        statement = {"Effect": "Allow", "Action": "cognito-idp:ListUsers", "Resource": arn}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
        return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    yield allow
    iam.delete_user_policy(UserName=name, PolicyName="p")
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName=name)


def test_users_of_every_page_are_found_by_name_and_by_sub(client, pool, many):
    users = Directory(client("cognito-idp"), pool.id)
    assert {user.name: user.sub for user in users.users()} == many
    for wanted in ("user 0", "USER 129"):
        assert users.resolve(wanted) == many[wanted.lower()]
    shown = {sub: shown for shown, sub in many.items()}
    assert Directory(client("cognito-idp"), pool.id).names(shown) == shown


def test_permission_to_list_the_users_of_one_pool_is_enough_and_for_that_pool_only(client, pool, allowed, name):
    tom, other = pool.add("Tom"), UserPool(client, f"{name}-2")
    cognito = client("cognito-idp", **allowed(pool.arn))
    assert Directory(cognito, pool.id).resolve("Tom") == tom
    assert Directory(cognito, pool.id).names([tom]) == {tom: "Tom"}
    try:
        with pytest.raises(ClientError, match="AccessDenied"):
            Directory(cognito, other.id).resolve("Tom")
    finally:
        other.delete()


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
