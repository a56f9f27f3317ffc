"""How fast a clean-up is, how evenly it calls, and what it keeps: ``python -m bench.cleanup``.

One embedded AWS, on which every call of AWS Backup takes 30 ms longer. A serial
loop and the command take turns on vaults of the same size. What counts are the
ratios: the engine and the machine are the same for both.
"""

import argparse
import contextlib
import io
import json
import os
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

import boto3
from botocore.exceptions import ClientError

from cli.command_line import Context
from embedded_aws.process import Running, running
from embedded_aws.tests.support.engine import configure
from ops.__main__ import main as ops
from ops.cleanup import guards, plan
from ops.cleanup.deletion import Deletion
from ops.inventory import vaults
from ops.inventory.found import Inventory, Vault
from tests.support.ops_deployment import QUICK, Deployment

_COMPLETED, _DELETING = 1, 2
_COUNTERS = ("deletions_seen", "deletions_seen_in_a_second")


def main() -> None:
    """Measure and print a report."""
    parser = argparse.ArgumentParser(prog="python -m bench.cleanup", description=__doc__)
    parser.add_argument("--points", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=int, default=500, help="the command's --rate")
    parser.add_argument("--latency", type=float, default=30, help="milliseconds")
    parser.add_argument("--memory-points", type=int, default=100_000)
    arguments = parser.parse_args()
    print(
        f"{arguments.points} recovery points, {arguments.latency:g} ms of latency per call, "
        f"{os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}\n"
    )
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as aws:
        Bench(aws, arguments.points, arguments.latency).run(arguments.rounds, arguments.rate)
    _memory(arguments.memory_points)


class Bench:
    """The measurements of speed, on one embedded AWS."""

    def __init__(self, aws: Running, points: int, latency: float) -> None:
        self._aws, self._points, self._latency = aws, points, latency
        aws.enter()
        configure(aws, **QUICK)

        @cache
        def client(service: str) -> Any:
            return boto3.client(service)

        self._client = client

    def run(self, rounds: int, rate: int) -> None:
        """Print the seconds of both ways, their ratio, and the calls the server counted."""
        took: dict[str, list[float]] = {"serial": [], "cleanup": []}
        for number in range(rounds):
            for way, clean in (("serial", self._serial), ("cleanup", self._cleanup)):
                seconds, calls, most = self._measure(f"{way}{number}", clean, rate)
                took[way].append(seconds)
                print(
                    f"{way:8} {seconds:6.2f} s, {calls:.0f} deletions, at most {most:.0f} within one second", flush=True
                )
        serial, cleanup = (median(took[way]) for way in ("serial", "cleanup"))
        ratios = sorted(a / b for a, b in zip(took["serial"], took["cleanup"], strict=True))
        factors = f"{median(ratios):.1f} times faster ({ratios[0]:.1f} to {ratios[-1]:.1f})"
        print(f"\nmedians: serial {serial:.1f} s, cleanup --rate {rate} {cleanup:.1f} s: {factors}")

    def _measure(self, name: str, clean: Callable[[Deployment, int], None], rate: int) -> tuple[float, float, float]:
        stage = Deployment(self._client, name).deploy()
        for _ in range(self._points):
            stage.start_job()
        stage.destroy()
        for counter in _COUNTERS:
            configure(self._aws, **{counter: 0})
        configure(self._aws, latency_milliseconds=self._latency)
        began = time.monotonic()
        clean(stage, rate)
        seconds = time.monotonic() - began
        configure(self._aws, latency_milliseconds=0)
        calls, most = (configure(self._aws, **{name: 0})[name] for name in _COUNTERS)
        assert not stage.client("backup").list_protected_resources()["Results"]
        return seconds, calls, most

    def _serial(self, stage: Deployment, _: int) -> None:
        """What a script does: one deletion after the other, then the vault until it works."""
        backup = stage.client("backup")
        for arn in stage.points():
            backup.delete_recovery_point(BackupVaultName=stage.vault, RecoveryPointArn=arn)
        while True:
            try:
                backup.delete_backup_vault(BackupVaultName=stage.vault)
            except ClientError:
                time.sleep(0.2)
            else:
                return

    def _cleanup(self, stage: Deployment, rate: int) -> None:
        options = ["--yes", "--json", "--stage", stage.stage, "--rate", str(rate)]
        silent = io.StringIO()
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(silent):
            status = ops(["cleanup", *options])
        assert status == 0, out.getvalue()
        assert json.loads(out.getvalue())["left"] == []


class _ManyPoints:
    """An AWS Backup client with one vault of very many points, which makes their pages up."""

    describe_backup_vault = staticmethod(lambda **_: {"Locked": False})
    get_backup_vault_access_policy = staticmethod(lambda **_: {"Policy": "{}"})

    def __init__(self, points: int) -> None:
        self.meta = boto3.client("backup").meta  # with events that are never sent
        self._there = bytearray([_COMPLETED]) * points
        self._operation = ""

    @property
    def left(self) -> int:
        """How many points are still there."""
        return sum(map(bool, self._there))

    def get_paginator(self, operation: str) -> "_ManyPoints":
        self._operation = operation
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        if self._operation != "list_recovery_points_by_backup_vault":
            yield {"LegalHolds": []}
            return
        for first in range(0, len(self._there), vaults.PAGE):
            numbers = range(first, min(first + vaults.PAGE, len(self._there)))
            yield {"RecoveryPoints": [self._point(n) for n in numbers if self._there[n]]}

    def _point(self, number: int) -> dict[str, Any]:
        """As the SDK parses it: every text a new one. A deletion shows for one more look."""
        made = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
        status = {_COMPLETED: "COMPLETED", _DELETING: "DELETING"}[self._there[number]]
        if status == "DELETING":
            self._there[number] = 0
        arn = f"arn:aws:backup:us-east-1:000000000000:recovery-point:{number:036d}"
        table = "".join(["arn:aws:dynamodb:us-east-1:000000000000:table/", "Messages"])
        return {
            "RecoveryPointArn": arn,
            "Status": "".join(list(status)),
            "ResourceArn": table,
            "CreationDate": made,
            "CalculatedLifecycle": {"DeleteAt": made + timedelta(days=35)},
            "BackupSizeInBytes": 10**9 + number,
        }

    def delete_recovery_point(self, *, RecoveryPointArn: str, **_: Any) -> dict[str, Any]:
        self._there[int(RecoveryPointArn[-12:])] = _DELETING
        return {}

    def delete_backup_vault_lock_configuration(self, **_: Any) -> None:
        """A vault without a lock has none to delete."""

    def delete_backup_vault(self, **_: Any) -> None:
        assert not self.left


def _memory(points: int) -> None:
    """Print what a clean-up of very many points keeps in memory, at its most."""
    backup = _ManyPoints(points)
    context = Context(
        clients=lambda _: backup,  # type: ignore[arg-type]
        stack="Messages-bench",
        account="0",
        region="us-east-1",
        say=lambda _: None,
    )
    tracemalloc.start()
    found = Inventory(vaults=(Vault(name="v", arn="arn:aws:v", points=tuple(vaults.points(backup, "v"))),))
    listed = tracemalloc.get_traced_memory()[0]
    guarded = guards.read(context, found.vaults, unlock=False, now=datetime.now(UTC))
    made = plan.make(found, region="us-east-1", guards=guarded)
    began = time.monotonic()
    deletion = Deletion(context, made.actions, rate=1_000_000, seconds=60)
    deletion.run(found)
    seconds = time.monotonic() - began
    peak = tracemalloc.get_traced_memory()[1]
    assert (deletion.failures, backup.left) == ({}, 0)
    print(
        f"\n{points} points: {listed / 1e6:.0f} MB once listed, at most {peak / 1e6:.0f} MB "
        f"({peak / points:.0f} bytes per point); deleted in {seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
