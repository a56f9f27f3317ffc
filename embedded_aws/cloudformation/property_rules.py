"""Properties that a resource type's schema does not allow, refused as CloudFormation refuses them.

Sources: the definition of resource type schemas (see ``schemas``): "A property in the readOnlyProperties list cannot
be specified by the customer"; the texts: aws/aws-cdk#28984, aws-samples/aws-bookstore-demo-app#56 (a list of values),
aws-cloudformation/cloudformation-resource-schema (its ValidationException hides values: "failed validation constraint
for keyword"), everit-org/json-schema, with which it validates. The text for a read-only property is published
nowhere; it is that for an unknown one.

CloudFormation converts numbers, booleans and text into each other. Keywords that cfn-lint adds to the registry's
schemas (``requiredXor``, ``dependentExcluded``), ``if`` and ``format`` are not read.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from embedded_aws.cloudformation.schemas import READ_ONLY, Path_, paths, schema_of
from embedded_aws.replies import Json

TYPES = {
    "string": "String",
    "integer": "Integer",
    "number": "Number",
    "boolean": "Boolean",
    "array": "JSONArray",
    "object": "JSONObject",
    "null": "Null",
}
_SIZES: dict[str, tuple[type[str] | type[list[Any]] | type[Json], bool, str]] = {
    "minLength": (str, True, "expected minLength: {}, actual: {}"),
    "maxLength": (str, False, "expected maxLength: {}, actual: {}"),
    "minItems": (list, True, "expected minimum item count: {}, found: {}"),
    "maxItems": (list, False, "expected maximum item count: {}, found: {}"),
    "minProperties": (dict, True, "minimum size: [{}], found: [{}]"),
    "maxProperties": (dict, False, "maximum size: [{}], found: [{}]"),
}
_VALUES: dict[str, Callable[[Any, Any], bool]] = {
    "enum": lambda value, allowed: value in allowed or str(value) in map(str, allowed),
    "const": lambda value, wanted: str(value) == str(wanted),
    "pattern": lambda value, pattern: not isinstance(value, str) or _matches(pattern, value),
    "minimum": lambda value, least: not _numeric(value) or float(value) >= least,
    "maximum": lambda value, most: not _numeric(value) or float(value) <= most,
    "exclusiveMinimum": lambda value, least: not _numeric(value) or float(value) > least,
    "exclusiveMaximum": lambda value, most: not _numeric(value) or float(value) < most,
    "multipleOf": lambda value, step: not _numeric(value) or float(value) % step == 0,
}


class Unknown:
    """A value that only the deployment tells; no rule refuses it."""


def refuse_invalid(kind: str, logical_id: str, properties: Json) -> None:
    """Raise ValueError, in CloudFormation's words, for properties that the type's schema does not allow."""
    if found := broken_rules(kind, properties):
        message = "\n".join(found)
        raise ValueError(f"Properties validation failed for resource {logical_id} with message:\n{message}")


def broken_rules(kind: str, properties: Json) -> list[str]:
    """A line for each rule of the type's schema that the properties break, each line once."""
    schema = schema_of(kind)
    found = [line for path in paths(kind, READ_ONLY) for line in _given(properties, path, "#")]
    return list(dict.fromkeys([*found, *problems(schema, properties, schema)]))


def _given(value: Any, path: Path_, where: str) -> Iterator[str]:
    """A line for each place at which ``value`` sets the property with this path."""
    name, *rest = path
    if name == "*":
        for number, entry in enumerate(value if isinstance(value, list) else []):
            yield from _given(entry, tuple(rest), f"{where}/{number}")
    elif isinstance(value, dict) and value.get(name) is not None:
        if rest:
            yield from _given(value[name], tuple(rest), f"{where}/{name}")
        else:
            yield f"{where}: extraneous key [{name}] is not permitted"


def problems(schema: Json, value: Any, root: Json, where: str = "#") -> Iterator[str]:
    """A line for each rule of ``schema``, a part of ``root``, that ``value`` breaks."""
    if isinstance(value, Unknown):
        return
    schema = _resolved(schema, root)
    if wrong := _wrong_type(schema.get("type"), value):
        yield f"{where}: {wrong}"
        return
    for keyword, (kind, least, text) in _SIZES.items():
        if keyword in schema and isinstance(value, kind):
            size, limit = len(value), schema[keyword]
            if size < limit if least else size > limit:
                yield f"{where}: {text.format(limit, size)}"
    for keyword, holds in _VALUES.items():
        if keyword in schema and not holds(value, schema[keyword]):
            if keyword == "enum" and "type" in schema:
                yield f"{where}: #: only 1 subschema matches out of 2"
            yield f"{where}: failed validation constraint for keyword [{keyword}]"
    if isinstance(value, dict):
        yield from _object(schema, value, root, where)
    if isinstance(value, list):
        yield from _list(schema, value, root, where)
    yield from _combined(schema, value, root, where)


def _object(schema: Json, value: Json, root: Json, where: str) -> Iterator[str]:
    for name in schema.get("required", []):
        if value.get(name) is None:
            yield f"{where}: required key [{name}] not found"
    needed = schema.get("dependentRequired", {}) | schema.get("dependencies", {})
    for name, others in needed.items():
        if isinstance(others, list) and value.get(name) is not None:
            yield from (f"{where}: property [{other}] is required" for other in others if value.get(other) is None)
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    others = schema.get("additionalProperties", True)
    for name, inner in value.items():
        rules = [known[name]] if name in known else [rule for key, rule in patterns.items() if _matches(key, name)]
        if not rules and others is False:
            yield f"{where}: extraneous key [{name}] is not permitted"
        elif not rules and isinstance(others, dict):
            rules = [others]
        for rule in rules if inner is not None else []:
            yield from problems(rule, inner, root, f"{where}/{name}")


def _list(schema: Json, value: list[Any], root: Json, where: str) -> Iterator[str]:
    if schema.get("uniqueItems") and len({json.dumps(each, sort_keys=True, default=str) for each in value}) < len(
        value
    ):
        yield f"{where}: array items are not unique"
    for number, entry in enumerate(value):
        yield from problems(schema.get("items", {}), entry, root, f"{where}/{number}")


def _combined(schema: Json, value: Any, root: Json, where: str) -> Iterator[str]:
    for rule in schema.get("allOf", []):
        yield from problems(rule, value, root, where)
    for keyword in ("anyOf", "oneOf"):
        rules = schema.get(keyword, [])
        failed = [list(problems(rule, value, root, where)) for rule in rules]
        matched = failed.count([])
        if keyword == "anyOf" and rules and not matched:
            yield f"{where}: #: no subschema matched out of the total {len(rules)} subschemas"
        if keyword == "oneOf" and rules and matched != 1:
            yield f"{where}: #: {matched} subschemas matched instead of one"
        if rules and not matched:
            yield from (line for lines in failed for line in lines)


def _resolved(schema: Json, root: Json) -> Json:
    while "$ref" in schema:
        found: Any = root
        for name in schema["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        schema = found | {key: rule for key, rule in schema.items() if key != "$ref"}
    return schema


def _wrong_type(wanted: str | list[str] | None, value: Any) -> str:
    """What is wrong with the type of ``value``; empty for nothing."""
    kinds = [wanted] if isinstance(wanted, str) else wanted or []
    if not kinds or any(_is(kind, value) for kind in kinds):
        return ""
    if len(kinds) > 1:
        return f"#: no subschema matched out of the total {len(kinds)} subschemas"
    return f"expected type: {TYPES[kinds[0]]}, found: {TYPES[_kind(value)]}"


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", int: "integer", float: "number", list: "array", dict: "object", type(None): "null"}
    return kinds.get(type(value), "string")  # also a date of YAML, such as a policy's unquoted Version


def _is(kind: str, value: Any) -> bool:
    """Whether ``value`` is of this type, or CloudFormation converts it."""
    if kind == "integer":
        return _numeric(value) and float(value).is_integer()
    if kind == "number":
        return _numeric(value)
    if kind == "boolean":
        return str(value).lower() in ("true", "false")
    if kind == "string":
        return not isinstance(value, (list, dict))
    return _kind(value) == kind


def _numeric(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and float(value) is not None
    except (TypeError, ValueError):
        return False


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:  # the registry's are Java's
        return True
