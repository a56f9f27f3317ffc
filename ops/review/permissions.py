"""Every permission that a template gives or denies, and what a change of it gives to whom. Pure.

A policy is known by what it is, a document of statements with an effect, and not by the type
of the resource that has it: none is left out for being of another type.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ops.review.statements import ANYONE, Permission, calls, said, said_of_trust
from ops.review.wording import POLICY_OF, Template, listed, short, spelled
from ops.template import Resources

# The resources that are nothing but the policy of a role, user or group.
IDENTITY_POLICIES = {"AWS::IAM::GroupPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy"}
PRINCIPALS = {"AWS::IAM::Group", "AWS::IAM::Role", "AWS::IAM::User"}
# The properties of a principal that are permissions.
OF_PRINCIPALS = {"AssumeRolePolicyDocument", "Groups", "ManagedPolicyArns", "PermissionsBoundary", "Policies"}
# What narrows who may call a function, with the words before its value.
_LIMITS = {
    "SourceArn": "",
    "SourceAccount": "account ",
    "PrincipalOrgID": "organization ",
    "OrganizationId": "organization ",
    "EventSourceToken": "token ",
    "Condition": "",
}
_INVOKES = {"lambda:InvokeFunction", "lambda:InvokeFunctionUrl"}


def permissions(resources: Resources) -> list[Permission]:
    """What every role, key, queue, topic, function... of the template allows or denies."""
    return sorted({one for id, resource in resources.items() for one in _of(id, resource, resources)})


def access_changes(before: Template, after: Template) -> list[str]:
    """The permissions that are new, changed or gone, a line each; ``!``: everybody has it now."""
    old, new = (set(permissions(side["Resources"])) for side in (before, after))
    gone, come, moved = sorted(old - new), sorted(new - old), []
    for was in list(gone):
        like = [now for now in come if (now.who, now.frame) == (was.who, was.frame) and now.actions & was.actions]
        if like:
            now = max(like, key=lambda one: len(one.actions & was.actions))
            gone.remove(was)
            come.remove(now)
            moved.append((was, now))
    return [
        *(f"{'!' if one.public else '+'} permission: {one.who}: {one.text}" for one in come),
        *(f"{'!' if now.public else '~'} permission: {now.who}: {_moved(was, now)}" for was, now in moved),
        *(f"- permission: {one.who}: {one.text}" for one in gone),
    ]


def _moved(was: Permission, now: Permission) -> str:
    """``may … on MessagesTable: now also dynamodb: DeleteTable``."""
    more, less = now.actions - was.actions, was.actions - now.actions
    parts = [f"now also {calls(more)}"] if more else []
    parts += [f"no longer {calls(less)}"] if less else []
    return f"{now.frame}: {', '.join(parts)}"


def documents(value: Any, where: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every policy document at any depth, with the region of the replica that has it."""
    found = _as_document(value)
    if found:
        yield where, found
    elif isinstance(value, Mapping):
        for key, member in value.items():
            region = value.get("Region") if key != "Region" else None
            yield from documents(member, spelled(region) if region else where)
    elif isinstance(value, list):
        for member in value:
            yield from documents(member, where)


def without_documents(value: Any) -> Any:
    """The value less its policy documents."""
    if isinstance(value, Mapping):
        return {key: without_documents(member) for key, member in value.items() if not _as_document(member)}
    if isinstance(value, list):
        return [without_documents(member) for member in value if not _as_document(member)]
    return value


def _as_document(value: Any) -> Mapping[str, Any] | None:
    """The value as a policy document, where it is one or the text of one."""
    if isinstance(value, str) or (isinstance(value, Mapping) and len(value) == 1):
        try:
            text = spelled(value)
            value = json.loads(text) if '"Statement"' in text else value
        except ValueError:
            return None
    if not isinstance(value, Mapping) or "Statement" not in value:
        return None
    # At any depth: a statement may be inside Fn::If.
    return value if '"Effect":' in json.dumps(value["Statement"]) else None


def _of(id: str, resource: Mapping[str, Any], resources: Resources) -> Iterator[Permission]:
    kind, properties = resource["Type"], resource.get("Properties", {})
    if kind in PRINCIPALS:
        yield from _of_principal(_name(id, resources), properties)
    elif kind in {*IDENTITY_POLICIES, "AWS::IAM::ManagedPolicy"}:
        for who in _holders(id, properties, resources):
            yield from _said(properties, who=who)
    elif kind == "AWS::IAM::UserToGroupAddition":
        for user in listed(properties["Users"]):
            yield Permission(who=spelled(user), text=f"is in group {spelled(properties['GroupName'])}")
    elif kind == "AWS::Lambda::Url":
        public = properties.get("AuthType") == "NONE"
        text = f"has a URL {'without authentication' if public else 'for callers with IAM'}"
        yield Permission(who=spelled(properties["TargetFunctionArn"]), text=text, public=public)
    else:
        target = properties.get("FunctionName") if "Principal" in properties else None
        target = target or properties.get(POLICY_OF.get(kind, ""))
        who = _name(id, resources) if target is None else spelled(target)
        if "Principal" in properties:
            yield _of_call(who, properties)
        else:
            yield from _said(properties, who=who, own={who, _name(id, resources)})


def _of_principal(who: str, properties: Mapping[str, Any]) -> Iterator[Permission]:
    for statement in listed(properties.get("AssumeRolePolicyDocument", {}).get("Statement", [])):
        yield said_of_trust(statement, who=who)
    yield from _said(properties.get("Policies", []), who=who)
    for arn in listed(properties.get("ManagedPolicyArns", [])):
        yield Permission(who=who, text=f"has the managed policy {spelled(arn)}")
    for group in listed(properties.get("Groups", [])):
        yield Permission(who=who, text=f"is in group {spelled(group)}")
    if "PermissionsBoundary" in properties:
        yield Permission(who=who, text=f"may do no more than {spelled(properties['PermissionsBoundary'])} allows")


def _said(value: Any, *, who: str, own: set[str] | None = None) -> Iterator[Permission]:
    for where, document in documents(value):
        for statement in listed(document["Statement"]):
            yield said(statement, who=who, own=own or (), where=where)


def _of_call(who: str, properties: Mapping[str, Any]) -> Permission:
    """A resource that lets one principal do one thing, such as AWS::Lambda::Permission."""
    action, principal = spelled(properties.get("Action", "?")), spelled(properties["Principal"])
    what = "call it" if action in _INVOKES else f"do {action} on it"
    if properties.get("FunctionUrlAuthType"):
        what += " by its URL"
    only = " and ".join(f"{word}{spelled(properties[key])}" for key, word in _LIMITS.items() if key in properties)
    text = f"{ANYONE if principal == '*' else principal} may {what}{f', only for {only}' if only else ''}"
    return Permission(who=who, text=text, public=principal == "*" and not only)


def _name(id: str, resources: Resources) -> str:
    """``SeedSeedingRole (SeedSeedingFunction)``: with the functions and state machines that use it."""
    users = []
    for name, resource in resources.items():
        role = resource.get("Properties", {}).get("Role") or resource.get("Properties", {}).get("RoleArn")
        if isinstance(role, Mapping) and listed(role.get("Fn::GetAtt"))[0] == id:
            users.append(short(name))
    return short(id) + (f" ({', '.join(users)})" if users else "")


def _holders(id: str, properties: Mapping[str, Any], resources: Resources) -> list[str]:
    """The roles, users and groups that have a policy; where there are none, the policy is named."""
    found = [
        _holder(kind, value, resources)
        for kind in ("Role", "User", "Group")
        for key in (f"{kind}s", f"{kind}Name")
        for value in listed(properties.get(key, []))
    ]
    for name, resource in resources.items():
        if {"Ref": id} in listed(resource.get("Properties", {}).get("ManagedPolicyArns", [])):
            found.append(_name(name, resources))
    return list(dict.fromkeys(found)) or [f"anyone with the policy {short(id)}"]


def _holder(kind: str, value: Any, resources: Resources) -> str:
    """One of the template, by reference; or a name."""
    if isinstance(value, Mapping) and value.get("Ref") in resources:
        return _name(value["Ref"], resources)
    return f"{kind.lower()} {spelled(value)}"
