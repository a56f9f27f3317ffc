"""Where the stacks to compare with come from: a git revision of the project."""

import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.errors import OpsError, UsageError
from ops.cost.assembly import Stacks
from ops.cost.synthesis import PROJECT, synthesize


def stages() -> list[str]:
    """The stages that cdk.json lists."""
    return _listed(PROJECT)


def _listed(project: Path) -> list[str]:
    settings = json.loads((project / "cdk.json").read_text())
    return list(settings.get("context", {}).get("stages", {}))


class Revision:
    """A git revision of the project, unpacked for as long as it is used as a context."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> "Revision":
        # `git archive`, and not a worktree, which an interrupt would leave in the repository.
        done = subprocess.run(
            ["git", "archive", "--format=tar", f"{self._name}^{{commit}}"], cwd=PROJECT, capture_output=True
        )
        if done.returncode:
            raise UsageError(
                f"{self._name!r} is no git revision here ({done.stderr.decode().strip()}); "
                "name a commit, a tag or a branch, such as origin/main"
            )
        self._folder = tempfile.TemporaryDirectory()
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(self._folder.name, filter="data")
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder:
            self._folder.cleanup()

    def stages(self) -> list[str]:
        """The stages that its cdk.json lists. Raises OpsError."""
        with self._unpacked() as project:
            return _listed(project)

    def stacks(self, stage: str) -> Stacks:
        """The stage's stacks as that revision synthesizes them. Raises OpsError."""
        with self._unpacked() as project:
            return synthesize(stage, project=project)

    @contextmanager
    def _unpacked(self) -> Iterator[Path]:
        """Its folder; what fails in it is said of the revision."""
        assert self._folder
        try:
            yield Path(self._folder.name)
        except (OpsError, OSError, KeyError, ValueError) as error:
            raise OpsError(f"revision {self._name}: {error}") from None
