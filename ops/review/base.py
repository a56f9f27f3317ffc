"""The templates of a git revision, which are synthesized once for each commit and kept in the project's ``.cache``."""

import dataclasses
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from contextlib import suppress
from importlib.metadata import distributions
from pathlib import Path

from cli.command_line import to_stderr
from cli.errors import UsageError
from ops import template
from ops.template import Stacks, StackTemplate

_MOST_KEPT = 50  # files, one for each stage of a commit


def check_out(name: str, folder: Path) -> str:
    """Write the files of the git revision into ``folder``; its commit. Raises UsageError for an unknown revision."""
    # `git archive`, and not a worktree, which an interrupt would leave in the repository.
    command = ["git", "archive", "--format=tar", f"{name}^{{commit}}"]
    done = subprocess.run(command, cwd=template.PROJECT, capture_output=True)
    if done.returncode:
        reason = done.stderr.decode().strip()
        raise UsageError(f"{name!r} is not a git revision ({reason}); pass a commit, tag or branch such as origin/main")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
        return str(archive.pax_headers["comment"])  # https://git-scm.com/docs/git-archive#_description


def synthesized(name: str, commit: str, folder: Path, stage: str) -> Stacks:
    """The stacks of ``stage`` at a ``commit``, whose files are in ``folder``, or as they were kept earlier."""
    kept = template.PROJECT / ".cache" / "review" / f"{commit}-{stage}-{_versions()}.json"
    with suppress(OSError, ValueError, TypeError):
        return tuple(StackTemplate(**stack) for stack in json.loads(kept.read_text()))
    to_stderr(f"synthesizing stage {stage} at {name}")
    found = template.synthesize(stage, project=folder)
    with suppress(OSError):  # a folder that cannot be written: the next review synthesizes again
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=kept.parent, suffix=".new", delete=False) as file:
            json.dump([dataclasses.asdict(stack) for stack in found], file)
        os.replace(file.name, kept)
        for old in sorted(kept.parent.iterdir(), key=lambda path: path.stat().st_mtime)[:-_MOST_KEPT]:
            old.unlink(missing_ok=True)
    return found


def _versions() -> str:
    """A digest of what decides a commit's templates beside its files: Python, all packages, and how they are read."""
    packages = sorted(f"{one.metadata['Name']} {one.version}" for one in distributions())
    reader = Path(str(template.__file__)).read_text()
    return hashlib.sha256("\n".join([sys.version, *packages, reader]).encode()).hexdigest()[:16]
