"""``make up``: deploy the stack to an embedded AWS that keeps running."""

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from embedded_aws.process import find_or_start
from local.folder import STATE_DIR
from local.steps import StepFailed, Steps, bootstrap, context, depending_on, deploy, interrupt_on_terminate, last_seeded
from model.messages import Item

# Text that needs no quotes in a shell, also with a # inside, as in the id of a conversation.
_PLAIN = re.compile(r"[\w.@+][\w.@+#-]*")


def up(state_dir: Path, stage: str, settings: Sequence[str] = ()) -> int:
    """Start the embedded AWS unless it runs, deploy ``stage`` and print commands to try.

    ``settings`` override those of the stage, each ``key=value``.
    """
    interrupt_on_terminate()
    try:
        steps = Steps(state_dir / "up.log")
        with steps.step("start") as said:
            running = find_or_start(state_dir)
            said.append(f"embedded AWS at {running.endpoint}: IAM enforced, TLS, loopback only")
        environment = running.environment()
        with depending_on(running, state_dir):
            bootstrap(steps, environment, state_dir, stage, settings)
            outputs = deploy(steps, environment, state_dir, stage)
    except StepFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; run it again to continue, or `make down` to stop the embedded AWS", file=sys.stderr)
        return 130
    region = outputs["TableArn"].split(":")[3]
    print("\nTry next:")
    print("  source .venv/bin/activate")
    if region != environment["AWS_REGION"]:
        print(f"  export AWS_REGION={region}")
    for command in suggestions(last_seeded(steps, environment), stage, settings, state_dir):
        print(f"  {command}")
    return 0


def suggestions(seeded: Item | None, stage: str, settings: Sequence[str], state_dir: Path = STATE_DIR) -> list[str]:
    """Commands to try on ``stage``, about the conversation of the message ``seeded``, if any."""
    option, variable = ("", "") if stage == "dev" else (f" --stage {stage}", f" STAGE={stage}")
    local, console, down = "python -m local", f"make console{variable}", "make down"
    if state_dir.resolve() != STATE_DIR:
        local += f" --state {shlex.quote(str(state_dir))}"
        console, down = f"{local} console{option}", f"{local} stop"
    run = f"{local} run -- "
    return [
        *(f"{run}python -m chat {words}{option}" for words in _chat(seeded)),
        f"{run}python -m ops backup{option}",
        f"{run}cdk {shlex.join(context(stage, settings))} diff",
        console,
        down,
    ]


def _chat(seeded: Item | None) -> list[str]:
    if not seeded:
        return []
    conversation, one, other = (_word(str(seeded[name])) for name in ("ConversationId", "FromUser", "ToUser"))
    return [f"history {conversation}", f'send --from {other} --to {one} "Any time!"', f"conversations {one}"]


def _word(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else shlex.quote(text)
