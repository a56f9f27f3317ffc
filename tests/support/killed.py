"""Commands in processes of their own that are killed at any moment."""

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

# From a server that has the SDK loaded: a new interpreter would take longer than most commands.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    "pytest chat.__main__ ops.cleanup.command ops.recover.command tests.support.chat_steps "
    "tests.support.ops_deployment tests.support.recoveries tests.support.warm_sdk".split()
)
Main = Callable[[list[str]], int]


def _run(main: Main, environment: Mapping[str, str], arguments: Sequence[object], errors: str) -> None:
    """What the child process does."""
    os.environ.update(environment)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), sys.stderr.fileno())
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    os._exit(main([*map(str, arguments)]))


def killed(
    main: Main,
    environment: Mapping[str, str],
    arguments: Sequence[object],
    errors: Path,
    wait: Callable[[BaseProcess], object],
) -> tuple[int | None, str]:
    """Start a command and kill it once ``wait`` returns; its exit code, and what it said, through ``errors``."""
    child = _FORKS.Process(target=_run, args=(main, dict(environment), [*map(str, arguments)], str(errors)))
    child.start()
    wait(child)
    child.kill()  # SIGKILL, of this child alone; nothing when it has ended
    child.join()
    return child.exitcode, errors.read_text()
