"""Whose a policy is: roles, users and groups by their logical ids, or by name. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from ops.review.documents import listed
from ops.review.spelling import short, spelled

Resources = Mapping[str, Mapping[str, Any]]
_KINDS = ("Role", "User", "Group")
# Where a policy is a resource of its own: the property that says what it is of.
_OF = {
    "AWS::Events::EventBusPolicy": "EventBusName",
    "AWS::Lambda::LayerVersionPermission": "LayerVersionArn",
    "AWS::Kinesis::ResourcePolicy": "ResourceArn",
    "AWS::S3::BucketPolicy": "Bucket",
    "AWS::SNS::TopicInlinePolicy": "TopicArn",
    "AWS::SNS::TopicPolicy": "Topics",
    "AWS::SQS::QueueInlinePolicy": "Queue",
    "AWS::SQS::QueuePolicy": "Queues",
    "AWS::SecretsManager::ResourcePolicy": "SecretId",
}


class Owners:
    """Who has which policy, of the resources of one template."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._users = _users(resources)

    def name(self, logical_id: str) -> str:
        """``SeedSeedingRole (SeedSeedingFunction)``: with the functions that work as it."""
        users = self._users.get(logical_id)
        return short(logical_id) + (f" ({', '.join(users)})" if users else "")

    def of_identity_policy(self, logical_id: str) -> list[str]:
        """Who has a policy of AWS::IAM; the policy itself where nobody of the template does."""
        properties = self._resources[logical_id].get("Properties", {})
        found = [
            self._principal(kind, value)
            for kind in _KINDS
            for key in (f"{kind}s", f"{kind}Name")
            for value in listed(properties.get(key, []))
        ]
        found += [self.name(name) for name in self._having(logical_id)]
        return list(dict.fromkeys(found)) or [f"whoever has the policy {short(logical_id)}"]

    def of_resource_policy(self, logical_id: str) -> str:
        """What a resource's policy is of: another resource, or itself."""
        resource = self._resources[logical_id]
        target = resource.get("Properties", {}).get(_OF.get(resource["Type"], ""))
        return self.name(logical_id) if target is None else spelled(target)

    def _principal(self, kind: str, value: Any) -> str:
        """One of the template, where it is referred to or its literal name is one's; or a name."""
        if isinstance(value, Mapping) and value.get("Ref") in self._resources:
            return self.name(value["Ref"])
        for name, resource in self._resources.items():
            own = resource.get("Properties", {}).get(f"{kind}Name")
            if resource["Type"] == f"AWS::IAM::{kind}" and own == value:
                return self.name(name)
        return f"{kind.lower()} {spelled(value)}, not of this stack"

    def _having(self, policy: str) -> Iterator[str]:
        """Who lists a managed policy of the template as its own."""
        for name, resource in self._resources.items():
            arns = resource.get("Properties", {}).get("ManagedPolicyArns", [])
            if {"Ref": policy} in listed(arns):
                yield name


def _users(resources: Resources) -> dict[str, list[str]]:
    """Which functions and machines work as a role."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        role = properties.get("Role") or properties.get("RoleArn")
        if isinstance(role, Mapping) and "Fn::GetAtt" in role:
            found[role["Fn::GetAtt"][0]].append(short(name))
    return found
