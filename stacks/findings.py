"""Acknowledged findings of cdk-nag: one construct, one finding, one reason."""

from aws_cdk import Acknowledgment, CfnElement, Stack, Validations
from constructs import Construct, IConstruct


def acknowledge_wildcard(construct: Construct, resource: str, reason: str) -> None:
    """Accept that a policy of ``construct`` names the wildcard ``resource``, for ``reason``."""
    finding = f"AwsSolutions::AwsSolutions-IAM5[Resource::{resource}]"
    Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))


def arn_in_findings(construct: IConstruct) -> str:
    """How a finding spells the ARN of a resource of the same stack."""
    resource = construct.node.default_child
    assert isinstance(resource, CfnElement)
    stack = Stack.of(construct)
    return f"<{stack.resolve(stack.get_logical_id(resource))}.Arn>"
