"""Every permission that a template gives or denies, in words, and what a change of it gives to whom. Pure.

A policy is known by what it is, a document of statements with an effect, and not by the type
of the resource that has it: none is left out for being of another type.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ops.review.wording import TYPES, Template, is_function, listed, short, spelled
from ops.template import Properties, Resources

# The resources that are nothing but the policy of a role, user or group.
IDENTITY_POLICIES = {"AWS::IAM::GroupPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy"}
PRINCIPALS = {"AWS::IAM::Group", "AWS::IAM::Role", "AWS::IAM::User"}
# The properties of a principal that are permissions.
_OTHER_PERMISSIONS = {
    "ManagedPolicyArns": "has the managed policy",
    "Groups": "is in group",
    "PermissionsBoundary": "is limited by permissions boundary",
}
OF_PRINCIPALS = {"AssumeRolePolicyDocument", "Policies", *_OTHER_PERMISSIONS}
_INVOKES = {"lambda:InvokeFunction", "lambda:InvokeFunctionUrl"}
_ANYONE = "anyone"
# Actions that only look; the others change something.
_READS = re.compile(r"(BatchGet|Decrypt|Describe|Get|List|Lookup|Query|Scan|Select|View)")
_POSITIVE = {"StringEquals", "StringLike", "ArnEquals", "ArnLike"}


@dataclass(frozen=True, order=True, kw_only=True)
class Permission:
    """One statement: who may or may not do what, on what, and when; ``public`` if it allows something to everybody.

    ``frame`` is the text without the ``actions``.
    """

    who: str
    text: str
    frame: str = ""
    actions: frozenset[str] = frozenset()
    public: bool = False


def permissions(resources: Resources) -> list[Permission]:
    """What every role, key, queue, topic, function... of the template allows or denies."""
    return sorted({one for id, resource in resources.items() for one in _of(id, resource, resources)})


def access_changes(before: Template, after: Template) -> list[str]:
    """The permissions that are added, changed or removed, a line each; ``!``: everybody has it now."""
    old, new = (set(permissions(side.get("Resources", {}))) for side in (before, after))
    removed, added, moved = sorted(old - new), sorted(new - old), []
    for was in list(removed):
        alike = (one for one in added if (one.who, one.frame) == (was.who, was.frame) and one.actions & was.actions)
        if now := next(alike, None):
            removed.remove(was)
            added.remove(now)
            parts = [(now.actions - was.actions, "now also"), (was.actions - now.actions, "no longer")]
            changed = ", ".join(f"{words} {_calls(actions)}" for actions, words in parts if actions)
            moved.append(f"{'!' if now.public else '~'} permission: {now.who}: {now.frame}: {changed}")
    return [
        *(f"{'!' if one.public else '+'} permission: {one.who}: {one.text}" for one in added),
        *moved,
        *(f"- permission: {one.who}: {one.text}" for one in removed),
    ]


def without_documents(value: Any) -> Any:
    """The value less its policy documents."""
    if isinstance(value, Mapping):
        return {key: without_documents(member) for key, member in value.items() if not _as_document(member)}
    if isinstance(value, list):
        return [without_documents(member) for member in value if not _as_document(member)]
    return value


def _documents(value: Any, where: str = "") -> Iterator[tuple[str, Properties]]:
    """Every policy document at any depth, with the region of the replica that has it."""
    if found := _as_document(value):
        yield where, found
    elif isinstance(value, Mapping):
        for key, member in value.items():
            region = value.get("Region") if key != "Region" else None
            yield from _documents(member, spelled(region) if region else where)
    elif isinstance(value, list):
        for member in value:
            yield from _documents(member, where)


def _as_document(value: Any) -> Properties | None:
    """The value as a policy document, where it is one or the text of one."""
    if isinstance(value, str) or is_function(value):
        with suppress(ValueError):
            value = json.loads(spelled(value))
    if not isinstance(value, Mapping) or "Statement" not in value:
        return None
    # At any depth: a statement may be inside Fn::If.
    return value if '"Effect":' in json.dumps(value["Statement"]) else None


def _of(id: str, resource: Properties, resources: Resources) -> Iterator[Permission]:
    kind, properties, own = resource["Type"], resource.get("Properties", {}), _name(id, resources)
    if kind in PRINCIPALS:
        yield from _of_principal(own, properties)
    elif kind in {*IDENTITY_POLICIES, "AWS::IAM::ManagedPolicy"}:
        for who in _holders(id, properties, resources):
            yield from _statements(properties, who=who)
    elif kind == "AWS::Lambda::Url":
        public = properties.get("AuthType") == "NONE"
        text = f"has a URL {'without authentication' if public else 'for callers with IAM'}"
        yield Permission(who=spelled(properties["TargetFunctionArn"]), text=text, public=public)
    elif "Principal" in properties:
        yield _of_call(spelled(properties["FunctionName"]) if "FunctionName" in properties else own, properties)
    else:
        target = properties.get(TYPES["policy_of"].get(kind))
        who = own if target is None else spelled(target)
        yield from _statements(properties, who=who, own={who, own})


def _of_principal(who: str, properties: Properties) -> Iterator[Permission]:
    for statement in listed(properties.get("AssumeRolePolicyDocument", {}).get("Statement", [])):
        if listed(statement.get("Action")) == ["sts:AssumeRole"]:
            text = f"{_subject(statement)} assume it{_condition(statement)}"
            yield Permission(who=who, text=text, public=_is_public(statement))
        else:
            yield said(statement, who=who, own={who})
    yield from _statements(properties.get("Policies", []), who=who)
    for key, words in _OTHER_PERMISSIONS.items():
        for value in listed(properties.get(key, [])):
            yield Permission(who=who, text=f"{words} {spelled(value)}")


def _statements(value: Any, *, who: str, own: Collection[str] = ()) -> Iterator[Permission]:
    for where, document in _documents(value):
        for statement in listed(document["Statement"]):
            yield said(statement, who=who, own=own, where=where)


def _of_call(who: str, properties: Properties) -> Permission:
    """A resource that lets one principal do one thing, such as AWS::Lambda::Permission."""
    action, principal = spelled(properties.get("Action", "?")), spelled(properties["Principal"])
    what = "call it" if action in _INVOKES else f"do {action} on it"
    if properties.get("FunctionUrlAuthType"):
        what += " by its URL"
    limits = [
        f"{words}{spelled(properties[key])}" for key, words in TYPES["caller_limits"].items() if key in properties
    ]
    only = f", only for {' and '.join(limits)}" if limits else ""
    text = f"{_ANYONE if principal == '*' else principal} may {what}{only}"
    return Permission(who=who, text=text, public=principal == "*" and not only)


def _name(id: str, resources: Resources) -> str:
    """``SeedSeedingRole (SeedSeedingFunction)``: with the functions and state machines that use it."""
    arn = {"Fn::GetAtt": [id, "Arn"]}
    properties = {name: one.get("Properties", {}) for name, one in resources.items()}
    users = [short(name) for name, one in properties.items() if arn in (one.get("Role"), one.get("RoleArn"))]
    return short(id) + (f" ({', '.join(users)})" if users else "")


def _holders(id: str, properties: Properties, resources: Resources) -> list[str]:
    """The roles, users and groups that have a policy; where there are none, the policy is named."""
    found = []
    for kind in ("Role", "User", "Group"):
        for value in [*properties.get(f"{kind}s", []), *listed(properties.get(f"{kind}Name", []))]:
            role = value.get("Ref", "") if isinstance(value, Mapping) else ""
            found.append(_name(role, resources) if role in resources else f"{kind.lower()} {spelled(value)}")
    for name, resource in resources.items():
        if {"Ref": id} in listed(resource.get("Properties", {}).get("ManagedPolicyArns", [])):
            found.append(_name(name, resources))
    return list(dict.fromkeys(found)) or [f"anyone with the policy {short(id)}"]


def said(statement: Properties, *, who: str, own: Collection[str] = (), where: str = "") -> Permission:
    """A statement in a policy of ``who``; a resource called one of ``own`` is ``it``."""
    if "Effect" not in statement:  # inside a function such as Fn::If
        return Permission(who=who, text=f"depending on a condition: {spelled(statement)}")
    frame = f"{_subject(statement)} … on {_resources(statement, own)}{_condition(statement)}"
    frame = f"in {where}: {frame}" if where else frame
    return Permission(
        who=who,
        text=frame.replace("…", _actions(statement), 1),
        frame=frame,
        actions=frozenset(map(str, listed(statement.get("Action", [])))),
        public=_is_public(statement),
    )


def _subject(statement: Properties) -> str:
    """``sns.amazonaws.com may``, ``no one may``; ``may not`` in an identity's own policy."""
    denied = statement["Effect"] != "Allow"
    names = _principals(statement)
    if denied and _ANYONE in names:
        return "no one may"
    return f"{' and '.join(names)} may{' not' if denied else ''}".strip()


def _principals(statement: Properties) -> list[str]:
    principal = statement.get("NotPrincipal", statement.get("Principal", []))
    values = principal.values() if isinstance(principal, Mapping) and not is_function(principal) else [principal]
    names = [_ANYONE if name == "*" else spelled(name) for value in values for name in listed(value)]
    return [f"{_ANYONE} but {' and '.join(names)}"] if "NotPrincipal" in statement else names


def _resources(statement: Properties, own: Collection[str]) -> str:
    if "NotResource" in statement:
        return f"everything but {' and '.join(map(spelled, listed(statement['NotResource'])))}"
    names = [spelled(name) for name in listed(statement.get("Resource", []))]
    # With a principal it is a resource's policy, whose * is the resource itself.
    if own and (statement.keys() & {"Principal", "NotPrincipal"}) and {*names} <= {*own, "*"}:
        return "it"
    return " and ".join("everything (*)" if name == "*" else name for name in names) or "nothing"


def _actions(statement: Properties) -> str:
    """``read (dynamodb: Query) and change (dynamodb: UpdateItem)``."""
    if "NotAction" in statement:
        return f"do anything but {', '.join(sorted(listed(statement['NotAction'])))}"
    kinds: dict[str, list[str]] = {"do anything": [], "read": [], "change": []}
    for action in map(str, listed(statement.get("Action", []))):
        call = action.partition(":")[2]
        kinds["do anything" if call in ("", "*") else "read" if _READS.match(call) else "change"].append(action)
    return " and ".join(f"{kind} ({_calls(actions)})" for kind, actions in kinds.items() if actions)


def _calls(actions: Collection[str]) -> str:
    """``dynamodb: Query, Scan; s3: GetObject``."""
    found = []
    for service, group in groupby(sorted(actions), key=lambda action: action.partition(":")[0]):
        found.append(f"{service}: {', '.join(action.partition(':')[2] or '*' for action in group)}")
    return "; ".join(found)


def _tests(statement: Properties) -> Iterator[tuple[str, str, list[str]]]:
    """Each test of the condition: key, operator and values."""
    for operator, tests in statement.get("Condition", {}).items():
        yield from ((key, operator, list(map(spelled, listed(value)))) for key, value in tests.items())


def _condition(statement: Properties) -> str:
    """``, if aws:SecureTransport Bool false``; empty where there is no condition."""
    parts = [f"{key} {operator} {' or '.join(values)}" for key, operator, values in _tests(statement)]
    return f", if {' and '.join(parts)}" if parts else ""


def _is_public(statement: Properties) -> bool:
    """Whether it allows something to everybody, in any account, and no condition leaves only some of them."""
    everybody = "NotPrincipal" in statement or _ANYONE in _principals(statement)
    narrow = any(
        operator in _POSITIVE and key.lower() in TYPES["narrowing"] and "*" not in values
        for key, operator, values in _tests(statement)
    )
    return statement["Effect"] == "Allow" and everybody and not narrow
