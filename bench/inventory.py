"""How long commands about every stack take in a large account: ``python -m bench.inventory``.

One embedded AWS with many stacks; every second one is destroyed and has left its vault, points, role, backup, log group
and a restored table. ``ops inventory --all`` and ``ops orphans`` run as processes of their own, with --before also
those of an earlier commit, in turn. Prints their seconds, from start to end, and how often they called each operation.

100 stacks, one turn each (2 cores, with about 20 other busy programs, 2026-11-26): ``inventory --all`` took 659 s and
32,854 calls in 5104412, then 19 s and 1,363 calls here. With about 8 other busy programs: ``inventory --all`` 10.4 s
(6.9 to 12.9), ``orphans`` 5.4 s (5.2 to 5.9), medians of 3.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from functools import cache
from pathlib import Path
from statistics import median

import boto3

from bench.commits import earlier
from embedded_aws.environment import PROJECT
from embedded_aws.process import Running, running
from embedded_aws.tests.support.engine import configure
from tests.support.ops_deployment import QUICK, Deployment

_COMMANDS = {"inventory --all": ["inventory", "--all", "--json"], "orphans": ["orphans", "--json"]}
# Run in the folder of a checkout, with that checkout's code. The last line of the errors is the number of calls.
_COUNTED = """
import collections, json, sys
from botocore.client import BaseClient
calls, call = collections.Counter(), BaseClient._make_api_call
def counted(client, operation, arguments):
    calls[operation] += 1
    return call(client, operation, arguments)
BaseClient._make_api_call = counted
from ops.__main__ import main
status = main(sys.argv[1:])
print(json.dumps(calls), file=sys.stderr)
sys.exit(status)
"""


def main() -> None:
    """Measure and print a report."""
    parser = argparse.ArgumentParser(prog="python -m bench.inventory", description=__doc__)
    parser.add_argument("--stacks", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", metavar="COMMIT", help="also run the commands of this commit")
    arguments = parser.parse_args()
    print(
        f"{arguments.stacks} stacks, {os.cpu_count()} cores, medians of {arguments.rounds} rounds, "
        f"{time.strftime('%Y-%m-%d')}\n",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "aws") as aws:
        projects = {"here": PROJECT}
        if arguments.before:
            projects = {arguments.before: earlier(arguments.before, Path(folder) / "before"), **projects}
        aws.enter()
        configure(aws, **QUICK)
        clients = cache(boto3.client)
        for number in range(arguments.stacks):
            _make_stack(Deployment(clients, f"bench-{number}"), destroyed=bool(number % 2))
        for name, command in _COMMANDS.items():
            _report(aws, name, command, projects, arguments.rounds)


def _make_stack(stack: Deployment, *, destroyed: bool) -> None:
    """Deploy it and back it up; if it is to be ``destroyed``, leave everything that outlives a stack."""
    if not destroyed:
        stack.deploy().start_job()
        return
    stack.leave(points=1, everything=True)
    tags = {"messages:stack": stack.stack, "messages:restored": stack.table}
    stack.make_table(f"{stack.table}.restored", Tags=[{"Key": key, "Value": value} for key, value in tags.items()])


def _report(aws: Running, name: str, command: list[str], projects: dict[str, Path], rounds: int) -> None:
    spent, calls, printed = defaultdict(list), dict[str, dict[str, int]](), set[str]()
    for _ in range(rounds):
        for project, folder in projects.items():
            begin = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", _COUNTED, *command],
                cwd=folder,
                env=aws.environment(),
                capture_output=True,
                text=True,
            )
            spent[project].append(time.perf_counter() - begin)
            calls[project] = json.loads(done.stderr.splitlines()[-1])
            printed.add(f"{done.returncode} {done.stdout}")
    assert len(printed) == 1, f"the results differ: {printed}"
    for project, seconds in spent.items():
        print(f"{name}, {project}: {median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f}), ", end="")
        print(f"{sum(calls[project].values())} calls")
    for operation in sorted(set().union(*calls.values())):
        numbers = (f"{made.get(operation, 0):8}" for made in calls.values())
        print(f"  {operation:32}{''.join(numbers)}", flush=True)


if __name__ == "__main__":
    main()
