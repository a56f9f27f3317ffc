"""``make pictures``: the pictures in docs/images/, from a deployment of their own."""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from playwright.sync_api import Error as BrowserError

from embedded_aws import process
from embedded_aws.environment import PROJECT
from embedded_aws.process import LocalAwsError
from local import browser, console, steps, terminal
from local.folder import STATE_DIR
from local.steps import StepFailed, Steps

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
    steps.interrupt_on_terminate()
    parser = argparse.ArgumentParser(prog="python -m local.pictures", description=__doc__)
    parser.add_argument("--into", type=Path, default=IMAGES, metavar="DIR", help="default: docs/images")
    into = parser.parse_args().into
    try:
        STATE_DIR.mkdir(exist_ok=True)
        into.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="pictures-", dir=STATE_DIR) as scratch:
            _make(Path(scratch), into)
    except BrowserError as error:
        print(f"error: {str(error).splitlines()[0]}", file=sys.stderr)  # its log follows
        return 1
    except (StepFailed, LocalAwsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; pictures that were finished are kept", file=sys.stderr)
        return 130
    return 0


def _make(scratch: Path, into: Path) -> None:
    run = Steps(STATE_DIR / "pictures.log")
    with process.running(scratch) as aws:
        temporary = scratch / "commands-tmp"
        temporary.mkdir()
        environment = {**aws.environment(), "TMPDIR": str(temporary), "STAGE": STAGE}
        steps.bootstrap(run, environment, steps.app(scratch, STAGE))
        outputs = steps.deploy(run, environment, steps.assembly(scratch), scratch, STAGE)
        take_of_commands(run, environment, into)
        take_of_console(run, environment, outputs["TableName"], scratch, into)


def take_of_commands(run: Steps, environment: Mapping[str, str], into: Path) -> None:
    """Make the pictures of the command line, for the stack of $STAGE in ``environment``. Raises StepFailed."""
    with run.step("back up"):
        run.run(["python", "-m", "ops", "backup"], environment=environment)
    with run.step("lists") as said:
        for user in USERS:
            _wait_for_list(run, environment, user)
        said.append("both users' lists show the last message")
    with run.step("terminal") as said:
        for name, commands in _COMMANDS.items():
            shown = [(command, terminal.output(command.split(), environment, _COLUMNS)) for command in commands]
            drawn = terminal.svg("the Messages table", shown, _COLUMNS)
            said.append(_write(into / f"{name}.svg", drawn.encode()))


def take_of_console(run: Steps, environment: Mapping[str, str], table: str, scratch: Path, into: Path) -> None:
    """Make the pictures of the console, which shows ``table``; without Chromium, say how to install it.

    Raises LocalAwsError, playwright.sync_api.Error.
    """
    if not browser.installed():
        print(
            f"{browser.COMMAND} is not installed: the pictures of the console are unchanged; "
            f"to refresh them, install it (apt-get install {browser.COMMAND})",
            file=sys.stderr,
        )
        return
    with run.step("console") as said, console.running(environment, scratch) as page, browser.browser_page() as shown_in:
        first = browser.table_picture(shown_in, page.table_page(table), "USER#tom")
        said.append(_write(into / "console-table.png", first))
        second = browser.items_picture(shown_in, f"CONVERSATION#{CONVERSATION}", 5, "SentAt")
        said.append(_write(into / "console-items.png", second))


def _wait_for_list(run: Steps, environment: Mapping[str, str], user: str) -> None:
    """Return when the user's list shows the last message: a stream brings it up to date."""
    command = ["python", "-m", "chat", "conversations", user, "--check"]
    deadline = time.monotonic() + LISTED_SECONDS
    while True:
        try:
            run.run(command, environment=environment)
            return
        except StepFailed:
            if time.monotonic() > deadline:
                raise


def _write(file: Path, content: bytes) -> str:
    file.write_bytes(content)
    return f"{file} ({len(content) / 1024:.0f} KB)"


if __name__ == "__main__":
    sys.exit(main())
