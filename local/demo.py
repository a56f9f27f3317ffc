"""``make demo``: the whole life of the stack on an embedded AWS of its own."""

import argparse
import contextlib
import fcntl
import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from local import stack
from local.process import STATE_DIR, LocalAwsError, start, stop
from local.steps import StepFailed, Steps, interrupt_on_terminate
from ops.polling import DeadlineError, poll

STAGE = "dev"
CONVERSATION, USERS = "jerry#tom", ("Tom", "Jerry")
REPLY = "Any time, Tom!"
LISTS_SECONDS = 60


def main() -> int:
    """Run every step; the last line starts with ``demo: ok``, or says what failed."""
    interrupt_on_terminate()
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=STATE_DIR / "demo", help="its scratch folder"
    )
    folder = parser.parse_args().folder.resolve()
    try:
        with _own(folder):
            steps = Steps(folder / "demo.log")
            print("The life of the Messages table, with the real CDK CLI, on an AWS inside this "
                  "machine:\n")  # fmt: skip
            _run(steps, folder)
    except (StepFailed, LocalAwsError, OSError) as error:
        print(f"\n{error}\ndemo: failed", flush=True)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted, the embedded AWS is stopped", flush=True)
        return 130
    print(f"\ndemo: ok in {steps.seconds:.0f} s", flush=True)
    return 0


@contextlib.contextmanager
def _own(folder: Path) -> Iterator[None]:
    """Have ``folder`` for this run alone; it is removed when the run ends well.

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
            raise LocalAwsError(f"a demo runs in {folder} already") from None
        shutil.rmtree(folder / "cdk.out", ignore_errors=True)
        yield
        shutil.rmtree(folder)


def _run(steps: Steps, folder: Path) -> None:
    try:
        with steps.step("start") as said:
            running = start(folder, bound_to_parent=True)
            said.append(f"embedded AWS at {running.endpoint}: IAM enforced, TLS, loopback only")
        _live(steps, folder, running.environment())
        with steps.step("stop") as said:
            stop(folder)
            said.append("no process, no port left")
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
    stack.bootstrap(steps, environment, folder, STAGE)
    stack.deploy(steps, environment, folder, STAGE)
    with steps.step("read") as said:
        lines = stack.history(steps, environment, STAGE, CONVERSATION)
        said += [f"{len(lines)} messages of {CONVERSATION}", *lines]
    last = lines[-1].partition(": ")[2]
    with steps.step("lists") as said:
        said += ["each user's conversations, kept by the stream",
                 *_lists(steps, environment, last)]  # fmt: skip
    with steps.step("send") as said:
        stack.send(steps, environment, STAGE, sender="Jerry", to="Tom", body=REPLY)
        said.append(f"Jerry → Tom: {REPLY}")
    with steps.step("lists") as said:
        said += ["both have followed", *_lists(steps, environment, REPLY)]
    with steps.step("back up") as said:
        said.append(steps.run(_ops("backup"), environment=environment).strip())
    with steps.step("drill") as said:
        drill = json.loads(steps.run(_ops("restore", "--drill", "--json"), environment=environment))
        compared = drill["comparison"]
        said.append(
            f"recovery time {drill['recovery_seconds']:.1f} s, {compared['items_compared']} items "
            f"compared, differences {compared['differences']}; the copy is removed again"
        )
    with steps.step("destroy") as said:
        steps.run(["cdk", "-a", str(folder / "cdk.out"), "destroy", "--force"],
                  environment=environment)  # fmt: skip
        said.append("stack and table are gone; vault, backup and backup role are kept")
    with steps.step("clean up") as said:
        done = json.loads(steps.run(_ops("cleanup", "--yes", "--json"), environment=environment))
        said += [f"{len(done['deleted'])} things deleted", *map(_shown, done["deleted"])]
    with steps.step("inventory") as said:
        # A new look at the account, not the clean-up's own word for it.
        rest = json.loads(
            steps.run(_ops("cleanup", "--dry-run", "--json"), environment=environment)
        )
        if left := rest["planned"] + rest["left"]:
            raise StepFailed("\n".join(["left behind:", *map(_shown, left)]))
        said += ["empty, but for what AWS itself keeps:" if rest["stays"] else "empty",
                 *map(_kept, rest["stays"])]  # fmt: skip


def _lists(steps: Steps, environment: Mapping[str, str], last: str) -> list[str]:
    """Both users' lists, once ``last`` is the last message in them. Raises StepFailed."""

    def lists() -> list[str] | None:
        found = {user: stack.last_messages(steps, environment, STAGE, user) for user in USERS}
        if any(list(with_whom.values()) != [last] for with_whom in found.values()):
            return None
        return [f"{user}: with {other}: {body}" for user, with_whom in found.items()
                for other, body in with_whom.items()]  # fmt: skip

    try:
        return poll(lists, seconds=LISTS_SECONDS)
    except DeadlineError as waited:
        raise StepFailed(f"a list of conversations lags behind {last!r} after {waited}") from None


def _ops(*arguments: str) -> list[str]:
    return ["python", "-m", "ops", arguments[0], "--stage", STAGE, *arguments[1:]]


def _shown(found: Mapping[str, str]) -> str:
    return f"{found['kind']} {found['id']}"


def _kept(found: Mapping[str, str]) -> str:
    until = f" until {found['until'][:10]}" if "until" in found else ""
    return f"{_shown(found)}{until}: {found['reason']}"


if __name__ == "__main__":
    sys.exit(main())
