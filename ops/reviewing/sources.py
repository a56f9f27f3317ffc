"""Where the templates to review come from: this checkout, a git revision, the deployed stack."""

import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from ops.clients import Clients
from ops.costing.synthesis import PROJECT, synthesize
from ops.errors import OpsError, UsageError, code
from ops.stack import PREFIX, find

Template = Mapping[str, Any]


def stages() -> list[str]:
    """The stages that cdk.json lists."""
    return list(json.loads((PROJECT / "cdk.json").read_text())["context"]["stages"])


def region_of(stage: str) -> str | None:
    """The region that cdk.json gives the stage; None where the credentials decide."""
    settings = json.loads((PROJECT / "cdk.json").read_text())["context"]["stages"]
    region = settings.get(stage, {}).get("region")
    return str(region) if region else None


class Revision:
    """A git revision of the project, unpacked for as long as it is used as a context."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> "Revision":
        # `git archive`, and not a worktree, which an interrupt would leave in the repository.
        done = subprocess.run(
            ["git", "archive", "--format=tar", f"{self._name}^{{commit}}"],
            cwd=PROJECT, capture_output=True,
        )  # fmt: skip
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

    def template(self, stage: str) -> Template:
        """The stage's template as that revision synthesizes it. Raises OpsError."""
        assert self._folder
        try:
            return synthesize(stage, project=Path(self._folder.name))
        except (OpsError, OSError, KeyError) as error:
            raise OpsError(f"revision {self._name}: {error}") from None


def deployed(clients: Clients, stage: str) -> Template | None:
    """The template that the stage's stack was deployed with; None where there is no stack."""
    name = PREFIX + stage
    if find(clients, name) is None:
        return None
    try:
        answer = clients("cloudformation").get_template(StackName=name, TemplateStage="Original")
    except ClientError as error:
        if code(error) == "ValidationError":  # gone since
            return None
        raise
    body = answer["TemplateBody"]
    return dict(json.loads(body) if isinstance(body, str) else body)
