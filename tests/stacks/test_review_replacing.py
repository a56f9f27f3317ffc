"""The review's table of properties that cannot change is that of CloudFormation's schemas."""

import re

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from ops.review.replacing import CREATE_ONLY
from tests.snapshots import FOLDER
from tests.support.templates import FULL, synthesized


def create_only(kind: str) -> set[str]:
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema
    paths = [*schema.get("createOnlyProperties", []), *schema.get("conditionalCreateOnlyProperties", [])]
    return {path.removeprefix("/properties/") for path in paths}


def kinds() -> set[str]:
    """Every type of a snapshot, of a stack with all settings on, and of the table itself."""
    texts = [path.read_text() for path in FOLDER.glob("*.yaml")]
    found = {kind for text in texts for kind in re.findall(r"Type: (AWS::\w+::\w+)", text)}
    full = synthesized(**FULL, alarms=True)["Resources"].values()
    found |= {one["Type"] for one in full if one["Type"].startswith("AWS::")}
    return found | CREATE_ONLY.keys()


@pytest.mark.parametrize("kind", sorted(kinds()))
def test_the_table_has_what_the_schema_has(kind):
    assert CREATE_ONLY.get(kind, set()) == create_only(kind)


def test_the_snapshots_have_types_to_compare():
    assert {"AWS::Lambda::EventSourceMapping", "AWS::Backup::BackupSelection"} <= kinds()
