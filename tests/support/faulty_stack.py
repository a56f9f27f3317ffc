"""The stack, with a fault between its seeding function and DynamoDB; also as a CDK app."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from aws_cdk import App, aws_lambda

from model.messages import Item, message_item
from stacks.messages_stack import MessagesStack
from stacks.settings import Settings

START = datetime(2026, 1, 1, 9, tzinfo=UTC)


def messages(count: int, body: str = "seeded") -> list[Item]:
    """``count`` messages in one conversation."""
    return [
        message_item(
            sender="Tom", recipient="Jerry", body=f"{body} {number}", sent_at=START + timedelta(minutes=number)
        )
        for number in range(count)
    ]


def through(endpoint: str, *, seconds: int = 60) -> Callable[[MessagesStack], None]:
    """A change of the stack: its function reaches DynamoDB at ``endpoint`` and has ``seconds``."""

    def change(stack: MessagesStack) -> None:
        function = stack.seed.node.find_child("Seeding").function.node.default_child
        assert isinstance(function, aws_lambda.CfnFunction)
        function.add_property_override("Environment.Variables.AWS_ENDPOINT_URL_DYNAMODB", endpoint)
        function.timeout = seconds

    return change


if __name__ == "__main__":
    app = App()
    settings = Settings(stage=app.node.get_context("stage"))
    stack = MessagesStack(app, settings=settings, items=messages(int(os.environ["MESSAGES"])))
    through(os.environ["FAULTY_ENDPOINT"])(stack)
    app.synth()
