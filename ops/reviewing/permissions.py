"""Every IAM statement of a template, in words. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ops.reviewing.spelling import short, spelled

Resources = Mapping[str, Mapping[str, Any]]
# Which actions only look; the others change something.
_READS = re.compile(r"(BatchGet|Decrypt|Describe|Get|List|Lookup|Query|Scan|Select|View)")
# Where a template keeps policies that are no role's, and which property says whose they are.
_RESOURCE_POLICIES = {
    "AWS::Backup::BackupVault": ("AccessPolicy", None),
    "AWS::KMS::Key": ("KeyPolicy", None),
    "AWS::S3::BucketPolicy": ("PolicyDocument", "Bucket"),
    "AWS::SNS::TopicPolicy": ("PolicyDocument", "Topics"),
    "AWS::SQS::QueuePolicy": ("PolicyDocument", "Queues"),
}


@dataclass(frozen=True, order=True, kw_only=True)
class Permission:
    """One statement: who may or may not do what, on what, and when."""

    who: str
    text: str


def permissions(resources: Resources) -> list[Permission]:
    """What every role, key, queue, topic and function of the template allows or denies."""
    users = _users(resources)
    found = [*_of_roles(resources), *_of_resources(resources), *_of_functions(resources)]
    return sorted(
        Permission(who=_named(one.who, users), text=one.text) for one in dict.fromkeys(found)
    )


def _of_roles(resources: Resources) -> Iterator[Permission]:
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::IAM::Policy":
            owners = [role["Ref"] for role in properties.get("Roles", []) if "Ref" in role]
            for owner in owners:
                yield from _in_document(owner, properties["PolicyDocument"])
        elif resource["Type"] == "AWS::IAM::Role":
            for statement in _listed(properties["AssumeRolePolicyDocument"]["Statement"]):
                who = _principal(statement.get("Principal", {}))
                text = f"{who} may become it{_condition(statement)}"
                yield Permission(who=name, text=text)
            for policy in properties.get("Policies", []):
                yield from _in_document(name, policy["PolicyDocument"])
            for arn in properties.get("ManagedPolicyArns", []):
                yield Permission(who=name, text=f"has the managed policy {spelled(arn)}")


def _of_resources(resources: Resources) -> Iterator[Permission]:
    for name, resource in resources.items():
        if resource["Type"] not in _RESOURCE_POLICIES:
            continue
        document, owner = _RESOURCE_POLICIES[resource["Type"]]
        properties = resource.get("Properties", {})
        whose = spelled(properties[owner]) if owner else name
        for statement in _listed(properties.get(document, {}).get("Statement", [])):
            who = _principal(statement.get("Principal", {}))
            yield Permission(who=whose, text=f"{who} {_sentence(statement, on='it')}")


def _of_functions(resources: Resources) -> Iterator[Permission]:
    for resource in resources.values():
        if resource["Type"] == "AWS::Lambda::Permission":
            properties = resource["Properties"]
            source = properties.get("SourceArn")
            only = f", only for {spelled(source)}" if source else ""
            yield Permission(
                who=spelled(properties["FunctionName"]),
                text=f"{spelled(properties['Principal'])} may call it{only}",
            )


def _in_document(owner: str, document: Mapping[str, Any]) -> Iterator[Permission]:
    for statement in _listed(document["Statement"]):
        yield Permission(who=owner, text=_sentence(statement))


def _sentence(statement: Mapping[str, Any], *, on: str = "") -> str:
    verb = "may" if statement["Effect"] == "Allow" else "may not"
    where = on or " and ".join(map(spelled, _listed(statement.get("Resource", "?"))))
    if where == "*":
        where = "everything (*)"
    return f"{verb} {_actions(statement)} on {where}{_condition(statement)}"


def _actions(statement: Mapping[str, Any]) -> str:
    """``read (dynamodb: Query) and change (dynamodb: UpdateItem)``."""
    if "NotAction" in statement:
        return f"do anything but {', '.join(_listed(statement['NotAction']))}"
    kinds: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for action in _listed(statement["Action"]):
        service, _, call = action.partition(":")
        kind = "do anything" if call in ("", "*") else "read" if _READS.match(call) else "change"
        kinds[kind][service].append(call or "*")
    return " and ".join(f"{kind} ({_calls(by)})" for kind, by in kinds.items())


def _calls(by_service: Mapping[str, list[str]]) -> str:
    return "; ".join(f"{service}: {', '.join(calls)}" for service, calls in by_service.items())


def _condition(statement: Mapping[str, Any]) -> str:
    parts = [
        f"{key} {_operator(operator)} {spelled(value)}"
        for operator, tests in statement.get("Condition", {}).items()
        for key, value in tests.items()
    ]
    return f", if {' and '.join(parts)}" if parts else ""


def _operator(operator: str) -> str:
    words = {"StringEquals": "is", "Bool": "is", "StringLike": "is like", "ArnLike": "is like",
             "ArnEquals": "is", "Null": "is missing:"}  # fmt: skip
    return words.get(operator, operator)


def _principal(principal: Any) -> str:
    if principal == "*" or principal == {"AWS": "*"}:
        return "anyone"
    names = [name for value in principal.values() for name in _listed(value)]
    return " and ".join(map(spelled, names))


def _users(resources: Resources) -> dict[str, list[str]]:
    """Which functions and machines work as a role."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        role = properties.get("Role") or properties.get("RoleArn")
        if isinstance(role, Mapping) and "Fn::GetAtt" in role:
            found[role["Fn::GetAtt"][0]].append(short(name))
    return found


def _named(owner: str, users: Mapping[str, list[str]]) -> str:
    """``SeedSeedingRole (SeedSeedingFunction)``."""
    return short(owner) + (f" ({', '.join(users[owner])})" if owner in users else "")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
