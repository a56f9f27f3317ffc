"""What tells one creation of a stack from the next of the same name."""

from aws_cdk import Fn, Stack
from constructs import Construct


def stack_suffix(scope: Construct) -> str:
    """Eight hex digits that differ with every creation of the stack (a token).

    They are the first part of the UUID that ends the stack's id. What outlives
    a destroy carries them in its name, so that the next deploy does not collide
    with it.
    """
    unique = Fn.select(2, Fn.split("/", Stack.of(scope).stack_id))
    return Fn.select(0, Fn.split("-", unique))
