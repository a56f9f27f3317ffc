"""Every permission that a template gives or denies, in words. Pure.

A policy is known by what it is, a document of statements with an effect, and not by
the type of the resource that has it: none is left out for being of another type.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ops.review.documents import documents, listed, statements
from ops.review.owners import Owners, Resources
from ops.review.spelling import spelled
from ops.review.statements import Permission, said, said_of_trust

# The resources that are nothing but a policy of somebody's.
IDENTITY_POLICIES = {"AWS::IAM::GroupPolicy", "AWS::IAM::Policy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy"}
_PRINCIPALS = {"AWS::IAM::Group", "AWS::IAM::Role", "AWS::IAM::User"}
# What of a principal is said here.
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
_CALLS = {"lambda:InvokeFunction", "lambda:InvokeFunctionUrl"}


def permissions(resources: Resources) -> list[Permission]:
    """What every role, key, queue, topic, function... of the template allows or denies."""
    owners = Owners(resources)
    found = [one for name in resources for one in _of(name, resources[name], owners)]
    return sorted(set(found))


def is_principal(resource: Mapping[str, Any]) -> bool:
    """Whether it is a role, a user or a group."""
    return resource["Type"] in _PRINCIPALS


def _of(name: str, resource: Mapping[str, Any], owners: Owners) -> Iterator[Permission]:
    properties = resource.get("Properties", {})
    if is_principal(resource):
        yield from _of_principal(owners.name(name), properties)
    elif resource["Type"] in {*IDENTITY_POLICIES, "AWS::IAM::ManagedPolicy"}:
        for who in owners.of_identity_policy(name):
            yield from _in(properties, who=who)
    elif resource["Type"] == "AWS::IAM::UserToGroupAddition":
        for user in listed(properties["Users"]):
            yield Permission(who=spelled(user), text=f"is in group {spelled(properties['GroupName'])}")
    elif resource["Type"] == "AWS::Lambda::Url":
        yield _of_url(properties)
    elif "Principal" in properties:
        yield _of_call(name, properties, owners)
    else:
        who = owners.of_resource_policy(name)
        yield from _in(properties, who=who, own={who, owners.name(name)})


def _of_principal(who: str, properties: Mapping[str, Any]) -> Iterator[Permission]:
    for statement in statements(properties.get("AssumeRolePolicyDocument", {"Statement": []})):
        yield said_of_trust(statement, who=who)
    yield from _in(properties.get("Policies", []), who=who)
    for arn in listed(properties.get("ManagedPolicyArns", [])):
        yield Permission(who=who, text=f"has the managed policy {spelled(arn)}")
    for group in listed(properties.get("Groups", [])):
        yield Permission(who=who, text=f"is in group {spelled(group)}")
    if "PermissionsBoundary" in properties:
        limits = spelled(properties["PermissionsBoundary"])
        yield Permission(who=who, text=f"may do no more than {limits} allows")


def _in(value: Any, *, who: str, own: set[str] | None = None) -> Iterator[Permission]:
    for where, document in documents(value):
        for statement in statements(document):
            yield said(statement, who=who, own=own or (), where=where)


def _of_url(properties: Mapping[str, Any]) -> Permission:
    """A function's URL: with AuthType NONE it asks nobody who they are."""
    public = properties.get("AuthType") == "NONE"
    text = "has a URL that asks nobody who they are" if public else "has a URL for callers with IAM"
    return Permission(who=spelled(properties["TargetFunctionArn"]), text=text, public=public)


def _of_call(name: str, properties: Mapping[str, Any], owners: Owners) -> Permission:
    """A resource that lets one principal do one thing, such as AWS::Lambda::Permission."""
    who = spelled(properties["FunctionName"]) if "FunctionName" in properties else (owners.of_resource_policy(name))
    action = spelled(properties.get("Action", "?"))
    principal = spelled(properties["Principal"])
    subject = "anyone" if principal == "*" else principal
    limits = {key: value for key, value in properties.items() if key in _LIMITS}
    what = "call it" if action in _CALLS else f"do {action} on it"
    if properties.get("FunctionUrlAuthType"):
        what += " by its URL"
    only = " and ".join(f"{_LIMITS[key]}{spelled(value)}" for key, value in limits.items())
    text = f"{subject} may {what}{f', only for {only}' if only else ''}"
    return Permission(who=who, text=text, public=principal == "*" and not limits)
