"""The CloudFormation registry's schemas of resource types, as cfn-lint ships them: a file for each type.

Source of the keywords: the definition of resource type schemas, https://github.com/aws-cloudformation/cloudformation-resource-schema.
Schemas of us-east-1 stand for every region. Each is read when a stack first has its type.
"""

import functools
import importlib.util
import json
from pathlib import Path

import ministack.services.cloudformation.provisioners as engine

from embedded_aws.replies import Json

CREATE_ONLY, READ_ONLY = "createOnlyProperties", "readOnlyProperties"
CONDITIONAL = "conditionalCreateOnlyProperties"
PRIMARY, OTHER = "primaryIdentifier", "additionalIdentifiers"
# Types that cfn-lint describes and the registry does not: their properties are those of another's code.
NOT_IN_REGISTRY = ("AWS::CloudFormation::CustomResource", "AWS::CDK::Metadata")
Path_ = tuple[str, ...]  # of a property: its names from the outside in, ``*`` for each entry of a list


@functools.cache
def schema_of(kind: str) -> Json:
    """The schema of a resource type; empty for a type without one, as of custom resources."""
    name = None if kind in NOT_IN_REGISTRY else _files().get(kind)
    return json.loads((_folder() / "resources" / f"{name}.json").read_text()) if name else {}


@functools.cache
def paths(kind: str, keyword: str) -> tuple[Path_, ...]:
    """The properties that the schema lists under ``keyword``."""
    return tuple(_path(pointer) for pointer in schema_of(kind).get(keyword, []))


@functools.cache
def name_property(kind: str) -> str | None:
    """The property with a resource's own name, where the template gives it; None for types without one.

    It is the only identifier, or one of several (the ARN of a queue or topic includes the name).
    """
    schema, read_only = schema_of(kind), paths(kind, READ_ONLY)
    for identifier in [schema.get(PRIMARY, []), *schema.get(OTHER, [])]:
        if len(identifier) == 1 and _path(identifier[0]) not in read_only:
            return _path(identifier[0])[-1]
    named = engine._CUSTOM_NAME_REPLACEMENT.get(kind, {}).get("name")
    return named if isinstance(named, str) else None


def _path(pointer: str) -> Path_:
    return tuple(pointer.removeprefix("/properties/").split("/"))


@functools.cache
def _folder() -> Path:
    found = importlib.util.find_spec("cfnlint")
    assert found
    assert found.origin
    return Path(found.origin).parent / "data" / "schemas"


@functools.cache
def _files() -> dict[str, str]:
    found: dict[str, str] = json.loads((_folder() / "providers" / "us-east-1.json").read_text())
    return found
