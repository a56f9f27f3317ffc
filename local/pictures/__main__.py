"""``make pictures``: the pictures of docs/images/, from a deployment of their own."""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from local import process, stack
from local.console.process import running as console_running
from local.environment import PROJECT
from local.pictures import chromium, screens, terminal
from local.pictures.devtools import DevToolsError
from local.process import STATE_DIR, LocalAwsError
from local.steps import StepFailed, Steps, interrupt_on_terminate

STAGE, CONVERSATION, USERS = "dev", "jerry#tom", ("tom", "jerry")
IMAGES = PROJECT / "docs/images"
LISTED_SECONDS = 30
_COLUMNS = 116  # what fits beside a README's text
_COMMANDS = {
    "conversations": ("python -m chat conversations tom", f"python -m chat history {CONVERSATION}"),
    "backups": ("python -m ops backups",),
}


def main() -> int:
    """Make every picture; exit status 0 also without Chromium, which some of them need."""
    interrupt_on_terminate()
    parser = argparse.ArgumentParser(prog="python -m local.pictures", description=__doc__)
    parser.add_argument("--into", type=Path, default=IMAGES, metavar="DIR", help="default: docs/images")
    into = parser.parse_args().into
    try:
        STATE_DIR.mkdir(exist_ok=True)
        into.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="pictures-", dir=STATE_DIR) as scratch:
            _make(Path(scratch), into)
    except (StepFailed, LocalAwsError, DevToolsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; nothing is left of it but finished pictures", file=sys.stderr)
        return 130
    return 0


def _make(scratch: Path, into: Path) -> None:
    steps = Steps(STATE_DIR / "pictures.log")
    with process.running(scratch) as aws:
        temporary = scratch / "commands-tmp"
        temporary.mkdir()
        environment = {**aws.environment(), "TMPDIR": str(temporary), "STAGE": STAGE}
        stack.bootstrap(steps, environment, scratch, STAGE)
        outputs = stack.deploy(steps, environment, scratch, STAGE)
        take(steps, environment, outputs["TableName"], scratch, into)


def take(steps: Steps, environment: Mapping[str, str], table: str, scratch: Path, into: Path) -> None:
    """Every picture of ``table``, whose stack is that of $STAGE in ``environment``.

    Raises StepFailed, DevToolsError, LocalAwsError.
    """
    with steps.step("back up"):
        steps.run(["python", "-m", "ops", "backup"], environment=environment)
    with steps.step("lists") as said:
        _wait_for_lists(steps, environment)
        said.append("both users' lists show the last message")
    with steps.step("terminal") as said:
        said += _terminal(environment, into)
    if not chromium.installed():
        print(
            f"no {chromium.COMMAND} on this machine: the pictures of the console are left as "
            f"they are; install it (apt-get install {chromium.COMMAND})",
            file=sys.stderr,
        )
        return
    with steps.step("console") as said:
        said += _console(environment, table, scratch, into)


def _wait_for_lists(steps: Steps, environment: Mapping[str, str]) -> None:
    """Return when both users' lists show the last message: a stream brings them up to date."""
    deadline = time.monotonic() + LISTED_SECONDS
    waiting = list(USERS)
    while waiting:
        command = ["python", "-m", "chat", "conversations", waiting[0], "--check"]
        try:
            steps.run(command, environment=environment)
            waiting.pop(0)
        except StepFailed:
            if time.monotonic() > deadline:
                raise


def _terminal(environment: Mapping[str, str], into: Path) -> list[str]:
    written = []
    for name, commands in _COMMANDS.items():
        shown = [(command, terminal.output(command.split(), environment, _COLUMNS)) for command in commands]
        drawn = terminal.svg("the Messages table", shown, _COLUMNS)
        written.append(_write(into / f"{name}.svg", drawn.encode()))
    return written


def _console(environment: Mapping[str, str], table: str, scratch: Path, into: Path) -> list[str]:
    with console_running(environment, scratch) as console, chromium.page(screens.WIDTH, screens.HEIGHT) as page:
        return [
            _write(into / "console-table.png", screens.table(page, console, table, "USER#tom")),
            _write(into / "console-items.png", screens.items(page, f"CONVERSATION#{CONVERSATION}", 5, "SentAt")),
        ]


def _write(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    return f"{file} ({len(content) / 1024:.0f} KB)"


if __name__ == "__main__":
    sys.exit(main())
