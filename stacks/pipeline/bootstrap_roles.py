"""The roles of `cdk bootstrap` that the CDK CLI assumes for a deployment."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

# Not image-publishing: the stack has no container image.
_PURPOSES = ("deploy", "file-publishing", "lookup")
_DEFAULT = "hnb659fds"
_CONTEXT = "@aws-cdk/core:bootstrapQualifier"


def use_of_bootstrap_roles(
    scope: Construct, qualifier: str | None = None, regions: Sequence[str] = ()
) -> iam.PolicyStatement:
    """The permission to assume the roles of ``qualifier`` in the stack's account.

    Without a qualifier, those that the app's own stages use; without
    ``regions``, those of the stack's region.
    """
    found = qualifier or scope.node.try_get_context(_CONTEXT) or _DEFAULT
    stack = Stack.of(scope)
    names = [
        f"cdk-{found}-{use}-role-{stack.account}-{region}" for region in regions or [stack.region] for use in _PURPOSES
    ]
    return iam.PolicyStatement(
        actions=["sts:AssumeRole"],
        resources=[stack.format_arn(service="iam", region="", resource="role", resource_name=name) for name in names],
    )
