"""Filter patterns of a mapping: which are refused, and which records they match. Pure.

Sources: guide, invocation-eventfiltering, "Filter rule syntax" (the rules; Exists "only works on leaf nodes"; numbers
are compared in their string form, so 300 does not equal 300.0); EventBridge guide, "Create event patterns" (an array
matches if one of its elements does). The snapshots test_dynamodb_event_filter show that a numeric rule never matches
DynamoDB's numbers, which are text in a record; test_sqs_invalid_event_filter shows four patterns that are refused.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from embedded_aws.replies import Json

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda value, limit: value == limit,
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
}


def is_pattern(text: str) -> bool:
    """Whether the text of a filter is a pattern: a JSON object whose leaves are lists of rules."""
    try:
        return _is_pattern(json.loads(text))
    except ValueError:
        return False


def passing(records: Sequence[Json], mapping: Json) -> list[Json]:
    """The records that match one of the mapping's filters, or all if it has none."""
    filters = (mapping.get("FilterCriteria") or {}).get("Filters") or []
    patterns = [json.loads(each["Pattern"]) for each in filters]
    return [record for record in records if not patterns or any(matches(each, record) for each in patterns)]


def matches(pattern: Json, found: Any) -> bool:
    """Whether each field of the pattern matches the field of the same name."""
    fields = found if isinstance(found, dict) else {}
    return all(_field_matches(name, wanted, fields) for name, wanted in pattern.items())


def _is_pattern(pattern: Any) -> bool:
    return isinstance(pattern, dict) and bool(pattern) and all(map(_is_wanted, pattern, pattern.values()))


def _is_wanted(name: str, wanted: Any) -> bool:
    if not isinstance(wanted, list):
        return _is_pattern(wanted)
    return bool(wanted) and all(map(_is_pattern if name == "$or" else _is_rule, wanted))


def _field_matches(name: str, wanted: Any, fields: Json) -> bool:
    if name == "$or":
        return any(matches(each, fields) for each in wanted)
    if isinstance(wanted, dict):
        return matches(wanted, fields.get(name))
    found = fields.get(name, [])
    values = [each for each in (found if isinstance(found, list) else [found]) if _is_scalar(each)]
    return any(_rule_matches(rule, values) for rule in wanted)


def _rule_matches(rule: Any, values: list[Any]) -> bool:
    """Whether a rule matches one of the values; there are none where the field is missing or no leaf."""
    if not isinstance(rule, dict):
        return any(_same(value, rule) for value in values)
    ((kind, operand),) = rule.items()
    if kind == "exists":
        return bool(values) is bool(operand)
    return any(_RULES[kind][1](value, operand) for value in values)


def _is_rule(rule: Any) -> bool:
    if not isinstance(rule, dict):
        return _is_scalar(rule)
    return len(rule) == 1 and all(kind in _RULES and _RULES[kind][0](operand) for kind, operand in rule.items())


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, dict | list)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_scalars(operand: Any) -> bool:
    return all(map(_is_scalar, operand)) if isinstance(operand, list) else _is_scalar(operand)


def _are_limits(operand: Any) -> bool:
    if not isinstance(operand, list) or not operand or len(operand) % 2:
        return False
    return set(map(str, operand[::2])) <= set(_COMPARISONS) and all(map(_is_number, operand[1::2]))


def _same(value: Any, wanted: Any) -> bool:
    return json.dumps(value) == json.dumps(wanted)


def _differs(value: Any, refused: Any) -> bool:
    return not any(_same(value, each) for each in (refused if isinstance(refused, list) else [refused]))


def _in_range(value: Any, limits: list[Any]) -> bool:
    bounds = zip(limits[::2], limits[1::2], strict=True)
    return _is_number(value) and all(_COMPARISONS[sign](value, limit) for sign, limit in bounds)


# For each kind of rule: whether an operand is valid, and whether a value matches it.
_RULES: dict[str, tuple[Callable[[Any], bool], Callable[[Any, Any], bool]]] = {
    "exists": (lambda operand: isinstance(operand, bool), lambda _, operand: bool(operand)),
    "prefix": (_is_text, lambda value, start: _is_text(value) and value.startswith(start)),
    "suffix": (_is_text, lambda value, end: _is_text(value) and value.endswith(end)),
    "equals-ignore-case": (_is_text, lambda value, text: _is_text(value) and value.casefold() == text.casefold()),
    "anything-but": (_are_scalars, _differs),
    "numeric": (_are_limits, _in_range),
}
