"""A function's process that nobody calls any more is ended."""

import time
from dataclasses import dataclass, field

import ministack.core.lambda_runtime as runtime
import pytest

from embedded_aws import lambda_functions
from embedded_aws.settings import CURRENT


@dataclass(eq=False)
class Worker:
    """As much of one of the engine's workers as the reaper looks at."""

    idle: float
    in_use: bool = False
    last_used: float = field(init=False)

    def __post_init__(self):
        self.last_used = time.time() - self.idle


@pytest.fixture
def ended(monkeypatch):
    found: list[Worker] = []
    monkeypatch.setattr(runtime, "_workers", {})
    monkeypatch.setattr(runtime, "kill_workers", found.extend)
    return found


def test_only_what_is_idle_for_long_is_ended(ended):
    long = CURRENT.function_idle_seconds + 10
    old, busy, fresh, alone = Worker(long), Worker(long, in_use=True), Worker(1), Worker(long)
    runtime._workers.update(several=[old, busy, fresh], one=[alone])
    assert lambda_functions.end_idle_workers() == 2
    assert ended == [old, alone]
    assert runtime._workers == {"several": [busy, fresh]}
