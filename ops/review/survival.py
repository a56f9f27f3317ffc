"""What outlives its stack: what a destroy keeps and deletes, what a change replaces and weakens. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from model.names import VAULT_VARIABLE
from ops.review.wording import CREATE_ONLY, HOLDS, short, spelled, titled
from ops.template import Properties, Resources, is_retained

# {"Ref": "Id"}, {"Fn::GetAtt": ["Id", "Attribute"]} or "Id.Attribute", and ${Id.Attribute}.
_REFERENCES = (r'"(?:Ref|Fn::GetAtt)": \[?"(\w+)(?:\.|", ")?([\w.]*)"', r"\$\{(\w+)\.?([^}]*)\}")
_DELETION, REPLACEMENT = "DeletionPolicy", "UpdateReplacePolicy"


def kept(resources: Resources) -> list[str]:
    """The resources that stay when the stack is destroyed."""
    return [f"{titled(id, one)}{_locked(one)}" for id, one in resources.items() if is_retained(one)]


def lost(resources: Resources) -> list[str]:
    """The resources that go with the stack, with what they hold."""
    return [f"{titled(id, one)}: {HOLDS[one['Type']]}" for id, one in resources.items() if is_lost(one)]


def is_lost(resource: Properties, policy: str = _DELETION) -> bool:
    """Whether what the resource holds goes when CloudFormation deletes it."""
    return resource["Type"] in HOLDS and not is_retained(resource, policy)


def fate(resource: Properties, policy: str = _DELETION) -> str:
    """What becomes of a resource that leaves its stack."""
    if is_retained(resource, policy):
        return "stays behind"
    if is_lost(resource, policy):
        return f"is deleted with what it holds: {HOLDS[resource['Type']]}"
    return "is deleted"


def emptied(before: Resources, after: Resources) -> Iterator[str]:
    """The vaults that lose their recovery points to a function deployed by an older version.

    It empties its vault whenever it leaves the stack; one that knows the stack's vault does so
    only when the stack goes too.
    """
    if VAULT_VARIABLE in json.dumps([one.get("Properties", {}).get("Environment", {}) for one in before.values()]):
        return
    for id, resource in before.items():
        if resource["Type"] == "Custom::VaultEmptying" and id not in after:
            yield f"{spelled(resource['Properties']['VaultName'])}: the recovery points in it"


def weakened(old: Properties, new: Properties) -> Iterator[str]:
    """What protected a resource before, and does not any more."""
    endings = {_DELETION: "a destroy", REPLACEMENT: "a replacement"}
    gone = [what for policy, what in endings.items() if is_retained(old, policy) and not is_retained(new, policy)]
    if gone:
        yield f"no longer survives {' or '.join(gone)}"
    before, after = (protections(one.get("Properties", {})) for one in (old, new))
    for where, is_on in before.items():
        if is_on and after.get(where) is False:  # a replica that is gone is reported as such
            yield f"no longer protected against deletion{f' in {where}' if where else ''}"


def protections(properties: Properties) -> dict[str, bool]:
    """Whether deletion protection is on; for a global table by the region of each replica."""
    if "Replicas" in properties:
        return {spelled(one.get("Region")): _is_protected(one) for one in properties["Replicas"]}
    return {"": _is_protected(properties)}


def _is_protected(properties: Properties) -> bool:
    """DynamoDB and RDS say true, Cognito says ACTIVE."""
    value = properties.get("DeletionProtectionEnabled", properties.get("DeletionProtection"))
    return spelled(value).lower() in ("true", "active")


def _locked(resource: Properties) -> str:
    """What the lock of a backup vault means, where it has one."""
    lock = resource.get("Properties", {}).get("LockConfiguration")
    if not lock:
        return ""
    grace = lock.get("ChangeableForDays")
    for_good = f"; from {grace} days after its deployment nobody can remove the lock" if grace else ""
    days = f"{lock.get('MinRetentionDays', 0)} to {lock.get('MaxRetentionDays', 'any')} days"
    return f": locked, a recovery point cannot be deleted before its time, {days}{for_good}"


def replacements(before: Resources, after: Resources) -> dict[str, list[str]]:
    """The resources of both templates that another one replaces, each with the properties that cause it."""
    both = [id for id in after if id in before]
    found: dict[str, list[str]] = {}
    for id in both:
        old, new = (side[id].get("Properties", {}) for side in (before, after))
        why = [key for key in CREATE_ONLY.get(after[id]["Type"], []) if old.get(key) != new.get(key)]
        if why:
            found[id] = why
    # Another stream of the same table has another ARN.
    stream = [
        {id: side[id].get("Properties", {}).get("StreamSpecification") for id in both} for side in (before, after)
    ]
    streams = {id for id in both if stream[0][id] != stream[1][id]}
    while more := {id: why for id in both if id not in found and (why := _follows(after[id], found, streams))}:
        found |= more
    return found


def _follows(resource: Properties, replaced: Mapping[str, Any], streams: set[str]) -> list[str]:
    """The properties that cannot change and refer to something that is replaced."""
    return [
        f"{key}, which refers to {short(id)}"
        for key in CREATE_ONLY.get(resource["Type"], [])
        for id, attribute in sorted(_references(resource.get("Properties", {}).get(key)))
        if id in replaced or (id in streams and attribute == "StreamArn")
    ]


def _references(value: Any) -> set[tuple[str, str]]:
    """The logical ids that a value refers to, each with the attribute; empty for ``Ref``."""
    text = json.dumps(value)
    return {found for pattern in _REFERENCES for found in re.findall(pattern, text)}
