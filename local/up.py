"""``make up``: the stack on an embedded AWS that stays."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from local import stack
from local.process import find_or_start
from local.steps import StepFailed, Steps, interrupt_on_terminate

_NEXT = """
Try next:
  source .venv/bin/activate{region}
  python -m local run -- python -m chat history jerry#tom{option}
  python -m local run -- python -m chat send --from Jerry --to Tom "Any time!"{option}
  python -m local run -- python -m chat conversations tom{option}
  python -m local run -- python -m ops backup{option}
  python -m local run -- cdk {context} diff
  make console{console}
  make down"""


def up(state_dir: Path, stage: str, settings: Sequence[str] = ()) -> int:
    """Start what does not run, deploy ``stage``, say what can be done with it.

    ``settings`` are the stage's for this time, each ``key=value``.
    """
    interrupt_on_terminate()
    steps = Steps(state_dir / "up.log")
    try:
        environment = _environment(steps, state_dir)
        stack.bootstrap(steps, environment, state_dir, stage, settings)
        outputs = stack.deploy(steps, environment, state_dir, stage)
    except StepFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; running it again continues, `make down` ends it", file=sys.stderr)
        return 130
    region = outputs["TableArn"].split(":")[3]
    elsewhere = "" if region == environment["AWS_REGION"] else f"\n  export AWS_REGION={region}"
    own = stage == "dev"
    print(_NEXT.format(region=elsewhere, option="" if own else f" --stage {stage}",
                       context=shlex.join(stack.context(stage, settings)),
                       console="" if own else f" STAGE={stage}"))  # fmt: skip
    return 0


def _environment(steps: Steps, state_dir: Path) -> dict[str, str]:
    with steps.step("start") as said:
        running = find_or_start(state_dir)
        said.append(f"embedded AWS at {running.endpoint}: IAM enforced, TLS, loopback only")
    return running.environment()
