"""A clean-up that is killed at any moment: running it again finishes the work, and only that."""

import multiprocessing
import os
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from ops.__main__ import main
from tests.support.ops_deployment import Deployment

KILLS = 12
LANES = 4  # at once: a clean-up mostly waits
POINTS = 4
# From a server that has the SDK loaded: a new interpreter would take longer than the clean-up.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    ["ops.cleanup.command", "pytest", "tests.support.ops_deployment", "tests.support.warm_sdk"]
)


def _clean_up(environment, stage):
    """What the child process does."""
    os.environ.update(environment)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, sys.stdout.fileno())
    os.dup2(silent, sys.stderr.fileno())
    os._exit(main(["cleanup", "--yes", "--rate", "60", "--stage", stage]))


def _left_behind(client, stage):
    """A destroyed stack that left all it can."""
    return Deployment(client, stage).leave(POINTS, everything=True)


def _run(aws, stage, *, kill_after):
    """Start a clean-up and kill it after some seconds; its exit code and how long it took."""
    child = _FORKS.Process(target=_clean_up, args=(aws.environment(), stage.stage))
    began = time.monotonic()
    child.start()
    child.join(kill_after)
    child.kill()  # SIGKILL, of this child alone; nothing when it has ended
    child.join()
    return child.exitcode, time.monotonic() - began


def test_killed_at_random_moments_and_run_again(aws, client, quick_stage):
    moments, name = random.Random(20261121), quick_stage.stage
    # Another stage, which no clean-up may touch.
    bystander = quick_stage.leave(POINTS, everything=True)
    points = bystander.points()

    def whole_run(number):
        """How long a clean-up takes that is not killed, beside as many others."""
        status, seconds = _run(aws, _left_behind(client, f"{name}w{number}"), kill_after=60)
        assert status == 0
        return seconds

    def killed_and_run_again(number, share):
        stage = _left_behind(client, f"{name}k{number}")
        status, _ = _run(aws, stage, kill_after=share * whole)
        again, _ = _run(aws, stage, kill_after=60)
        return status, again, stage.remains()

    with ThreadPoolExecutor(LANES) as lanes:
        whole = max(lanes.map(whole_run, range(LANES)))
        shares = [moments.uniform(0.1, 1) for _ in range(KILLS)]
        results = list(lanes.map(killed_and_run_again, range(KILLS), shares))
    assert [result[1:] for result in results] == [(0, set())] * KILLS
    assert sum(status == -9 for status, _, _ in results) >= KILLS / 2  # not over before
    assert bystander.points() == points
    assert bystander.remains() == {"vault", "role", "backup", "log group"}
