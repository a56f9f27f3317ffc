"""Physical names that differ with every creation of a stack, or bear the name of a pull request's stack."""

from fnmatch import fnmatchcase

from aws_cdk import Fn, Stack
from constructs import Construct

from stacks.pipeline.preview_limits import STACKS


def stack_suffix(scope: Construct) -> str:
    """Eight hex digits of the stack's id (a token): they differ with every creation of the stack.

    What outlives a destroy has them in its name, so that the next deployment can have another.
    """
    unique = Fn.select(2, Fn.split("/", Stack.of(scope).stack_id))
    return Fn.select(0, Fn.split("-", unique))


def state_machine_name(scope: Construct, purpose: str) -> str | None:
    """The name of a state machine in the stack of a pull request; otherwise None.

    CloudFormation's own name lacks the stack's (aws/aws-sam-cli#2022), by which the limits tell
    stages apart. Other stages keep that name: another machine would be a changed property of the
    dataset, which would be loaded again, with the messages that were deleted since.
    """
    stack = Stack.of(scope)
    if not fnmatchcase(stack.stack_name, STACKS):
        return None
    return f"{stack.stack_name}-{purpose}-{stack_suffix(scope)}"
