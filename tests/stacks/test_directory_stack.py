"""What the setting ``user_pool_id`` may be, and what it changes in the template."""

import pytest
from aws_cdk.assertions import Template

from stacks.settings import Settings, SettingsError
from tests.support.templates import only, stack, statements

POOL = "eu-west-1_Ab1cD2eF3"
SEED = "Custom::MessageSeed"


@pytest.mark.parametrize("pool", [POOL, "us-gov-west-1_a", "eu-west-1_" + "a" * 45])
def test_the_id_of_a_pool_is_taken(pool):
    assert Settings(user_pool_id=pool).user_pool_id == pool


@pytest.mark.parametrize(
    "pool",
    [
        "Ab1cD2eF3",
        "eu-west-1",
        "eu-west-1_",
        "eu-west-1_a-b",
        "eu_west_1_abc",
        "x_abc",
        POOL + "\n",
        "eu-west-1_é",
        "eu-west-1_" + "a" * 46,
        "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-west-1_Ab1cD2eF3",
    ],
)
def test_what_is_no_id_of_a_pool_is_refused(pool):
    with pytest.raises(SettingsError) as caught:
        Settings(user_pool_id=pool)
    text = str(caught.value)
    assert "must be a user pool's id such as eu-west-1_Ab1cD2eF3" in text
    assert "-c user_pool_id=..." in text
    assert "\n" not in text


def test_a_pool_of_another_region_is_refused():
    assert Settings(user_pool_id=POOL, region="eu-west-1").region == "eu-west-1"
    with pytest.raises(SettingsError, match="pool of the stage's region, eu-west-2"):
        Settings(user_pool_id=POOL, region="eu-west-2")


def cognito(template: Template) -> list[dict]:
    return [found for found in statements(template) if "cognito" in str(found)]


def test_by_default_nothing_is_there_of_it():
    plain = stack()
    assert "UserPoolId" not in only(plain, SEED)["Properties"]
    assert plain.find_outputs("UserPoolId") == {}
    assert cognito(plain) == []


def test_the_seeding_function_may_list_the_users_of_this_pool_only():
    template = stack(user_pool_id=POOL)
    assert only(template, SEED)["Properties"]["UserPoolId"] == POOL
    assert template.find_outputs("UserPoolId")["UserPoolId"]["Value"] == POOL
    (statement,) = cognito(template)
    assert (statement["Action"], statement["Effect"]) == ("cognito-idp:ListUsers", "Allow")
    (_, parts) = statement["Resource"]["Fn::Join"]
    assert "".join(part if isinstance(part, str) else "*" for part in parts) == (
        f"arn:*:cognito-idp:eu-west-1:*:userpool/{POOL}"
    )


def test_the_names_of_the_template_stay_whoever_has_them():
    plain, pooled = (only(stack(**more), SEED)["Properties"] for more in ({}, {"user_pool_id": POOL}))
    assert plain["Messages"] == pooled["Messages"]
    assert plain["Messages"][0]["FromUser"] == "Tom"
