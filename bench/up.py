"""How soon an edit is on the embedded AWS, with `make up` and with `cdk deploy`: ``python -m bench.up``.

Each turn saves a file of a copy of the project, then runs the command; `cdk deploy` with the options of `make deploy`.
Turns alternate, and a ratio is the median of the ratios in each round, so that other load meets both alike.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from embedded_aws.environment import without_aws
from embedded_aws.process import running
from tests.conftest import NEEDED, copy_project

_PARTS = (*NEEDED, "cli", "embedded_aws", "local")
# Variables that users do not set: both commands would take another time.
_DEVELOPERS = {"CDK_VALIDATION", "PYTHONDONTWRITEBYTECODE"}
_UP = "up --stage dev"
_DEPLOY = "run -- cdk -c stage=dev deploy --all --require-approval never"
_COMMANDS = {"cdk deploy": _DEPLOY, "make up": _UP}


def main() -> None:
    """Measure and print a report."""
    parser = argparse.ArgumentParser(prog="python -m bench.up", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    taken: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        project = copy_project(Path(folder) / "project", _PARTS)
        with running(project / ".local"):
            _run(project, _UP)
            for turn in range(rounds):
                for edit in ("seed", "function"):
                    for name, command in _COMMANDS.items():
                        expected = _edit(project, edit, f"{name} {turn}")
                        seconds, processor, output = _run(project, command)
                        if name == "make up" and expected not in output:
                            raise SystemExit(f"`make up` did not print {expected!r}:\n{output}")
                        taken[edit, name].append((seconds, processor))
    print(f"medians of {rounds} rounds, {os.cpu_count()} cores, {time.strftime('%Y-%m-%d')}\n")
    print(f"{'after an edit of':26}{'seconds':>10}{'ratio':>8}{'processor seconds':>20}{'ratio':>8}")
    for (edit, name), figures in taken.items():
        line = f"{f'the {edit}: {name}':26}"
        for which, width in ((0, 10), (1, 20)):
            ratios = [own[which] / base[which] for own, base in zip(figures, taken[edit, "cdk deploy"], strict=True)]
            line += f"{median(run[which] for run in figures):>{width}.2f}{median(ratios):>8.2f}"
        print(line)


def _edit(project: Path, edit: str, text: str) -> str:
    """Save another text in a file; what `make up` then prints."""
    if edit == "function":
        with (project / "functions/indexer.py").open("a") as code:
            code.write(f"# {text}\n")
        return "no message added, changed or removed"
    seed = project / "seed/messages.yaml"
    seed.write_text(seed.read_text().rpartition("body: ")[0] + f'body: "{text}"}}\n')
    return f": {text}\n"


def _run(project: Path, arguments: str) -> tuple[float, float, str]:
    """Seconds of a command of ``python -m local``, those of the processor, and what it prints."""
    before, started = os.times(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "local", *arguments.split()],
        cwd=project,
        env={name: value for name, value in without_aws(os.environ).items() if name not in _DEVELOPERS},
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    seconds, after = time.perf_counter() - started, os.times()
    if done.returncode:
        raise SystemExit(f"`python -m local {arguments}` ended with status {done.returncode}:\n{done.stdout}")
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, used, done.stdout


if __name__ == "__main__":
    main()
