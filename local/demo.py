"""``make demo``: the life of the stack, from deployment to clean-up, on an embedded AWS of its own."""

import argparse
import contextlib
import fcntl
import json
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cli.output import safe
from cli.polling import DeadlineError, poll
from embedded_aws.process import LocalAwsError, start, stop
from local.folder import STATE_DIR
from local.steps import (
    StepFailed,
    Steps,
    app,
    assembly,
    bootstrap,
    depending_on,
    deploy,
    interrupt_on_terminate,
    last_seeded,
    sent_order,
)
from model.messages import Item

STAGE = "dev"
# Sender and recipient if the seed file has no messages.
USERS = ("Jerry", "Tom")
LISTS_SECONDS = 60


def main() -> int:
    """Run every step; the last line starts with ``demo: ok``, or says what failed."""
    interrupt_on_terminate()
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=STATE_DIR / "demo", help="its scratch folder")
    folder = parser.parse_args().folder.resolve()
    try:
        with _own(folder):
            steps = Steps(folder / "demo.log")
            print("The life of the Messages table, with the real CDK CLI, on the embedded AWS:\n")
            _run(steps, folder)
    except (StepFailed, LocalAwsError, OSError) as error:
        print(f"\n{error}\ndemo: failed", flush=True)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted; the embedded AWS is stopped", flush=True)
        return 130
    print(f"\ndemo: ok in {steps.seconds:.0f} s", flush=True)
    return 0


@contextlib.contextmanager
def _own(folder: Path) -> Iterator[None]:
    """Reserve ``folder`` for this run; it is removed when the run succeeds.

    Raises LocalAwsError for a folder that another run uses or that holds
    anything but what an earlier run left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock_file = folder / "demo.lock"
    if not lock_file.exists() and any(folder.iterdir()):
        raise LocalAwsError(f"{folder} is not empty; name a folder that the demo may delete")
    with lock_file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalAwsError(f"another demo is running in {folder}") from None
        shutil.rmtree(folder / "cdk.out", ignore_errors=True)
        yield
        shutil.rmtree(folder)


def _run(steps: Steps, folder: Path) -> None:
    try:
        with steps.step("start") as said:
            running = start(folder, bound_to_parent=True)
            said.append(f"embedded AWS at {running.endpoint}: IAM enforced, TLS, loopback only")
        with depending_on(running, folder):
            _live(steps, folder, running.environment())
        with steps.step("stop") as said:
            stop(folder)
            said.append("no process and no open port remain")
    finally:
        stop(folder)


def _live(steps: Steps, folder: Path, environment: Mapping[str, str]) -> None:
    # An interrupted command cannot remove its own temporary files.
    temporary = folder / "commands-tmp"
    temporary.mkdir(exist_ok=True)
    try:
        _life(steps, folder, {**environment, "TMPDIR": str(temporary)})
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _life(steps: Steps, folder: Path, environment: Mapping[str, str]) -> None:
    bootstrap(steps, environment, app(folder, STAGE))
    deploy(steps, environment, assembly(folder), folder, STAGE)
    conversation = _talk(steps, environment)
    with steps.step("back up") as said:
        arn = steps.run(_command("ops", "backup"), environment=environment).strip()
        said.append(arn)
    _accident(steps, environment, conversation, arn)
    with steps.step("drill") as said:
        drill = _json(steps, environment, "ops", "restore", "--drill")
        compared = drill["comparison"]
        said.append(
            f"recovery time {drill['recovery_seconds']:.1f} s, {compared['items_compared']} items compared, "
            f"differences {compared['differences']}; the temporary table is deleted"
        )
    with steps.step("destroy") as said:
        steps.run([*assembly(folder), "destroy", "--force"], environment=environment)
        said.append("stack and table are deleted; vault, backup and backup role remain")
    with steps.step("clean up") as said:
        done = _json(steps, environment, "ops", "cleanup", "--yes")
        said += [f"{len(done['deleted'])} resources deleted", *map(_shown, done["deleted"])]
    with steps.step("inventory") as said:
        # A new inventory, instead of what the clean-up reported.
        rest = _json(steps, environment, "ops", "cleanup", "--dry-run")
        if left := rest["planned"] + rest["left"]:
            raise StepFailed("\n".join(["left behind:", *map(_shown, left)]))
        said += ["empty, except for what AWS itself keeps:" if rest["stays"] else "empty", *map(_kept, rest["stays"])]


def _talk(steps: Steps, environment: Mapping[str, str]) -> str:
    """Read the conversation of the last seeded message, and reply to it; the conversation."""
    sender, to = USERS
    seeded = last_seeded(steps, environment)
    if seeded:
        sender, to = str(seeded["ToUser"]), str(seeded["FromUser"])
        conversation = str(seeded["ConversationId"])
        with steps.step("read") as said:
            lines = steps.run(_command("chat", "history", "--", conversation), environment=environment).splitlines()
            said += [f"{len(lines)} messages of {conversation}", *lines]
        with steps.step("lists") as said:
            said += ["each user's conversations, written by the stream function", *_lists(steps, environment, seeded)]
    body = f"Any time, {to}!"
    with steps.step("send") as said:
        sent = _json(steps, environment, "chat", "send", f"--from={sender}", f"--to={to}", "--", body)
        said.append(safe(f"{sender} → {to}: {body}"))
    with steps.step("lists") as said:
        # The seed may have messages dated in the future.
        last = max(filter(None, [seeded, sent]), key=sent_order)
        said += ["both lists show the last message", *_lists(steps, environment, last)]
    return str(sent["ConversationId"])


def _accident(steps: Steps, environment: Mapping[str, str], conversation: str, arn: str) -> None:
    """Edit a message, delete one, add one that is not in the backup; then recover the backup."""
    with steps.step("recover") as said:
        messages = _json(steps, environment, "chat", "history", "--", conversation)
        first, last = messages[0], messages[-1]
        users = f"--from={last['FromUser']}", f"--to={last['ToUser']}"
        _all_json(
            steps,
            environment,
            ["chat", "edit", "--", conversation, first["MessageId"], "Poisoned."],
            ["chat", "delete", "--", conversation, last["MessageId"]],
            ["chat", "send", *users, "--", "Not in the backup."],
        )
        done = _json(steps, environment, "ops", "recover", arn, "--exact", "--yes")
        if _json(steps, environment, "chat", "history", "--", conversation) != messages:
            raise StepFailed(f"conversation {conversation} is not as it was at the backup")
        said.append(
            f"one message edited, one deleted, one added; recovered in place in {done['recovery_seconds']:.1f} s: "
            f"{done['written']} written, differences {done['differences']}"
        )


def _lists(steps: Steps, environment: Mapping[str, str], last: Item) -> list[str]:
    """The first row of both users' lists, once it is that of ``last``. Raises StepFailed."""

    users = [str(last["FromUser"]), str(last["ToUser"])]

    def lists() -> list[str] | None:
        found = _all_json(steps, environment, *(["chat", "conversations", "--", user] for user in users))
        if any(not rows or rows[0]["LastMessageId"] != last["MessageId"] for rows in found):
            return None
        return [
            safe(f"{user}: with {first['OtherUser']}: {first['LastMessageBody']}")
            for user, (first, *_) in zip(users, found, strict=True)
        ]

    try:
        return poll(lists, seconds=LISTS_SECONDS)
    except DeadlineError as waited:
        raise StepFailed(f"a list of conversations does not show message {last['MessageId']} after {waited}") from None


def _json(steps: Steps, environment: Mapping[str, str], *command: str) -> Any:
    """What a command of ``chat`` or ``ops`` prints with --json."""
    (printed,) = _all_json(steps, environment, command)
    return printed


def _all_json(steps: Steps, environment: Mapping[str, str], *commands: Sequence[str]) -> list[Any]:
    """What several of them print, which run at the same time."""
    lines = [_command(part, name, "--json", *arguments) for part, name, *arguments in commands]
    return list(map(json.loads, steps.run_all(lines, environment=environment)))


def _command(part: str, name: str, *arguments: str) -> list[str]:
    return ["python", "-m", part, name, "--stage", STAGE, *arguments]


def _shown(found: Mapping[str, str]) -> str:
    return f"{found['kind']} {found['id']}"


def _kept(found: Mapping[str, str]) -> str:
    until = f" until {found['until'][:10]}" if "until" in found else ""
    return f"{_shown(found)}{until}: {found['reason']}"


if __name__ == "__main__":
    sys.exit(main())
