"""``make up``: deploy the stack to an embedded AWS that keeps running."""

import contextlib
import fcntl
import json
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from embedded_aws.process import find_or_start
from local.folder import STATE_DIR
from local.steps import (
    UNCHECKED,
    NotBootstrapped,
    StepFailed,
    Steps,
    app,
    assembly,
    bootstrap,
    context,
    depending_on,
    deploy,
    interrupt_on_terminate,
    outputs_file,
)
from local.synthesis import ahead
from model.messages import Item
from model.names import stack_name

if TYPE_CHECKING:
    from local.table_changes import Content

# Text that needs no quotes in a shell, also with a # inside, as in the id of a conversation.
_PLAIN = re.compile(r"[\w.@+][\w.@+#-]*")


def up(state_dir: Path, stage: str, settings: Sequence[str] = ()) -> int:
    """Start the embedded AWS unless it runs, deploy ``stage`` and print commands to try.

    ``settings`` override those of the stage, each ``key=value``.
    """
    interrupt_on_terminate()
    try:
        home, table = deployed(state_dir, stage, settings)
    except StepFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return interrupted()
    region = table.arn.split(":")[3]
    print("\nTry next:")
    print("  source .venv/bin/activate")
    if region != home:
        print(f"  export AWS_REGION={region}")
    for command in suggestions(table.last(), stage, settings, state_dir):
        print(f"  {command}")
    return 0


def interrupted() -> int:
    """Say that a deployment was interrupted; the exit status."""
    print("interrupted; run it again to continue, or `make down` to stop the embedded AWS", file=sys.stderr)
    return 130


def deployed(state_dir: Path, stage: str, settings: Sequence[str]) -> tuple[str, "Content"]:
    """Deploy ``stage`` and print what that changed in its table; the region of the commands, and the table.

    Points this process at the embedded AWS. Raises StepFailed.
    """
    steps = Steps(state_dir / "up.log")
    with steps.step("start") as said:
        running = find_or_start(state_dir)
        said.append(f"embedded AWS at {running.endpoint}: IAM enforced, TLS, loopback only")
    running.enter()
    environment = running.environment()
    options = context(stage, settings)
    with (
        _alone(state_dir),
        depending_on(running, state_dir),
        ahead(state_dir, options, {**environment, **UNCHECKED}) as cli_options,
    ):
        from local.table_changes import changes, content  # loads the SDK, for which the app need not wait

        before = content(arn) if (arn := _deployed_before(state_dir, stage)) else None
        cdk = [*app(state_dir, stage, settings), *cli_options]
        outputs = _deploy(steps, environment, state_dir, stage, cdk, again=before is not None)
        after = content(outputs["TableArn"])
        if not after:
            raise StepFailed(
                f"table {outputs['TableName']} was deleted outside CloudFormation; run `make down`, then `make up`"
            )
        if before:
            with steps.step("table") as said:
                said += changes(before, after)
    return environment["AWS_REGION"], after


@contextlib.contextmanager
def _alone(state_dir: Path) -> Iterator[None]:
    """Wait for other deployments from ``state_dir``, whose files are the same."""
    with (state_dir / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another make up or make watch to deploy", file=sys.stderr)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _deploy(
    steps: Steps, environment: Mapping[str, str], state_dir: Path, stage: str, cdk: Sequence[str], *, again: bool
) -> dict[str, str]:
    """The outputs of the stage's stack. Where it is deployed ``again``, only a new region is not bootstrapped."""
    if again:
        try:
            return deploy(steps, environment, cdk, state_dir, stage)
        except NotBootstrapped:
            cdk = assembly(state_dir)
    bootstrap(steps, environment, cdk)
    return deploy(steps, environment, assembly(state_dir), state_dir, stage, planned=not again)


def _deployed_before(state_dir: Path, stage: str) -> str | None:
    """The ARN of the stage's table, if an earlier run has deployed it; the embedded AWS may be another one by now."""
    try:
        outputs = json.loads(outputs_file(state_dir, stage).read_text())
    except FileNotFoundError:
        return None
    return str(outputs[stack_name(stage)]["TableArn"])


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
