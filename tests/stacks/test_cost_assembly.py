"""The stacks of a cloud assembly: from its manifest, not from the names of its files."""

import json

import pytest
from aws_cdk import App, CfnResource, Environment, Stack

from cli.errors import OpsError
from ops.cost import assembly
from ops.cost.assembly import StackTemplate


@pytest.fixture
def folder(tmp_path):
    """An assembly of two stacks, one of which is not called what its file is."""
    app = App(outdir=str(tmp_path))
    for name, region in (("Home", None), ("There", "eu-west-1")):
        stack = Stack(app, name, stack_name=f"Stage-{name}", env=Environment(region=region))
        CfnResource(stack, "Key", type="AWS::KMS::Key")
    app.synth()
    return tmp_path


def test_every_stack_with_its_name_and_region(folder):
    found = assembly.stacks(folder)
    assert [(one.name, one.region) for one in found] == [("Stage-Home", None), ("Stage-There", "eu-west-1")]
    assert all(one.template["Resources"]["Key"]["Type"] == "AWS::KMS::Key" for one in found)


def test_a_file_is_one_template_of_which_nothing_else_is_known(folder):
    path = folder / "Home.template.json"
    assert assembly.stacks(path) == (StackTemplate(template=json.loads(path.read_text())),)


def test_a_folder_that_is_no_assembly_is_an_error(tmp_path):
    with pytest.raises(OpsError, match=r"has no manifest\.json; name a synthesized template, or"):
        assembly.stacks(tmp_path)
