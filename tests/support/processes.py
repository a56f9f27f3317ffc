"""Processes of this machine, as the kernel shows them."""

import contextlib
import os
import time
from pathlib import Path

_SECONDS = 60


def processes_of(session: int) -> list[int]:
    """The running processes of a session; the embedded AWS and the console have one each."""
    return [pid for pid, found in _running().items() if found == session]


def processes_naming(folder: Path) -> list[str]:
    """Commands that name the folder, or were started with an environment that does."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, PermissionError):
            command = (process / "cmdline").read_bytes()
            if str(folder).encode() in command + (process / "environ").read_bytes():
                found.append(command.replace(b"\0", b" ").decode())
    return found


def listening_on(session: int) -> list[str]:
    """The addresses and ports on which the processes of a session listen, in hexadecimal."""
    inodes = set()
    for descriptor in (each for pid in processes_of(session) for each in Path(f"/proc/{pid}/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):
            inodes.add(os.readlink(descriptor))
    rows = [row.split() for kind in ("tcp", "tcp6") for row in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]


def wait_for_end(pid: int) -> None:
    """Return when the process and its session have ended, also if nothing waits for them."""
    deadline = time.monotonic() + _SECONDS
    while pid in (running := _running()) or pid in running.values():
        assert time.monotonic() < deadline, f"process {pid} or one of its session is still running"
        time.sleep(0.02)


def _running() -> dict[int, int]:
    """The session of each process that has not ended."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            state, _, _, session, *_ = (process / "stat").read_text().rsplit(")", 1)[1].split()
            if state != "Z":
                found[int(process.name)] = int(session)
    return found
