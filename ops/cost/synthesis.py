"""The templates of a stage, which the CDK app synthesizes in a process of its own."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cli.errors import OpsError, UsageError
from ops.cost.assembly import Stacks, stacks

PROJECT = Path(__file__).resolve().parent.parent.parent
_FRAME = re.compile(r'\s*File "(.+?)", line (\d+)')


def synthesize(stage: str, overrides: Sequence[str] = (), *, project: Path = PROJECT) -> Stacks:
    """The stacks of ``stage``; ``overrides`` are KEY=VALUE, as after ``cdk -c``.

    ``project`` may be another checkout of it, run with the packages of this one.

    The app is started as the CDK CLI starts it, with the context of cdk.json
    (https://docs.aws.amazon.com/cdk/v2/guide/context.html). No AWS call is
    made. Raises OpsError with the app's own words when it fails, or with the line
    of the project that failed.
    """
    context = json.loads((project / "cdk.json").read_text())["context"]
    context |= {"stage": stage} | dict(map(_override, overrides))
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "CDK_CONTEXT_JSON": json.dumps(context),
            "CDK_OUTDIR": folder,
            "CDK_VALIDATION": "false",  # half of the time; `make check` validates
        }
        done = subprocess.run(
            [sys.executable, "-B", "app.py"], cwd=project, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            raise OpsError(_reason(stage, done.stderr, project))
        return stacks(Path(folder))


def _override(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(f"-c {text!r} is not KEY=VALUE")
    return key, value


def _reason(stage: str, said: str, project: Path) -> str:
    """What the app said: its own word, or the failure and the project's line that led to it."""
    lines = [line for line in said.splitlines() if line.strip()]
    own = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if own:
        return own[0]
    last = lines[-1].strip() if lines else "no output"
    where = [frame for line in lines if (frame := _frame(line, project))]
    return f"stage {stage} could not be synthesized: {last}" + (f" ({where[-1]})" if where else "")


def _frame(line: str, project: Path) -> str | None:
    """``model/names.py:5`` of a line of a traceback; None for a library's, and other lines."""
    found = _FRAME.match(line)
    path = (project / found[1]).resolve() if found else None
    if found is None or path is None or not path.is_relative_to(project.resolve()):
        return None
    own = path.relative_to(project.resolve())
    return None if "site-packages" in own.parts else f"{own}:{found[2]}"
