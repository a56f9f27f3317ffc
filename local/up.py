"""``make up``: the stack on an embedded AWS that stays."""

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from local import stack
from local.process import Running, find_or_start
from local.steps import StepFailed, Steps, depending_on, interrupt_on_terminate
from model.messages import Item

_RUN = "python -m local run -- "
# What a shell takes as it is: also the # inside the name of a conversation.
_PLAIN = re.compile(r"[\w.@+][\w.@+#-]*")


def up(state_dir: Path, stage: str, settings: Sequence[str] = ()) -> int:
    """Start what does not run, deploy ``stage``, say what can be done with it.

    ``settings`` are the stage's for this time, each ``key=value``.
    """
    interrupt_on_terminate()
    try:
        steps = Steps(state_dir / "up.log")
        running = _start(steps, state_dir)
        environment = running.environment()
        with depending_on(running, state_dir):
            stack.bootstrap(steps, environment, state_dir, stage, settings)
            outputs = stack.deploy(steps, environment, state_dir, stage)
    except StepFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; running it again continues, `make down` ends it", file=sys.stderr)
        return 130
    region = outputs["TableArn"].split(":")[3]
    print("\nTry next:")
    print("  source .venv/bin/activate")
    if region != environment["AWS_REGION"]:
        print(f"  export AWS_REGION={region}")
    for command in suggestions(stack.last_seeded(steps, environment), stage, settings):
        print(f"  {command}")
    return 0


def _start(steps: Steps, state_dir: Path) -> Running:
    with steps.step("start") as said:
        running = find_or_start(state_dir)
        said.append(f"embedded AWS at {running.endpoint}: IAM enforced, TLS, loopback only")
    return running


def suggestions(seeded: Item | None, stage: str, settings: Sequence[str]) -> list[str]:
    """Commands to try on ``stage``, about the conversation of the message ``seeded``, if any."""
    option, variable = ("", "") if stage == "dev" else (f" --stage {stage}", f" STAGE={stage}")
    return [
        *(f"{_RUN}python -m chat {words}{option}" for words in _chat(seeded)),
        f"{_RUN}python -m ops backup{option}",
        f"{_RUN}cdk {shlex.join(stack.context(stage, settings))} diff",
        f"make console{variable}",
        "make down",
    ]


def _chat(seeded: Item | None) -> list[str]:
    if not seeded:
        return []
    conversation, one, other = (_word(str(seeded[name])) for name in ("ConversationId", "FromUser", "ToUser"))
    return [f"history {conversation}", f'send --from {other} --to {one} "Any time!"', f"conversations {one}"]


def _word(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else shlex.quote(text)
