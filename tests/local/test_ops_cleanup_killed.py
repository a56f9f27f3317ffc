"""A clean-up that is killed at any moment: running it again finishes the work, and only that."""

import random
import time
from concurrent.futures import ThreadPoolExecutor

from ops.__main__ import main
from tests.support.killed import killed
from tests.support.ops_deployment import Deployment

KILLS = 12
LANES = 4  # at once: a clean-up mostly waits
POINTS = 4


def _left_behind(client, stage):
    """A destroyed stack that left all it can."""
    return Deployment(client, stage).leave(POINTS, everything=True)


def test_killed_at_random_moments_and_run_again(aws, client, quick_stage, tmp_path):
    moments, name = random.Random(20261121), quick_stage.stage
    # Another stage, which no clean-up may touch.
    bystander = quick_stage.leave(POINTS, everything=True)
    points = bystander.points()

    def run(stage, seconds):
        """The exit code of a clean-up that is killed after some seconds."""
        command = ["cleanup", "--yes", "--rate", "60", "--stage", stage.stage]
        errors = tmp_path / stage.stage
        return killed(main, aws.environment(), command, errors, lambda child: child.join(seconds))[0]

    def whole_run(number):
        """How long a clean-up takes that is not killed, beside as many others."""
        stage, began = _left_behind(client, f"{name}w{number}"), time.monotonic()
        assert run(stage, 300) == 0
        return time.monotonic() - began

    def killed_and_run_again(number, share):
        stage = _left_behind(client, f"{name}k{number}")
        return run(stage, share * whole), run(stage, 300), stage.remains()

    with ThreadPoolExecutor(LANES) as lanes:
        whole = max(lanes.map(whole_run, range(LANES)))
        shares = [moments.uniform(0.1, 1) for _ in range(KILLS)]
        results = list(lanes.map(killed_and_run_again, range(KILLS), shares))
    assert [result[1:] for result in results] == [(0, set())] * KILLS
    assert sum(status == -9 for status, _, _ in results) >= KILLS / 2  # not over before
    assert bystander.points() == points
    assert bystander.remains() == {"vault", "role", "backup", "log group"}
