"""One IAM statement in words. Pure."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from ops.review.conditions import condition, is_narrow
from ops.review.documents import listed
from ops.review.spelling import spelled

Statement = Mapping[str, Any]
# Which actions only look; the others change something.
_READS = re.compile(r"(BatchGet|Decrypt|Describe|Get|List|Lookup|Query|Scan|Select|View)")
_ANYONE = "anyone"


@dataclass(frozen=True, order=True, kw_only=True)
class Permission:
    """One statement: who may or may not do what, on what, and when.

    ``lead`` and ``rest`` are what it says but for the ``actions``; it is ``public`` where
    it allows something to everybody.
    """

    who: str
    text: str
    lead: str = ""
    actions: frozenset[str] = frozenset()
    rest: str = ""
    public: bool = False


def said(statement: Statement, *, who: str, own: Collection[str] = (), where: str = "") -> Permission:
    """A statement of a policy of ``who``; what is called one of ``own`` is ``it``."""
    if "Effect" not in statement:  # inside a function such as Fn::If
        return Permission(who=who, text=f"depending on a condition: {spelled(statement)}")
    denied = statement["Effect"] != "Allow"
    at = f"in {where}: " if where else ""
    on = f"on {_resources(statement, own)}{condition(statement)}"
    return Permission(
        who=who,
        text=f"{at}{_subject(statement, denied=denied)} {_actions(statement)} {on}",
        lead=f"{at}{_lead(statement, denied=denied)}",
        actions=frozenset(map(str, listed(statement.get("Action", [])))),
        rest=on,
        public=is_public(statement),
    )


def said_of_trust(statement: Statement, *, who: str) -> Permission:
    """A statement of who may become a role."""
    found = said(statement, who=who, own={who})
    if listed(statement.get("Action", [])) != ["sts:AssumeRole"]:
        return found
    subject = _subject(statement, denied=statement["Effect"] != "Allow")
    text = f"{subject} become it{condition(statement)}"
    return Permission(who=who, text=text, public=found.public)


def is_public(statement: Statement) -> bool:
    """Whether it allows something to everybody, in whatever account."""
    everybody = "NotPrincipal" in statement or _ANYONE in _principals(statement.get("Principal"))
    return statement["Effect"] == "Allow" and everybody and not is_narrow(statement)


def _subject(statement: Statement, *, denied: bool) -> str:
    """``sns.amazonaws.com may``, ``nobody may``; ``may not`` where the policy is somebody's own."""
    if "NotPrincipal" in statement:
        others = " and ".join(_principals(statement["NotPrincipal"]))
        return f"{'nobody' if denied else _ANYONE} but {others} may"
    names = _principals(statement.get("Principal"))
    if denied and _ANYONE in names:
        return "nobody may"
    return f"{' and '.join(names)} may{' not' if denied else ''}".strip()


def _lead(statement: Statement, *, denied: bool) -> str:
    """The same before a list of actions that came or went."""
    names = " and ".join(_principals(statement.get("NotPrincipal", statement.get("Principal"))))
    if "NotPrincipal" in statement:
        names = f"{_ANYONE} but {names}"
    if denied:
        return f"denied{f' to {names}' if names else ''}: "
    return f"{names}: " if names else ""


def _principals(principal: Any) -> list[str]:
    values = principal.values() if isinstance(principal, Mapping) else [principal or []]
    if isinstance(principal, Mapping) and _is_reference(principal):
        values = [principal]
    names = [spelled(name) for value in values for name in listed(value)]
    return [_ANYONE if name == "*" else name for name in names]


def _is_reference(value: Mapping[str, Any]) -> bool:
    return any(key == "Ref" or key.startswith("Fn::") for key in value)


def _resources(statement: Statement, own: Collection[str]) -> str:
    if "NotResource" in statement:
        return f"everything but {' and '.join(map(spelled, listed(statement['NotResource'])))}"
    names = [spelled(name) for name in listed(statement.get("Resource", []))]
    # Without a principal it is no policy of a resource, whose * is the resource itself.
    of_resource = "Principal" in statement or "NotPrincipal" in statement
    if own and of_resource and (not names or {*names} <= {*own, "*"}):
        return "it"
    return " and ".join("everything (*)" if name == "*" else name for name in names) or "nothing"


def _actions(statement: Statement) -> str:
    """``read (dynamodb: Query) and change (dynamodb: UpdateItem)``."""
    if "NotAction" in statement:
        return f"do anything but {', '.join(sorted(listed(statement['NotAction'])))}"
    kinds: dict[str, list[str]] = defaultdict(list)
    for action in sorted(map(str, listed(statement.get("Action", [])))):
        call = action.partition(":")[2]
        kind = "do anything" if call in ("", "*") else "read" if _READS.match(call) else "change"
        kinds[kind].append(action)
    inside = sorted(kinds.items(), key=lambda one: ("do anything", "read", "change").index(one[0]))
    return " and ".join(f"{kind} ({calls(actions)})" for kind, actions in inside)


def calls(actions: Collection[str]) -> str:
    """``dynamodb: Query, Scan; s3: GetObject``."""
    services: dict[str, list[str]] = defaultdict(list)
    for action in sorted(actions):
        service, _, call = action.partition(":")
        services[service].append(call or "*")
    return "; ".join(f"{service}: {', '.join(found)}" for service, found in services.items())
