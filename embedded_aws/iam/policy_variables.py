"""Variables in resources and conditions of policies, such as ${aws:username}.

Source: IAM User Guide, "IAM policy elements: Variables and tags": a variable without a value is "effectively null.
There is no equal or like value", so that a negated operator matches. ${*}, ${?} and ${$} stay as they are.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ministack.core.iam_evaluator as evaluator

_VARIABLE = re.compile(r"\$\{(?P<key>[^${},*?]+)(?:,\s*'(?P<default>[^']*)')?\}")
_NULL = "\0"  # in no value and no pattern


def first_match(original: Callable[..., Any], context: Any, statements: list[Any], effect: str) -> Any:
    """The first statement that matches with its variables replaced; None if none does."""
    for one in statements:
        concerns = evaluator._action_matches(context.action, one.actions, one.not_actions)
        if one.effect == effect and concerns and original(context, [_filled(one, context)], effect):
            return one
    return None


def _filled(statement: Any, context: Any) -> Any:
    parts = {name: getattr(statement, name) for name in ("resources", "not_resources", "conditions")}
    if "${" not in str(parts):
        return statement
    return replace(statement, **{name: _fill(part, context) for name, part in parts.items()})


def _fill(part: Any, context: Any) -> Any:
    """``part`` with values for the variables in its texts; names of operators and keys have none."""
    if isinstance(part, dict):
        return {name: _fill(value, context) for name, value in part.items()}
    if isinstance(part, list):
        return [_fill(value, context) for value in part]

    def value_of(match: re.Match[str]) -> str:
        value = evaluator._resolve_condition_key(match["key"].strip(), context)
        if value is None or isinstance(value, list):
            value = match["default"]
        return _NULL if value is None else str(value)

    return _VARIABLE.sub(value_of, part) if isinstance(part, str) else part
