"""Python functions' processes, forked from one that has imported boto3.

The import is most of a cold start, 0.25 of 0.3 seconds, and the engine starts a new process after each
failed invocation. The functions run as before: with their own environment, folder and module search path.

This file is also the program of the process that is forked. Linux only; elsewhere nothing changes.
"""

import contextlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

_REQUEST_BYTES = 1 << 20  # a function's environment is at most 4 KB, the server's own a few more
_lock = threading.Lock()
_channels: list[socket.socket] = []


class Forked:
    """A forked process, with what the engine uses of ``subprocess.Popen``."""

    def __init__(self, pidfd: int, stdin: int, stdout: int, stderr: int) -> None:
        self._pidfd = pidfd
        self.stdin = os.fdopen(stdin, "w", buffering=1)
        self.stdout, self.stderr = os.fdopen(stdout), os.fdopen(stderr)

    def __del__(self) -> None:
        os.close(self._pidfd)

    def poll(self) -> int | None:
        """0 once the process has ended."""
        return 0 if select.select([self._pidfd], [], [], 0)[0] else None

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the process has ended."""
        if not select.select([self._pidfd], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired("function", timeout or 0)
        return 0

    def terminate(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask the process to end."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, number)

    def kill(self) -> None:
        """End the process."""
        self.terminate(signal.SIGKILL)


def _can_fork() -> bool:
    """Whether this is Linux, and not an old one."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


def _popen(command: list[str], **options: Any) -> Any:
    if command[0] != sys.executable or not _can_fork():
        return subprocess.Popen(command, **options)
    request = json.dumps([command[1], str(options["cwd"]), options["env"]]).encode()
    pipes = [os.pipe() for _ in range(3)]
    (stdin, our_stdin), (our_stdout, stdout), (our_stderr, stderr) = pipes
    with _lock:
        channel = _channel()
        try:
            socket.send_fds(channel, [request], [stdin, stdout, stderr])
            _, (pidfd,), _, _ = socket.recv_fds(channel, 1, 1)
        except (OSError, ValueError):
            _channels.clear()  # it was ended; the next function starts another
            raise
    for theirs in (stdin, stdout, stderr):
        os.close(theirs)
    return Forked(pidfd, our_stdin, our_stdout, our_stderr)


def _channel() -> socket.socket:
    """The connection to the process that is forked, which is started for the first function."""
    if not _channels:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        fd = theirs.fileno()
        # -P: the folder of this file is not searched for modules.
        subprocess.Popen([sys.executable, "-P", __file__, str(fd)], pass_fds=[fd], stdin=subprocess.DEVNULL)
        theirs.close()
        _channels.append(ours)
    return _channels[0]


def _next_child(channel: socket.socket) -> tuple[str, str, dict[str, str]]:
    """Fork for each request; returns in the child, with its request and its standard streams."""
    while True:
        request, streams, _, _ = socket.recv_fds(channel, _REQUEST_BYTES, 3)
        if not request:
            os._exit(0)  # the server has ended
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if child := os.fork():
            pidfd = os.pidfd_open(child)
            socket.send_fds(channel, [b"."], [pidfd])
            for fd in (pidfd, *streams):
                os.close(fd)
            continue
        channel.close()
        for number, fd in enumerate(streams):
            os.dup2(fd, number)
            os.close(fd)
        script, folder, environment = json.loads(request)
        return script, folder, environment


# ``subprocess`` for the engine's module of Lambda's processes.
SUBPROCESS = SimpleNamespace(**vars(subprocess) | {"Popen": _popen})


def main() -> None:
    """Import boto3 with what a client loads, then fork; in each child, run the engine's script."""
    import boto3

    boto3.Session("x", "x", region_name="us-east-1").client("dynamodb")
    script, folder, environment = _next_child(socket.socket(fileno=int(sys.argv[1])))
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = [script]
    sys.path.insert(0, str(Path(script).parent))
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
