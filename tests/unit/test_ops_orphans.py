"""Which resources of a stack are abandoned, and what removes them."""

from datetime import UTC, datetime

import pytest

from ops import orphans
from ops.inventory.command import Holding
from ops.inventory.costs import Thing

LATER = datetime(2030, 1, 1, tzinfo=UTC)
VAULT = Thing(kind="backup vault", id="Messages-x-1", detail="2 recovery points")
SYSTEM = Thing(kind="table backup", id="arn:1", detail="SYSTEM, free", until=LATER)
ROLE = Thing(kind="role", id="Messages-x-Role")
ROLE_ELSEWHERE = Thing(kind="role", id="Messages-x-R", detail="of the stack in eu-west-1")
TABLE, RESTORED = (Thing(kind="table", id=name, how_to_delete=f"`delete {name}`") for name in ("T", "T.k1"))
COPIES = "Messages-x-Copies-us-east-1"
DESTROY = f"aws cloudformation delete-stack --stack-name {COPIES} --region r"


def held(status, *things, stack="Messages-x"):
    return Holding(stack=stack, status=status, things=things, unseen=())


@pytest.mark.parametrize(
    ("status", "things", "left"),
    [
        ("", (VAULT, SYSTEM, ROLE, ROLE_ELSEWHERE), (VAULT, ROLE)),
        ("", (SYSTEM, ROLE_ELSEWHERE), None),
        ("CREATE_COMPLETE", (VAULT, ROLE), None),
        ("ROLLBACK_COMPLETE", (), ()),
        ("DELETE_FAILED", (SYSTEM,), (SYSTEM,)),
    ],
)
def test_a_deleted_stack_abandons_what_aws_does_not_remove_and_a_dead_one_everything(status, things, left):
    found = orphans.left_over(held(status, *things))
    assert (found and found.things) == left


def test_a_temporary_stage_counts_while_it_is_deployed():
    for stack, counted in (("Messages-pr-12", True), ("Messages-prod", False), ("pr-12", False)):
        there = held("CREATE_COMPLETE", VAULT, stack=stack)
        assert bool(orphans.left_over(there, ephemeral="pr-")) is counted
        assert orphans.left_over(there) is None


@pytest.mark.parametrize(
    ("holding", "commands"),
    [
        (held("", VAULT), "python -m ops cleanup --stage x --region r"),
        (held("DELETE_FAILED"), "make destroy STAGE=x, then python -m ops cleanup --stage x --region r"),
        (held("", TABLE, RESTORED), "`delete T`, then `delete T.k1`"),
        (held("", TABLE, VAULT), "python -m ops cleanup --stage x --region r"),
        (held("", VAULT, stack=COPIES), f"python -m ops cleanup --stack {COPIES} --region r"),
        (held("DELETE_FAILED", stack=COPIES), f"{DESTROY}, then python -m ops cleanup --stack {COPIES} --region r"),
    ],
)
def test_the_remedy_is_the_commands_that_remove_the_stack(holding, commands):
    assert orphans.remedy(holding, "r") == commands
