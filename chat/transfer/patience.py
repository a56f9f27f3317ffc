"""Requests that outlast throttling and lost answers, and what is said when even that fails."""

import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import OpsError, explain
from dynamo.writer import Tries, ask

CONTINUES = "running the same command again continues"
# What may end a transfer from outside; TimeoutError is that of Tries.
FAILURES = (ClientError, BotoCoreError, TimeoutError, KeyboardInterrupt)


def tries(doing: str, clock: Any = time) -> Tries:
    """Pauses between tries, for as long as they bring anything at all."""
    return Tries(clock, math.inf, doing)


def patiently(call: Callable[..., Any], request: Mapping[str, Any], *, doing: str, clock: Any = time) -> Any:
    """The answer to a request that does no harm when it is made twice.

    Throttling and lost answers are outlasted beyond what the client does by
    itself. Raises TimeoutError when that leads nowhere, other errors at once.
    """
    return ask(partial(call, **request), tries(doing, clock))


def unfinished(error: BaseException, how_far: str) -> BaseException:
    """What to raise for one of FAILURES: in one line also how far it came, and how to go on."""
    if isinstance(error, KeyboardInterrupt):
        return KeyboardInterrupt(how_far)
    if isinstance(error, ClientError | BotoCoreError):
        return OpsError(f"{explain(error)}; {how_far}")
    return OpsError(f"{error}; {how_far}")
