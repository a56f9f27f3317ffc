"""What botocore's models demand of a request: required members, types, lengths, ranges, patterns and enums.

SDKs check required members and types only. A service answers the rest with an error of its own, so a request is
compared here with the model, and each service's own module words the refusal.
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from embedded_aws.replies import Json

NUMBERS = ("integer", "long", "float", "double")
SIMPLE = ("string", *NUMBERS)
_TYPES: dict[str, Any] = {"structure": dict, "map": dict, "list": list, "string": str}
_TYPES |= {"integer": int, "long": int, "float": (int, float), "double": (int, float)}
# Patterns are Java's; these are the classes that Python's expressions lack.
_CLASSES = {
    r"\p{L}\p{Z}\p{N}": r"\w \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000",
    r"\p{ASCII}": r"[\x00-\x7f]",
}


@functools.cache
def operations(service: str) -> Json:
    """The model of each operation of a service, by its name."""
    import botocore.session  # not before the first request, as it would slow the server's start

    model = botocore.session.get_session().get_service_model(service)
    return {name: model.operation_model(name) for name in model.operation_names}


@functools.cache
def _rest_operations(service: str) -> list[tuple[str, re.Pattern[str], Any]]:
    """Method, path and model of each operation, the most specific path first."""
    found = []
    for operation in operations(service).values():
        parts = re.split(r"\{(\w+)\}", operation.http["requestUri"].split("?")[0].rstrip("/"))
        texts, names = parts[::2], parts[1::2]
        pattern = "".join(re.escape(text) + f"(?P<{name}>.+?)" for text, name in zip(texts, names, strict=False))
        pattern += re.escape(texts[-1]) if len(texts) > len(names) else ""
        found.append((len("".join(texts)), operation.http["method"], re.compile(pattern), operation))
    return [entry[1:] for entry in sorted(found, key=lambda entry: -entry[0])]


def rest_operation(service: str, method: str, path: str) -> tuple[Any, Json]:
    """The model of the operation that a request is, None for none, and the members in its path."""
    for wanted, pattern, operation in _rest_operations(service):
        match = pattern.fullmatch(path.rstrip("/"))
        if wanted == method and match:
            members = operation.input_shape.members if operation.input_shape else {}
            places = {name: member.serialization for name, member in members.items()}
            return operation, {
                name: match[place["name"]] for name, place in places.items() if place.get("location") == "uri"
            }
    return None, {}


@dataclass(frozen=True)
class Fault:
    """One constraint that a request breaks; for an element of a list or a map, ``whole`` is that list or map."""

    path: tuple[str, ...]  # the model's names of members, and positions in lists, from 1
    value: Any
    rule: str  # required, type, or the model's word: enum, pattern, min, max
    shape: Any
    whole: Any = None
    part: str = ""  # of ``whole``: element, key or value

    @property
    def name(self) -> str:
        """The member that breaks the constraint, or that holds the element which does."""
        return next(name for name in reversed(self.path) if not name.isdigit())


def faults(shape: Any, value: Any, path: tuple[str, ...] = (), missing: tuple[Any, ...] = (None,)) -> Iterator[Fault]:
    """Each constraint of ``shape`` that ``value`` breaks; required members may not be one of ``missing``."""
    kind = shape.type_name
    if not isinstance(value, _TYPES.get(kind, object)) or (kind in SIMPLE and isinstance(value, bool)):
        yield Fault(path, value, "type", shape)
        return
    if kind not in _TYPES:
        return  # timestamps, blobs and Booleans have no further constraint
    if kind == "structure":
        for name, member in shape.members.items():
            given = value.get(name)
            if name in shape.required_members and given in missing:
                yield Fault((*path, name), None, "required", member)
            elif given is not None:
                yield from faults(member, given, (*path, name), missing)
        return
    yield from (Fault(path, value, rule, shape) for rule in _broken(shape, value))
    if kind == "list":
        for number, each in enumerate(value, 1):
            yield from _of_part(shape.member, each, (*path, str(number)), missing, "element", value)
    if kind == "map":
        for key, each in value.items():
            yield from _of_part(shape.key, key, path, missing, "key", value)
            yield from _of_part(shape.value, each, path, missing, "value", value)


def _of_part(
    shape: Any, value: Any, path: tuple[str, ...], missing: tuple[Any, ...], part: str, whole: Any
) -> Iterator[Fault]:
    if shape.type_name not in SIMPLE:
        yield from faults(shape, value, path, missing)
        return
    for fault in faults(shape, value, path, missing):
        yield Fault(path, value, fault.rule, shape, whole, part)


def _broken(shape: Any, value: Any) -> Iterator[str]:
    """The rules of the shape alone that a value of its type breaks."""
    limits: Json = shape.metadata
    if "enum" in limits:
        if value not in limits["enum"]:
            yield "enum"
        return
    if "pattern" in limits and not pattern(limits["pattern"]).fullmatch(value):
        yield "pattern"
    size = value if shape.type_name in NUMBERS else len(value)
    if size > limits.get("max", size):
        yield "max"
    if size < limits.get("min", size):
        yield "min"


@functools.cache
def pattern(text: str) -> re.Pattern[str]:
    """A pattern of a model, which must match a whole value."""
    for java, python in _CLASSES.items():
        text = text.replace(java, python)
    return re.compile(text)


def parsed(shape: Any, text: Any) -> Any:
    """A value from a query or a form, as the model's type where it is one."""
    if isinstance(text, list) and shape.type_name != "list":
        text = text[0]
    whole_number = shape.type_name in ("integer", "long") and re.fullmatch(r"-?\d+", str(text))
    return int(text) if whole_number else text
