"""The templates of a stage, which the CDK app synthesizes in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ops.costing.assembly import Stacks, stacks
from ops.errors import OpsError, UsageError

PROJECT = Path(__file__).resolve().parent.parent.parent


def synthesize(stage: str, overrides: Sequence[str] = (), *, project: Path = PROJECT) -> Stacks:
    """The stacks of ``stage``; ``overrides`` are KEY=VALUE, as after ``cdk -c``.

    ``project`` may be another checkout of it, run with the packages of this one.

    The app is started as the CDK CLI starts it, with the context of cdk.json
    (https://docs.aws.amazon.com/cdk/v2/guide/context.html). No AWS call is
    made. Raises OpsError with the app's own words when it fails.
    """
    context = json.loads((project / "cdk.json").read_text())["context"]
    context |= {"stage": stage} | dict(map(_override, overrides))
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "CDK_CONTEXT_JSON": json.dumps(context),
            "CDK_OUTDIR": folder,
            "CDK_VALIDATION": "false",  # half of the time; `make check` validates
        }
        done = subprocess.run([sys.executable, "-B", "app.py"], cwd=project, env=environment,
                              capture_output=True, text=True)  # fmt: skip
        if done.returncode:
            raise OpsError(_reason(stage, done.stderr))
        return stacks(Path(folder))


def _override(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(f"-c {text!r} is not KEY=VALUE")
    return key, value


def _reason(stage: str, said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    own = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    if own:
        return own[0]
    last = lines[-1].strip() if lines else "no output"
    return f"stage {stage} could not be synthesized ({last}); name a template instead"
