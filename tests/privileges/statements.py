"""Every permission that a template gives, one by one, and the template without one of them.

A permission is one action of one statement on one resource, to a role (its own
policies, its trust) or to a principal that a resource's policy names.
"""

import copy
import functools
import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Template = dict[str, Any]
Statement = dict[str, Any]
Place = tuple[Any, ...]

POLICY, ROLE, PERMISSION = "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::Lambda::Permission"
TRUST = "AssumeRolePolicyDocument"
# Of the stages here that have to name theirs.
REGION = "us-east-1"
# What a role trusts instead of its service: a trust policy must name a principal.
OTHER_SERVICE = {"Service": "ec2.amazonaws.com"}
_HASH = re.compile(r"[0-9A-F]{8}$")
# What differs between stages, accounts and contents.
_NAMES = [
    (re.compile(r"(?<=-)kSUFFIX"), "SUFFIX"),  # of a vault with a key
    (re.compile(r"Messages-[a-z][a-z0-9]*(?:-[a-z0-9]+)*"), "Messages"),
    (re.compile(r"(?<=userpool/).+"), "POOL"),
    (re.compile(r"cdk-[a-z0-9]+-assets[^/]*"), "assets"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "DATASET"),
]


@dataclass(frozen=True)
class Permission:
    """One action that ``holder`` may (or, in a Deny, may not) perform on one resource.

    ``holder`` is a role, or the resource whose policy it is; ``principal`` the one that
    the latter names; ``at`` where in the template the statement stands.
    """

    holder: str
    effect: str
    action: str
    resource: str
    principal: str
    condition: str
    at: Place

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """What tells it from others, whatever stands before it in the template."""
        return self.holder, self.effect, self.action, self.resource, self.principal

    def __str__(self) -> str:
        who = f"{self.principal} " if self.principal else ""
        denied = "denied " if self.effect == "Deny" else ""
        return f"{self.holder}: {who}{denied}{self.action} on {self.resource}"


def permissions(template: Template) -> list[Permission]:
    """All permissions of the template, in its order."""
    return [
        Permission(
            holder=_holder(template, at),
            effect=str(statement["Effect"]),
            action=action,
            resource=shown(resource),
            principal=_principal(statement),
            condition=shown(statement.get("Condition", "")),
            at=at,
        )
        for at, statement in _statements(template)
        for action in _listed(statement["Action"])
        # A trust is about the role itself.
        for resource in (["the role"] if TRUST in at else _listed(statement["Resource"]))
    ]


def without(template: Template, removed: Permission) -> Template:
    """The template without one permission; what else its statement allows stays."""
    changed = copy.deepcopy(template)
    _, logical_id, *_ = removed.at
    resource = changed["Resources"][logical_id]
    if resource["Type"] != PERMISSION:
        statements = functools.reduce(operator.getitem, removed.at[:-1], changed)
        number = removed.at[-1]
        if TRUST in removed.at:
            statements[number]["Principal"] = OTHER_SERVICE
            return changed
        statements[number : number + 1] = _rest(statements[number], removed)
        if statements:
            return changed
    # AWS refuses a policy without a statement.
    if resource["Type"] == ROLE:
        del resource["Properties"]["Policies"][removed.at[4]]
        return changed
    del changed["Resources"][logical_id]
    for other in changed["Resources"].values():  # nothing refers to it, though others may wait for it
        if "DependsOn" in other:
            other["DependsOn"] = [name for name in _listed(other["DependsOn"]) if name != logical_id]
    return changed


def shown(value: Any) -> str:
    """A value of a template in a few words: logical ids without their hash, short ARNs."""
    match value:
        case list():
            return ", ".join(map(shown, value))
        case {"Fn::GetAtt": [logical_id, attribute]}:
            return _HASH.sub("", logical_id) + ("/stream" if attribute == "StreamArn" else "")
        case {"Ref": name}:
            return _HASH.sub("", name).removeprefix("AWS::")
        case {"Fn::Join": [separator, parts]}:
            return _short(separator.join(part if isinstance(part, str) else shown(part) for part in parts))
        case {"Fn::Select": _}:
            return "SUFFIX"  # of the stack: stacks/stage_key.py
        case {"Fn::Sub": text}:
            return str(text)
        case dict():
            return ", ".join(f"{name} {shown(content)}" for name, content in value.items())
    return _short(str(value))


def _short(text: str) -> str:
    """An ARN without partition, account, the stage's own region and its names; other text without the names."""
    match text.split(":", 5):
        case ["arn", _, _, region, _, "root"]:
            text = "the account"
        case ["arn", _, _, region, _, text]:
            pass
        case _:
            region = ""
    for pattern, replacement in _NAMES:
        text = pattern.sub(replacement, text)
    return text if region in ("", "Region", REGION) else f"{text} in {region}"


def _statements(template: Template) -> Iterator[tuple[Place, Statement]]:
    for logical_id, resource in template["Resources"].items():
        at: Place = ("Resources", logical_id, "Properties")
        properties = resource.get("Properties", {})
        if resource["Type"] == PERMISSION:
            yield ((*at, 0), {"Effect": "Allow", "Resource": properties["FunctionName"], **properties})
        else:
            yield from _within(properties, at)


def _within(value: Any, at: Place) -> Iterator[tuple[Place, Statement]]:
    """The statements of every policy document within ``value``."""
    if isinstance(value, dict):
        if isinstance(value.get("Statement"), list):
            for number, statement in enumerate(value["Statement"]):
                yield (*at, "Statement", number), statement
            return
        for name, content in value.items():
            yield from _within(content, (*at, name))
    elif isinstance(value, list):
        for number, content in enumerate(value):
            yield from _within(content, (*at, number))


def _holder(template: Template, at: Place) -> str:
    """The role that a policy is of; else the resource itself, a function for its permission."""
    resource, properties = template["Resources"][at[1]], template["Resources"][at[1]].get("Properties", {})
    held = {POLICY: properties.get("Roles"), PERMISSION: properties.get("FunctionName")}.get(resource["Type"])
    return shown(held or {"Ref": at[1]})


def _principal(statement: Statement) -> str:
    principal = statement.get("Principal", "")
    if isinstance(principal, dict):
        (principal,) = principal.values()
    return "everybody" if principal == "*" else shown(principal)


def _rest(statement: Statement, removed: Permission) -> list[Statement]:
    """What is left of a statement: the other actions, and the action on other resources."""
    actions = [a for a in _listed(statement["Action"]) if a != removed.action]
    others = [r for r in _listed(statement["Resource"]) if shown(r) != removed.resource]
    kept = [statement | {"Action": actions}] if actions else []
    if others:
        kept.append(statement | {"Action": removed.action, "Resource": others})
    return kept


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
