"""How long a synth takes, against one of an empty app: ``python -m bench.synth``.

Each turn runs the app of a folder as the CDK CLI does, with the switches of cdk.json: the context in a variable, the
templates validated. The empty app has one stack with one resource; in "tuned", its Node has the options that
app.py sets. Turns alternate, and a ratio is the median of the ratios to the empty app in each round, so that other load
meets all alike.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from stacks import node

_PROJECT = Path(__file__).resolve().parent.parent
_EMPTY = """\
from aws_cdk import App, CfnWaitConditionHandle, Stack

app = App()
CfnWaitConditionHandle(Stack(app, "Empty"), "Handle")
app.synth()
"""


def main() -> None:
    """Measure and print a report."""
    parser = argparse.ArgumentParser(prog="python -m bench.synth", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--stages", nargs="+", default=["dev", "prod"])
    arguments = parser.parse_args()
    switches = json.loads((_PROJECT / "cdk.json").read_text())
    names = ["empty", "tuned", *arguments.stages]
    tuned = {"NODE_OPTIONS": node.options(os.environ.get("NODE_OPTIONS", ""))}
    seconds: dict[str, list[float]] = {name: [] for name in names}
    processor: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "app.py").write_text(_EMPTY)
        # The first round only fills the caches of files and of jsii's packages.
        for turn in range(arguments.rounds + 1):
            for name in names:
                own = name in arguments.stages
                context = switches["context"] | ({"stage": name} if own else {})
                where = str(_PROJECT) if own else folder
                taken = _synth(switches["app"], where, context, tuned if name == "tuned" else {})
                if turn:
                    seconds[name].append(taken[0])
                    processor[name].append(taken[1])
    print(f"medians of {arguments.rounds} rounds, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}\n")
    print(f"{'':10}{'seconds':>10}{'ratio':>8}{'processor seconds':>20}{'ratio':>8}")
    for name in names:
        line = f"{name:10}"
        for figures, width in ((seconds, 10), (processor, 20)):
            ratios = [own / empty for own, empty in zip(figures[name], figures["empty"], strict=True)]
            line += f"{median(figures[name]):>{width}.2f}{median(ratios):>8.2f}"
        print(line)


def _synth(command: str, folder: str, context: dict[str, Any], tuned: dict[str, str]) -> tuple[float, float]:
    """Seconds of one synth, and those of the processor in Python and in Node together."""
    with tempfile.TemporaryDirectory() as output:
        # Python keeps compiled modules by default. Where that is off, each turn would compile those of this project.
        variables = {"CDK_CONTEXT_JSON": json.dumps(context), "CDK_OUTDIR": output, "PYTHONDONTWRITEBYTECODE": ""}
        before, started = os.times(), time.perf_counter()
        subprocess.run(
            [sys.executable, *shlex.split(command)[1:]],
            cwd=folder,
            env=os.environ | variables | tuned,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        seconds, after = time.perf_counter() - started, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, used


if __name__ == "__main__":
    main()
