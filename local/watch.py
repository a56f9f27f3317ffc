"""``make watch``: deploy a stage to the embedded AWS at every save, until Ctrl-C."""

import contextlib
import json
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from embedded_aws.environment import PROJECT
from local.steps import StepFailed, interrupt_on_terminate
from local.up import deployed, interrupted

LOOK_SECONDS = 0.3
_PASSING = ("~", ".tmp", "___")  # of editors

# When each file was saved.
Saved = dict[Path, int]


def watch(state_dir: Path, stage: str, settings: Sequence[str] = ()) -> int:
    """Deploy ``stage`` as ``up`` does, then again after every save; exit status 0 for a Ctrl-C between deployments.

    Files saved together, or during a deployment, are one deployment.
    """
    interrupt_on_terminate()
    patterns = json.loads((PROJECT / "cdk.json").read_text())["watch"]["include"]
    known: Saved | None = None
    with contextlib.suppress(KeyboardInterrupt):  # how it is meant to end
        while True:
            now = _saved(patterns) if known is None else _next_save(patterns, known)
            if known is not None:
                changed = sorted(name for name in known.keys() | now.keys() if known.get(name) != now.get(name))
                print(f"\nsaved: {', '.join(map(str, changed))}", flush=True)
            known = now
            try:
                deployed(state_dir, stage, settings)
            except StepFailed as error:
                print(f"error: {error}", file=sys.stderr, flush=True)
            except KeyboardInterrupt:
                return interrupted()
            print(f"watching {', '.join(patterns)}; press Ctrl-C to stop", file=sys.stderr, flush=True)
    return 0


def _next_save(patterns: Iterable[str], known: Saved) -> Saved:
    """The files, once they differ from ``known`` and nothing is being saved any more."""
    while True:
        now = _saved(patterns)
        time.sleep(LOOK_SECONDS)
        if now != known and now == _saved(patterns):
            return now


def _saved(patterns: Iterable[str]) -> Saved:
    """The files that match a pattern of the CDK CLI, without those that Python and editors write beside them."""
    found: Saved = {}
    for pattern in patterns:
        for path in PROJECT.glob(pattern.replace("**", "**/*")):
            name = path.relative_to(PROJECT)
            passing = path.name.endswith(_PASSING) or any(
                part[0] in ".#" or part == "__pycache__" for part in name.parts
            )
            with contextlib.suppress(FileNotFoundError):  # deleted while they are listed
                if not passing and path.is_file():
                    found[name] = path.stat().st_mtime_ns
    return found
