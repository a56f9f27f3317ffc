"""Users' names against the embedded AWS's Cognito, and ``python -m chat users``."""

import json
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

from model.users import Directory, UnknownUser
from tests.conftest import PROJECT
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


@pytest.fixture
def chat(aws):
    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "chat", *arguments],
            cwd=PROJECT,
            text=True,
            capture_output=True,
            timeout=60,
            env=aws.environment() | environment,
        )

    return run


def test_users_of_every_page_are_found_by_name_and_by_sub(client, pool, many):
    users = Directory(client("cognito-idp"), pool.id)
    assert {user.name: user.sub for user in users.users()} == many
    for wanted in ("user 0", "USER 129"):
        assert users.resolve(wanted) == many[wanted.lower()]
    shown = {sub: shown for shown, sub in many.items()}
    assert Directory(client("cognito-idp"), pool.id).names(shown) == shown


def test_unknown_and_doubled_names_are_refused_and_disabled_users_are_not(client, pool):
    users = Directory(client("cognito-idp"), pool.id)
    with pytest.raises(UnknownUser, match=f"'Tom' is not in user pool {pool.id}"):
        users.resolve("Tom")
    tom, jerry = pool.add("Tom"), pool.add("Jerry")
    pool.disable(jerry)
    assert (users.resolve("Tom"), users.resolve("jerry")) == (tom, jerry)
    pool.add("tom")
    with pytest.raises(UnknownUser, match="2 in user pool"):
        Directory(client("cognito-idp"), pool.id).resolve("Tom")


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


def test_the_command_lists_those_with_a_name_and_says_who_has_none(chat, pool, many):
    nameless, odd = pool.add(), pool.add("\x1b[31mred")
    listed = chat("users", "--user-pool-id", pool.id)
    assert listed.returncode == 0, listed.stderr
    lines = listed.stdout.splitlines()
    assert lines[129] == f"{many['user 129']}\tuser 129\tFORCE_CHANGE_PASSWORD"
    assert lines[130].startswith(f"{odd}\t\\x1b[31mred\t")
    assert len(lines) == 131
    assert listed.stderr == (f"skipped: user user-131 ({nameless}) has no preferred_username; commands take the sub\n")
    found = json.loads(chat("users", "--user-pool-id", pool.id, "--json").stdout)
    assert {user["name"]: user["sub"] for user in found} == many | {"\x1b[31mred": odd}


def test_a_pool_that_does_not_exist_is_one_line(chat):
    missing = chat("users", "--user-pool-id", "us-east-1_nowhere")
    assert (missing.returncode, missing.stdout, missing.stderr.count("\n")) == (1, "", 1)
    assert "User pool us-east-1_nowhere does not exist" in missing.stderr
