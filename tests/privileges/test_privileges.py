"""Least privilege, proven: without any one permission something breaks, and says which."""

import pytest

from tests.privileges.registry import proof
from tests.privileges.report import expected
from tests.privileges.statements import Permission, permissions, without
from tests.privileges.templates import everything

PERMISSIONS = permissions(everything())
PROVABLE = [permission for permission in PERMISSIONS if proof(permission)]


@pytest.mark.parametrize("permission", PROVABLE, ids=str)
def test_something_breaks_without(stage, permission: Permission, record_property):
    (found,) = [p for p in permissions(stage.template) if p.key == permission.key]
    shown = proof(permission)
    stage.deploy_template(without(stage.template, found))
    broken = shown.exercise(stage, found)
    assert broken, f"nothing broke: '{permission}' is superfluous, or the exercise misses it"
    assert shown.said in broken
    record_property("permission", [*permission.key, expected(permission)])


# One permission of each exercise and holder.
EXERCISES = {(proof(each).exercise, each.holder): each for each in PROVABLE}


@pytest.mark.parametrize(("exercise", "holder"), EXERCISES, ids=[f"{e.__name__} {holder}" for e, holder in EXERCISES])
def test_with_all_permissions_nothing_breaks(stage, exercise, holder):
    key = EXERCISES[exercise, holder].key
    (found,) = [p for p in permissions(stage.template) if p.key == key]
    stage.deploy_template(stage.template)
    assert exercise(stage, found) == ""
