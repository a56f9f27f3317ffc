"""A clean-up that is killed at any moment: running it again finishes the work, and only that."""

import multiprocessing
import os
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ops.__main__ import main
from tests.support.ops_deployment import QUICK, Deployment

KILLS = 12
LANES = 4  # at once: a clean-up mostly waits
POINTS = 4
# From a server that has the SDK loaded: a new interpreter would take longer than the clean-up.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["ops.__main__", "pytest", "tests.support.ops_deployment"])


@pytest.fixture
def quick(aws, setting, monkeypatch):
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)
    for key, value in QUICK.items():
        setting(key, value)


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


@pytest.mark.usefixtures("quick")
def test_killed_at_random_moments_and_run_again(aws, client, name):
    moments = random.Random(20261121)
    # Another stage, which no clean-up may touch.
    bystander = _left_behind(client, f"{name}-bystander")
    points = bystander.points()

    def killed_and_run_again(number, share):
        stage = _left_behind(client, f"{name}k{number}")
        status, _ = _run(aws, stage, kill_after=share * whole)
        again, _ = _run(aws, stage, kill_after=60)
        return status, again, stage.remains()

    with ThreadPoolExecutor(LANES) as lanes:
        whole = max(lanes.map(lambda n: _whole(aws, client, f"{name}w{n}"), range(LANES)))
        shares = [moments.uniform(0.1, 1) for _ in range(KILLS)]
        results = list(lanes.map(killed_and_run_again, range(KILLS), shares))
    assert [result[1:] for result in results] == [(0, set())] * KILLS
    assert sum(status == -9 for status, _, _ in results) >= KILLS / 2  # not over before
    assert bystander.points() == points
    assert bystander.remains() == {"vault", "role", "backup", "log group"}


def _whole(aws, client, name):
    """How long a clean-up takes that is not killed, beside as many others."""
    status, seconds = _run(aws, _left_behind(client, name), kill_after=60)
    assert status == 0
    return seconds
