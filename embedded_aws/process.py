"""Start, find and stop the embedded AWS as a process of its own.

The server holds a lock on ``server.lock`` for as long as it lives. That lock, not the process id in
the state file, shows that it runs: the id may belong to another process by now. ``start.lock`` is
held until the server responds, so that two starts in one folder do not overlap.
"""

import contextlib
import fcntl
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embedded_aws.environment import PROJECT, client_environment, client_variables, server_environment

START_SECONDS = 60
STOP_SECONDS = 15


class LocalAwsError(Exception):
    """The embedded AWS cannot be started, found or stopped; the text says what to do."""


class RunsAlready(LocalAwsError):
    """The embedded AWS is already running in this folder."""


@dataclass(frozen=True, kw_only=True)
class Running:
    """A running embedded AWS, as its state file describes it."""

    pid: int
    endpoint: str
    ca_file: str

    def variables(self) -> dict[str, str]:
        """The variables alone that point a command at the embedded AWS."""
        return client_variables(self.endpoint, self.ca_file, os.environ)

    def environment(self) -> dict[str, str]:
        """This process's environment, pointed at the embedded AWS."""
        return client_environment(self.endpoint, self.ca_file, os.environ)

    def enter(self) -> None:
        """Point this process itself at the embedded AWS, and at nothing else."""
        environment = self.environment()
        os.environ.clear()
        os.environ.update(environment)


def find(state_dir: Path) -> Running | None:
    """The embedded AWS of ``state_dir``, or None when none runs; waits for one being started.

    Raises LocalAwsError when its state cannot be read.
    """
    if not state_dir.is_dir():
        return None
    try:
        with _starting(state_dir):
            return _found(state_dir)
    except OSError as error:
        raise LocalAwsError(f"{state_dir}: {error.strerror}; name another folder") from None


def start(state_dir: Path, *, bound_to_parent: bool = False) -> Running:
    """Start the embedded AWS and return once it responds.

    With ``bound_to_parent`` it ends with this process, even if that is killed:
    it watches a pipe that only this process holds open.

    Raises LocalAwsError when one is already running, or when it does not start; the
    message then has the end of its log.
    """
    state_dir = state_dir.resolve()  # the server works in another folder
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        with _starting(state_dir):
            if _found(state_dir):
                raise RunsAlready(f"the embedded AWS in {state_dir} is already running")
            return _start(state_dir, bound_to_parent)
    except OSError as error:
        raise LocalAwsError(f"{state_dir}: {error.strerror}; name another folder") from None


def find_or_start(state_dir: Path) -> Running:
    """The embedded AWS of ``state_dir``, started unless it runs; two callers get the same one.

    Raises LocalAwsError as ``start`` does.
    """
    while True:
        try:
            return find(state_dir) or start(state_dir)
        except RunsAlready:  # another process started it between the two
            continue


def stop(state_dir: Path) -> bool:
    """Stop the embedded AWS of ``state_dir``; False when none runs."""
    running = find(state_dir)
    if running is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_locked(state_dir / "server.lock") and time.monotonic() < deadline:
        time.sleep(0.02)
    # The server leads a session of its own, so this group is the server and its Lambda workers.
    kill_group(running.pid)
    (state_dir / "state.json").unlink(missing_ok=True)
    return True


@contextlib.contextmanager
def running(state_dir: Path) -> Iterator[Running]:
    """An embedded AWS for the length of a ``with`` block, and never longer than this process."""
    started = start(state_dir, bound_to_parent=True)
    try:
        yield started
    finally:
        stop(state_dir)


@contextlib.contextmanager
def _starting(state_dir: Path) -> Iterator[None]:
    with (state_dir / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _found(state_dir: Path) -> Running | None:
    if not _is_locked(state_dir / "server.lock"):
        return None
    state = state_dir / "state.json"
    try:
        return Running(**json.loads(state.read_text()))
    except FileNotFoundError:
        return None  # without it the server ends by itself
    except (ValueError, TypeError):
        raise LocalAwsError(f"{state} is not valid; delete it, and the server stops") from None


def _start(state_dir: Path, bound_to_parent: bool) -> Running:
    # The project's Python has the engine, whichever runs this.
    own = PROJECT / ".venv/bin/python"
    python = str(own) if own.exists() else sys.executable
    command = [python, "-m", "embedded_aws.server", str(state_dir)]
    with (state_dir / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command + (["--until-stdin-closes"] if bound_to_parent else []),
            cwd=PROJECT,
            env=server_environment(os.environ),
            stdin=subprocess.PIPE if bound_to_parent else subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C is for the caller only
        )
    try:
        return _wait_until_ready(process, state_dir)
    except BaseException:  # a Ctrl-C too: raised again, but no server is left behind
        end(process)
        raise


def _wait_until_ready(process: subprocess.Popen[bytes], state_dir: Path) -> Running:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise LocalAwsError(_log_end(state_dir, f"ended with status {process.returncode}"))
        running = _found(state_dir)
        if running and running.pid == process.pid and _answers(running):
            return running
        time.sleep(0.05)
    raise LocalAwsError(_log_end(state_dir, f"did not respond within {START_SECONDS} s"))


def _log_end(state_dir: Path, what: str) -> str:
    lines = (state_dir / "server.log").read_text(errors="replace").strip().splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    return f"the embedded AWS {what}: " + " / ".join(errors or lines[-5:] or ["no output"])


def _answers(running: Running) -> bool:
    context = ssl.create_default_context(cafile=running.ca_file)
    # Not through a proxy: it is on loopback, whatever the environment says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(f"{running.endpoint}/_ministack/ready", timeout=2) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _is_locked(lock_file: Path) -> bool:
    try:
        with lock_file.open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def kill_group(pid: int) -> None:
    """Kill the process group that ``pid`` leads."""
    # macOS: PermissionError for a group whose processes have all ended.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def end(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """Kill what is left of a process and of the group that it leads."""
    kill_group(process.pid)
    process.wait()
