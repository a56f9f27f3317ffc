"""Requests made from botocore's models: valid ones, at their limits, and others that each break one constraint."""

import datetime
from collections.abc import Iterator
from typing import Any

from embedded_aws.constraints import pattern

TEXTS = ("sample", "123456789012", "arn:aws:backup:us-east-1:123456789012:accesspoint/sample", "example.com:9092")
OTHERS = {"boolean": True, "timestamp": datetime.datetime(2026, 1, 1), "blob": b"a", "double": 1.0}
NUMBERS = ("integer", "long", "float")
LONGEST = 100_000  # longer texts would cost more time than they find
Values = Iterator[tuple[Any, str | None]]


def sample(shape: Any) -> Any:
    """The smallest value that the model allows."""
    kind, limits = shape.type_name, shape.metadata
    if kind == "structure":
        return {name: sample(shape.members[name]) for name in shape.required_members}
    if kind == "list":
        return [sample(shape.member)]
    if kind == "map":
        return {sample(shape.key): sample(shape.value)}
    if kind == "string":
        fitting = (text for text in (*shape.enum, *TEXTS) if pattern(limits.get("pattern", ".*")).fullmatch(text))
        return next(fitting).ljust(limits.get("min", 0), "a")
    return OTHERS.get(kind, limits.get("min", 1))


def flaws(shape: Any, seen: tuple[str, ...] = ()) -> Values:
    """Values with one flaw each, and the name of the member that has it (None: the value itself)."""
    kind, limits = shape.type_name, shape.metadata
    if kind == "structure":
        yield from _missing(shape)
        yield from _in_members(shape, seen, flaws)
    elif kind == "list":
        yield from (([value], inner) for value, inner in flaws(shape.member, seen))
        yield from ((sample(shape) * count, None) for count in _outside(limits))
    elif kind == "map":
        yield from (({sample(shape.key): value}, inner) for value, inner in flaws(shape.value, seen))
        yield from (({key: sample(shape.value)}, None) for key, _ in flaws(shape.key, seen))
        yield from (({f"{n}": sample(shape.value) for n in range(count)}, None) for count in _outside(limits))
    elif kind == "string":
        wrong = "pattern" in limits and not pattern(limits["pattern"]).fullmatch("\x7f")
        yield from (("\x7f", None) for _ in range(wrong or "enum" in limits))
        yield from (("a" * size, None) for size in _outside(limits) if size < LONGEST)
    elif kind in NUMBERS:
        yield from ((number, None) for number in _outside(limits, least=-2))


def limits(shape: Any, seen: tuple[str, ...] = ()) -> Values:
    """Valid values at their largest and smallest."""
    kind, bounds = shape.type_name, shape.metadata
    sizes = [bounds[name] for name in ("min", "max") if name in bounds]
    if kind == "structure":
        yield sample(shape), None
        yield from _in_members(shape, seen, limits)
    elif kind == "list":
        yield from (([value], inner) for value, inner in limits(shape.member, seen))
        yield from ((sample(shape) * size, None) for size in sizes if size)
    elif kind == "map":
        yield from (({key: sample(shape.value)}, None) for key, _ in limits(shape.key, seen))
        yield from (({sample(shape.key): value}, inner) for value, inner in limits(shape.value, seen))
    elif kind == "string":
        yield from ((text, None) for text in shape.enum)
        texts = ("a" * size for size in sizes if size < LONGEST and not shape.enum)
        yield from ((text, None) for text in texts if pattern(bounds.get("pattern", ".*")).fullmatch(text))
    elif kind in NUMBERS:
        yield from ((size, None) for size in sizes)


def _missing(shape: Any) -> Values:
    whole = sample(shape)
    for name in shape.required_members:
        if shape.members[name].serialization.get("location") != "uri":
            yield {key: value for key, value in whole.items() if key != name}, name


def _in_members(shape: Any, seen: tuple[str, ...], values: Any) -> Values:
    """The structure with each of the values of each member; an empty text fits only into a body."""
    for name, member in shape.members.items() if shape.name not in seen else ():
        for value, inner in values(member, (*seen, shape.name)):
            if value != "" or "location" not in member.serialization:
                yield sample(shape) | {name: value}, inner or name


def _outside(limits: Any, least: int = 0) -> list[int]:
    low, high = limits.get("min"), limits.get("max")
    return [n for n in (low is not None and low - 1, high and high + 1) if n not in (None, False) and n >= least]
