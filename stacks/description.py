"""What a resource is for, said in the template, where its type has no property for that."""

from aws_cdk import CfnResource
from constructs import Construct


def describe(construct: Construct, text: str) -> None:
    """Let the template say ``text`` with the resource of ``construct``, in its metadata."""
    resource = construct if isinstance(construct, CfnResource) else construct.node.default_child
    assert isinstance(resource, CfnResource)
    resource.add_metadata("Description", text)
