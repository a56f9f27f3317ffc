"""What counts as left over."""

from datetime import UTC, datetime

import pytest

from ops import orphans
from ops.inventory.command import Holding
from ops.inventory.costs import Thing

LATER = datetime(2030, 1, 1, tzinfo=UTC)
VAULT = Thing(kind="backup vault", id="Messages-x-1", detail="2 recovery points")
SYSTEM = Thing(kind="table backup", id="arn:1", detail="SYSTEM, free", until=LATER)
GOING_KEY = Thing(kind="key", id="arn:2", detail="its deletion is scheduled", until=LATER)
ROLE = Thing(kind="role", id="Messages-x-Role")
ROLE_ELSEWHERE = Thing(kind="role", id="Messages-x-R", detail="of the stack in eu-west-1")


def held(status, *things, stack="Messages-x"):
    return Holding(stack=stack, status=status, things=things, unseen=())


def test_of_a_stack_that_is_gone_only_what_stays_is_left_over():
    found = orphans.left_over(held("", VAULT, SYSTEM, GOING_KEY, ROLE, ROLE_ELSEWHERE))
    assert found.things == (VAULT, ROLE)


@pytest.mark.parametrize("things", [(), (SYSTEM,), (GOING_KEY,), (ROLE_ELSEWHERE,)])
def test_what_goes_by_itself_is_not_left_over(things):
    assert orphans.left_over(held("", *things)) is None


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_FAILED"])
def test_a_stack_in_use_leaves_nothing(status):
    assert orphans.left_over(held(status, VAULT, ROLE)) is None


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "DELETE_FAILED", "CREATE_FAILED"])
def test_a_stack_that_can_only_be_deleted_is_left_over(status):
    assert orphans.left_over(held(status)).status == status


@pytest.mark.parametrize(("stack", "counted"), [("Messages-pr-12", True), ("Messages-prod", False), ("pr-12", False)])
def test_a_temporary_stage_counts_while_it_is_deployed(stack, counted):
    there = held("CREATE_COMPLETE", VAULT, stack=stack)
    assert bool(orphans.left_over(there, ephemeral="pr-")) is counted
    assert orphans.left_over(there) is None


def test_the_remedy_of_a_stage_is_its_clean_up():
    assert orphans.remedy(held("", VAULT), "r") == "python -m ops cleanup --stage x --region r"
    assert orphans.remedy(held("ROLLBACK_COMPLETE"), "r") == (
        "make destroy STAGE=x, then python -m ops cleanup --stage x --region r"
    )


def test_the_remedy_of_tables_alone_is_the_command_that_deletes_each():
    kept, restored = (Thing(kind="table", id=name, how_to_delete=f"`delete {name}`") for name in ("T", "T.k1"))
    assert orphans.remedy(held("", kept, restored), "r") == "`delete T`, then `delete T.k1`"
    clean_up = "python -m ops cleanup --stage x --region r"
    assert orphans.remedy(held("", kept, VAULT), "r") == clean_up
    destroy = "make destroy STAGE=x, then "
    assert orphans.remedy(held("ROLLBACK_COMPLETE", kept), "r").startswith(destroy)


def test_the_remedy_of_copies_names_their_stack_and_region_because_they_are_no_stage():
    copies = "Messages-x-Copies-us-east-1"
    clean_up = f"python -m ops cleanup --stack {copies} --region eu-west-1"
    assert orphans.remedy(held("", VAULT, stack=copies), "eu-west-1") == clean_up
    assert orphans.remedy(held("DELETE_FAILED", stack=copies), "eu-west-1") == (
        f"aws cloudformation delete-stack --stack-name {copies} --region eu-west-1, then {clean_up}"
    )
