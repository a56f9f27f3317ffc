"""What permissions stages have; that none is there twice, on everything, or without a proof."""

from collections import Counter

import pytest

from tests.privileges.assemblies import COPIES, STAGES, copies, everything, of_an_export, template
from tests.privileges.registry import NOT_PROVABLE, ON_EVERYTHING
from tests.privileges.statements import permissions


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_is_allowed_twice(stage):
    counts = Counter((p.holder, p.action, p.resource, p.principal) for p in permissions(template(stage)))
    assert [key for key, count in counts.items() if count > 1] == []


def test_every_permission_of_every_stage_and_of_its_copies_is_tried():
    tried = {permission.key for permission in (*permissions(everything()), *of_an_export())}
    (dataset,) = [p for p in permissions(template("with a dataset")) if p.key not in tried]
    # Another object, of the same role, in the same way.
    assert str(dataset) == "DatasetLoadingRole: s3:GetObject on assets/DATASET.jsonl"
    for stage in STAGES.keys() - {"with a dataset"}:
        assert {permission.key for permission in permissions(template(stage))} <= tried, stage
    for permission in permissions(copies()):
        # The same construct as the stage's role, which is within another there.
        holder = permission.holder.replace("RestoreRole", "BackupRestoreRole")
        resource = permission.resource.removesuffix(f" in {COPIES['copy_region']}")
        assert (holder, permission.effect, permission.action, resource, permission.principal) in tried


def test_only_what_knows_no_resources_is_allowed_on_everything_and_reasons_name_what_exists():
    found = {
        (permission.holder, permission.action)
        for stage in (everything(), *map(template, STAGES))
        for permission in permissions(stage)
        if permission.resource == "*"
    }
    assert found == ON_EVERYTHING.keys()
    named = {(holder, action, resource) for holder, actions, resource, _ in NOT_PROVABLE for action in actions}
    assert named <= {(p.holder, p.action, p.resource) for p in permissions(everything())}
