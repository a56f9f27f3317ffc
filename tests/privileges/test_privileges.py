"""Least privilege, proven: without any one permission something breaks, and the error names it."""

import pytest

from tests.privileges.assemblies import everything, of_an_export
from tests.privileges.registry import proof
from tests.privileges.statements import Permission, permissions, without

PROVABLE = [permission for permission in permissions(everything()) if proof(permission)]
# One permission of each exercise and holder.
EXERCISES = {(proof(each).exercise, each.holder): each for each in PROVABLE}


def deployed(stage, permission: Permission) -> Permission:
    """The same permission in the template of the deployed stage."""
    (found,) = [p for p in permissions(stage.template) if p.key == permission.key]
    return found


@pytest.mark.parametrize("permission", PROVABLE, ids=str)
def test_something_breaks_without(stage, permission: Permission):
    found, shown = deployed(stage, permission), proof(permission)
    stage.deploy_template(without(stage.template, found))
    broken = shown.exercise(stage, found)
    assert broken, f"nothing broke: '{permission}' is not needed, or the exercise does not use it"
    assert shown.said in broken


@pytest.mark.parametrize(("exercise", "holder"), EXERCISES, ids=[f"{e.__name__} {holder}" for e, holder in EXERCISES])
def test_with_all_permissions_nothing_breaks(stage, exercise, holder):
    stage.deploy_template(stage.template)
    assert exercise(stage, deployed(stage, EXERCISES[exercise, holder])) == ""


@pytest.mark.parametrize("permission", of_an_export(), ids=str)
def test_an_export_is_not_loaded_without(export_stage, permission: Permission):
    found, shown = deployed(export_stage, permission), proof(permission)
    export_stage.deploy_template(without(export_stage.template, found))
    assert shown.said in shown.exercise(export_stage, found)
    export_stage.deploy_template(export_stage.template)
    assert shown.exercise(export_stage, found) == ""
