"""The stacks of one stage: its own, and that of the copies of its backups."""

from collections.abc import Sequence

from constructs import Construct

from model.messages import Item
from stacks.copies_stack import CopiesStack
from stacks.messages_stack import MessagesStack
from stacks.settings import Settings


def add_stacks(app: Construct, *, settings: Settings, items: Sequence[Item]) -> MessagesStack:
    """Add what the stage consists of; its own stack.

    That of the copies is deployed first and destroyed last: the backup plan
    names its vault.
    """
    stack = MessagesStack(app, settings=settings, items=items)
    if settings.copy_region:
        stack.add_stack_dependency(CopiesStack(app, settings=settings))
    return stack
