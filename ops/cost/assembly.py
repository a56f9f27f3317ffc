"""The stacks of a cloud assembly, which is what an app of the CDK is synthesized to."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.errors import OpsError

Template = Mapping[str, Any]
_STACK, _MANIFEST, _NO_REGION = "aws:cloudformation:stack", "manifest.json", "unknown-region"


@dataclass(frozen=True, kw_only=True)
class StackTemplate:
    """One stack with its template.

    ``region`` is None where the credentials decide it, ``name`` is empty for a
    template that comes by itself.
    """

    template: Template
    name: str = ""
    region: str | None = None


Stacks = tuple[StackTemplate, ...]


def stacks(path: Path) -> Stacks:
    """The stacks of the assembly in a folder, in its order; of a file, its one template.

    Raises OpsError for what is neither, OSError for what is not there.
    """
    if path.is_dir():
        return tuple(_listed(path))
    return (StackTemplate(template=_template(path)),)


def _listed(folder: Path) -> Iterator[StackTemplate]:
    """The stacks as the manifest names and places them.

    https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.cloud_assembly_schema.ArtifactManifest.html
    """
    if not (folder / _MANIFEST).exists():
        raise OpsError(f"{folder} has no {_MANIFEST}; name a synthesized template, or a cdk.out")
    artifacts = _parsed(folder / _MANIFEST).get("artifacts", {})
    for id, artifact in artifacts.items():
        if artifact["type"] == _STACK:
            properties = artifact["properties"]
            region = artifact["environment"].rpartition("/")[2]
            yield StackTemplate(
                template=_template(folder / properties["templateFile"]),
                name=properties.get("stackName", id),
                region=None if region == _NO_REGION else region,
            )


def _template(path: Path) -> Template:
    template = _parsed(path)
    resources = template.get("Resources") if isinstance(template, dict) else None
    if not isinstance(resources, dict) or not all(
        isinstance(one, dict) and isinstance(one.get("Type"), str) for one in resources.values()
    ):
        raise OpsError(f"{path} has no Resources; name a synthesized CloudFormation template")
    return dict(template)


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise OpsError(f"{path} is not JSON ({error}); name a synthesized template") from None
