"""The CDK CLI waits for a stack here, for the time that the operation takes.

It asks for the stack's status every five seconds, with no option to ask sooner, and an operation
takes less than one here: an answer may come late, and then it is the last one that is needed.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import ministack.services.cloudformation as engine

from embedded_aws.patching import wrap

# Less than the CDK CLI waits between two questions.
SECONDS = 4


def install() -> None:
    """Let requests of the CDK CLI for a stack's status wait for its end."""
    wrap(engine, "handle_request", _patient)


async def _patient(
    original: Callable[..., Awaitable[Any]], method: str, path: str, headers: dict[str, str], body: bytes, query: Any
) -> Any:
    asks = b"Action=DescribeStacks" in body and "aws-cdk" in headers.get("user-agent", "")
    deadline = time.monotonic() + SECONDS
    while asks and _operating() and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    return await original(method, path, headers, body, query)


def _operating() -> bool:
    statuses = [str(stack.get("StackStatus")) for stack in engine._stacks.values()]
    return any(status.endswith("_IN_PROGRESS") for status in statuses if status != "REVIEW_IN_PROGRESS")
