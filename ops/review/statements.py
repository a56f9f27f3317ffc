"""One IAM statement in words. Pure."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ops.review.wording import is_function, listed, spelled

Statement = Mapping[str, Any]
ANYONE = "anyone"
# Actions that only look; the others change something.
_READS = re.compile(r"(BatchGet|Decrypt|Describe|Get|List|Lookup|Query|Scan|Select|View)")
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
_OPERATOR = re.compile(r"(?:(\w+):)?(String|Arn|Numeric|Date|Binary|Bool|Null|Ip|)(\w*?)(IfExists)?")
_WORDS = {
    "": "is",
    "Equals": "is",
    "EqualsIgnoreCase": "is, in any case,",
    "Like": "is like",
    "Address": "is in",
    "LessThan": "is less than",
    "LessThanEquals": "is at most",
    "GreaterThan": "is more than",
    "GreaterThanEquals": "is at least",
}
_SETS = {"ForAllValues": "every value of {}, if there is any,", "ForAnyValue": "a value of {}", None: "{}"}
# Keys that leave only the principals of named accounts, organizations or resources.
_NARROWING = set(
    "aws:principalaccount aws:principalarn aws:principalorgid aws:principalorgpaths aws:sourceaccount aws:sourcearn "
    "aws:sourceorgid aws:sourceowner aws:sourcevpc aws:sourcevpce aws:userid kms:calleraccount".split()
)
_POSITIVE = {"StringEquals", "StringLike", "ArnEquals", "ArnLike"}


@dataclass(frozen=True, order=True, kw_only=True)
class Permission:
    """One statement: who may or may not do what, on what, and when.

    ``frame`` is the text without the ``actions``; it is ``public`` where it allows something
    to everybody.
    """

    who: str
    text: str
    frame: str = ""
    actions: frozenset[str] = frozenset()
    public: bool = False


def said(statement: Statement, *, who: str, own: Collection[str] = (), where: str = "") -> Permission:
    """A statement in a policy of ``who``; a resource called one of ``own`` is ``it``."""
    if "Effect" not in statement:  # inside a function such as Fn::If
        return Permission(who=who, text=f"depending on a condition: {spelled(statement)}")
    at = f"in {where}: " if where else ""
    frame = f"{at}{_subject(statement)} … on {_resources(statement, own)}{_condition(statement)}"
    return Permission(
        who=who,
        text=frame.replace("…", _actions(statement), 1),
        frame=frame,
        actions=frozenset(map(str, listed(statement.get("Action", [])))),
        public=_is_public(statement),
    )


def said_of_trust(statement: Statement, *, who: str) -> Permission:
    """A statement about who may assume a role."""
    if listed(statement.get("Action", [])) != ["sts:AssumeRole"]:
        return said(statement, who=who, own={who})
    text = f"{_subject(statement)} assume it{_condition(statement)}"
    return Permission(who=who, text=text, public=_is_public(statement))


def _is_public(statement: Statement) -> bool:
    """Whether it allows something to everybody, in any account."""
    everybody = "NotPrincipal" in statement or ANYONE in _principals(statement.get("Principal"))
    return statement["Effect"] == "Allow" and everybody and not _is_narrow(statement)


def _subject(statement: Statement) -> str:
    """``sns.amazonaws.com may``, ``nobody may``; ``may not`` in an identity's own policy."""
    denied = statement["Effect"] != "Allow"
    if "NotPrincipal" in statement:
        return f"{'nobody' if denied else ANYONE} but {' and '.join(_principals(statement['NotPrincipal']))} may"
    names = _principals(statement.get("Principal"))
    if denied and ANYONE in names:
        return "nobody may"
    return f"{' and '.join(names)} may{' not' if denied else ''}".strip()


def _principals(principal: Any) -> list[str]:
    kinds = isinstance(principal, Mapping) and not is_function(principal)
    values = principal.values() if kinds else [principal or []]
    names = [spelled(name) for value in values for name in listed(value)]
    return [ANYONE if name == "*" else name for name in names]


def _resources(statement: Statement, own: Collection[str]) -> str:
    if "NotResource" in statement:
        return f"everything but {' and '.join(map(spelled, listed(statement['NotResource'])))}"
    names = [spelled(name) for name in listed(statement.get("Resource", []))]
    # With a principal it is a resource's policy, whose * is the resource itself.
    of_resource = "Principal" in statement or "NotPrincipal" in statement
    if own and of_resource and (not names or {*names} <= {*own, "*"}):
        return "it"
    return " and ".join("everything (*)" if name == "*" else name for name in names) or "nothing"


def _actions(statement: Statement) -> str:
    """``read (dynamodb: Query) and change (dynamodb: UpdateItem)``."""
    if "NotAction" in statement:
        return f"do anything but {', '.join(sorted(listed(statement['NotAction'])))}"
    kinds: dict[str, list[str]] = {"do anything": [], "read": [], "change": []}
    for action in map(str, listed(statement.get("Action", []))):
        call = action.partition(":")[2]
        kinds["do anything" if call in ("", "*") else "read" if _READS.match(call) else "change"].append(action)
    return " and ".join(f"{kind} ({calls(actions)})" for kind, actions in kinds.items() if actions)


def calls(actions: Collection[str]) -> str:
    """``dynamodb: Query, Scan; s3: GetObject``."""
    services: dict[str, list[str]] = defaultdict(list)
    for action in sorted(actions):
        service, _, call = action.partition(":")
        services[service].append(call or "*")
    return "; ".join(f"{service}: {', '.join(found)}" for service, found in services.items())


def _tests(statement: Statement) -> list[tuple[str, str, Any]]:
    conditions = statement.get("Condition", {}).items()
    return [(operator, key, value) for operator, tests in conditions for key, value in tests.items()]


def _condition(statement: Statement) -> str:
    """``, if aws:SecureTransport is false``; empty where there is no condition."""
    parts = [_test(*one) for one in _tests(statement)]
    return f", if {' and '.join(parts)}" if parts else ""


def _is_narrow(statement: Statement) -> bool:
    """Whether a condition leaves only some of the principals that ``*`` stands for."""
    return any(
        operator in _POSITIVE and key.lower() in _NARROWING and "*" not in map(spelled, listed(value))
        for operator, key, value in _tests(statement)
    )


def _test(operator: str, key: str, value: Any) -> str:
    found = _OPERATOR.fullmatch(operator)
    quantity, kind, name, or_missing = found.groups() if found else (None, "", operator, None)
    if kind == "Null":
        return f"{key} is {'missing' if spelled(value) == 'true' else 'present'}"
    negated = name.startswith("Not")
    verb = _WORDS.get(name.removeprefix("Not"), operator)
    if negated:
        verb = verb.replace("is", "is not", 1)
    values = (" nor " if negated else " or ").join(map(spelled, listed(value)))
    subject = _SETS.get(quantity, "{}").format(key)
    return f"{subject} {verb} {values}{' or is missing' if or_missing else ''}"
