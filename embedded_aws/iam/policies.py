"""Policy documents that IAM refuses, the ARNs that the patterns of a policy match, and its variables.

Sources: IAM User Guide, "IAM JSON policy elements: Resource" ("If the * wildcard is the last character of a resource
ARN segment, it can expand to match beyond the colon boundaries") and "Condition operators" ("Each of the six
colon-delimited components of the ARN is checked separately"). The texts are those reported in garnaat/kappa#111,
trussworks/terraform-aws-s3-anti-virus#21 and aws-cloudformation/cfn-lint#3751.

Variables: IAM User Guide, "IAM policy elements: Variables and tags": a variable without a value is "effectively null.
There is no equal or like value", so that a negated operator matches. ${*}, ${?} and ${$} stay as they are.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import ministack.core.iam_evaluator as evaluator

from embedded_aws.replies import Json

_OPERATOR = re.compile(r"null|(?:forallvalues:|foranyvalue:)?(?P<operator>[a-z]+?)(?:ifexists)?")
_VARIABLE = re.compile(r"\$\{(?P<key>[^${},*?]+)(?:,\s*'(?P<default>[^']*)')?\}")
_NULL = "\0"  # in no value and no pattern
_PARTS = 6  # of an ARN; the last one may have colons


def validate(original: Callable[..., str | None], document: Any) -> str | None:
    """What is wrong with a policy's document, or None."""
    if problem := original(document):
        return problem
    statements = (json.loads(document) if isinstance(document, str) else document)["Statement"]
    return next((problem for one in _listed(statements) for problem in _problems(one)), None)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _problems(statement: Json) -> Iterator[str]:
    for action in _listed(statement.get("Action", statement.get("NotAction"))):
        if str(action).count(":") > 1:
            yield "Actions/Condition can contain only one colon."
        elif action != "*" and ":" not in str(action):
            yield "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
    for resource in _listed(statement.get("Resource", statement.get("NotResource"))):
        if resource != "*" and ":" not in str(resource):
            yield f'Resource {resource} must be in ARN format or "*".'
    conditions = statement.get("Condition", {})
    if not isinstance(conditions, dict) or not all(_known(*one) for one in conditions.items()):
        yield "Syntax errors in policy."


def _known(operator: str, keys: Any) -> bool:
    match = _OPERATOR.fullmatch(operator.lower())
    return isinstance(keys, dict) and bool(match and match["operator"] in (None, *evaluator._CONDITION_OPS))


def resource_matches(_: Callable[..., bool], resource: str, resources: list[str], not_resources: list[str]) -> bool:
    if resources:
        return any(_pattern(one).fullmatch(resource) for one in resources)
    return not any(_pattern(one).fullmatch(resource) for one in not_resources)


@cache
def _pattern(resource: str) -> re.Pattern[str]:
    """The ARNs that a Resource element matches."""
    *segments, last = resource.split(":", _PARTS - 1)
    # Within a segment no wildcard matches a colon; at its end, and in the last part of an ARN, "*" does.
    texts = [_expression(one[:-1], "[^:]*", "[^:]") + _expression(one[-1:], ".*", "[^:]") for one in segments]
    return re.compile(":".join([*texts, _expression(last, ".*", ".")]), re.DOTALL)


def _expression(text: str, many: str, single: str) -> str:
    return "".join({"*": many, "?": single}.get(character) or re.escape(character) for character in text)


def is_like(arn: str, pattern: str) -> bool:
    """Whether ``arn`` is like ``pattern`` for ArnLike and ArnEquals: each part by itself."""
    parts, patterns = arn.split(":", _PARTS - 1), pattern.split(":", _PARTS - 1)
    if pattern == "*":
        return True
    return len(parts) == len(patterns) and all(map(evaluator.fnmatch_iam_cs, parts, patterns))


def is_unlike(arn: str, pattern: str) -> bool:
    """The opposite, for ArnNotLike and ArnNotEquals."""
    return not is_like(arn, pattern)


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
