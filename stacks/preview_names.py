"""Names that bring a resource of a pull request's stage within the limits of such stages."""

from fnmatch import fnmatchcase

from aws_cdk import Stack
from constructs import Construct

from stacks.pipeline.preview_limits import STACKS
from stacks.stack_suffix import stack_suffix


def state_machine_name(scope: Construct, purpose: str) -> str | None:
    """The name of a state machine in the stack of a pull request; otherwise None.

    CloudFormation's own name lacks the stack's (aws/aws-sam-cli#2022), by which the limits tell
    stages apart. A deployed stage keeps that name: another machine would be another property of
    its dataset, which would be loaded again, with the messages that were deleted since.
    """
    stack = Stack.of(scope)
    if not fnmatchcase(stack.stack_name, STACKS):
        return None
    return f"{stack.stack_name}-{purpose}-{stack_suffix(scope)}"
