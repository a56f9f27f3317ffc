"""Filter patterns of a mapping: which are refused, and which records they match.

They are event patterns of EventBridge, with fewer rules. Sources: guide, invocation-eventfiltering, "Filter rule
syntax" (the rules; Exists "only works on leaf nodes"; numbers are compared in their string form, so 300 does not equal
300.0); EventBridge guide, "Create event patterns" (an array matches if one of its elements does). The snapshots
test_dynamodb_event_filter show that a numeric rule never matches DynamoDB's numbers, which are text in a record;
test_sqs_invalid_event_filter shows four patterns that are refused.
"""

import json
from collections.abc import Sequence
from typing import Any

import ministack.services.eventbridge as eventbridge

from embedded_aws.replies import Json

_RULES = {"exists", "prefix", "suffix", "equals-ignore-case", "anything-but", "numeric"}


class _Written:
    """A number that equals those that are written alike."""

    def __eq__(self, other: object) -> bool:
        return json.dumps(self) == json.dumps(other)

    def __hash__(self) -> int:
        return hash(json.dumps(self))


class _Float(_Written, float):
    pass


class _Int(_Written, int):
    pass


def is_pattern(text: str) -> bool:
    """Whether the text of a filter is a pattern."""
    return bool(text) and eventbridge._event_pattern_error(text) is None and _has_lambdas_rules(json.loads(text))


def _has_lambdas_rules(pattern: Any) -> bool:
    """Whether a pattern of EventBridge has only rules that Lambda knows, and none within another."""
    if not isinstance(pattern, dict):
        return False
    for name, wanted in pattern.items():
        if isinstance(wanted, dict) or name == "$or":
            if not all(map(_has_lambdas_rules, [wanted] if isinstance(wanted, dict) else wanted)):
                return False
        elif not all(map(_is_lambdas_rule, wanted)):
            return False
    return True


def _is_lambdas_rule(rule: Any) -> bool:
    if not isinstance(rule, dict):
        return True
    ((kind, operand),) = rule.items()
    return kind in _RULES and not isinstance(operand, dict)


def passing(records: Sequence[Json], mapping: Json) -> list[Json]:
    """The records that match one of the mapping's filters, or all if it has none."""
    filters = (mapping.get("FilterCriteria") or {}).get("Filters") or []
    return [record for record in records if not filters or any(matches(each["Pattern"], record) for each in filters)]


def matches(pattern: str, record: Json) -> bool:
    """Whether a record matches the text of a pattern."""
    found: Any = json.loads(json.dumps(record), parse_float=_Float, parse_int=_Int)
    return any(eventbridge._matches_detail(found, each) for each in eventbridge._compiled_pattern(pattern) or ())
