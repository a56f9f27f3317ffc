"""What a destroy leaves, what goes with the stack for good, and what no longer survives. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from model.names import VAULT_VARIABLE
from ops.review.spelling import short, spelled

Resources = Mapping[str, Mapping[str, Any]]
# What these hold is lost with them.
HOLDS = {
    "AWS::Backup::BackupVault": "the recovery points in it",
    "AWS::Cognito::UserPool": "the users",
    "AWS::DynamoDB::GlobalTable": "the items",
    "AWS::DynamoDB::Table": "the items",
    "AWS::EC2::Volume": "the data on it",
    "AWS::ECR::Repository": "the images",
    "AWS::EFS::FileSystem": "the files",
    "AWS::ElastiCache::ReplicationGroup": "the data in it",
    "AWS::KMS::Key": "what is encrypted with it",
    "AWS::Kinesis::Stream": "the records in it",
    "AWS::Logs::LogGroup": "the logs",
    "AWS::OpenSearchService::Domain": "the documents",
    "AWS::RDS::DBCluster": "the database",
    "AWS::RDS::DBInstance": "the database",
    "AWS::S3::Bucket": "the objects",
    "AWS::SQS::Queue": "the messages waiting in it",
    "AWS::SSM::Parameter": "its value",
    "AWS::SecretsManager::Secret": "the secret",
}
# These CloudFormation keeps a snapshot of, unless told otherwise.
_SNAPSHOTS = {"AWS::RDS::DBCluster", "AWS::RDS::DBInstance"}
_DELETION, _REPLACEMENT = "DeletionPolicy", "UpdateReplacePolicy"


def kept(resources: Resources) -> list[str]:
    """The resources that stay when the stack is destroyed."""
    return [
        f"{short(name)} ({resource['Type']}){_locked(resource)}"
        for name, resource in resources.items()
        if is_kept(resource)
    ]


def lost(resources: Resources) -> list[str]:
    """The resources that go with the stack, with what they hold."""
    return [
        f"{short(name)} ({resource['Type']}): {HOLDS[resource['Type']]}"
        for name, resource in resources.items()
        if is_lost(resource)
    ]


def is_kept(resource: Mapping[str, Any], policy: str = _DELETION) -> bool:
    """Whether CloudFormation leaves the resource behind."""
    return str(resource.get(policy, "Delete")).startswith("Retain")


def is_lost(resource: Mapping[str, Any], policy: str = _DELETION) -> bool:
    """Whether what the resource holds goes when CloudFormation deletes it."""
    return resource["Type"] in HOLDS and not is_kept(resource, policy) and not _is_copied(resource, policy)


def emptied(before: Resources, after: Resources) -> Iterator[str]:
    """The vaults that lose their recovery points to a function deployed by an older version.

    It empties its vault whenever it leaves the stack; since it knows the stack's vault, only
    when the stack goes too.
    """
    if VAULT_VARIABLE in json.dumps([one.get("Properties", {}).get("Environment", {}) for one in before.values()]):
        return
    for name, resource in before.items():
        if resource["Type"] == "Custom::VaultEmptying" and name not in after:
            yield f"{spelled(resource['Properties']['VaultName'])}: the recovery points in it"


def fate(resource: Mapping[str, Any], policy: str = _DELETION) -> str:
    """What becomes of a resource that the stack no longer has."""
    if is_kept(resource, policy):
        return "stays behind"
    if _is_copied(resource, policy):
        return "is deleted, and a snapshot of it stays behind"
    if is_lost(resource, policy):
        return f"is deleted with what it holds: {HOLDS[resource['Type']]}"
    return "is deleted"


def on_replacement(resource: Mapping[str, Any]) -> str:
    """What becomes of a resource when another takes its place."""
    return fate(resource, _REPLACEMENT)


def weakened(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """What protected a resource before, and does not any more."""
    endings = {_DELETION: "a destroy", _REPLACEMENT: "a replacement"}
    gone = [what for policy, what in endings.items() if _no_longer_stays(old, policy, new)]
    if gone:
        yield f"no longer survives {' or '.join(gone)}"
    properties = [one.get("Properties", {}) for one in (old, new)]
    before, after = (dict(protections(one)) for one in properties)
    # A replica that is gone is told as such.
    off = [where for where, is_on in before.items() if is_on and after.get(where) is False]
    for where in off:
        yield f"no longer protected against deletion{f' in {where}' if where else ''}"


def _no_longer_stays(old: Mapping[str, Any], policy: str, new: Mapping[str, Any]) -> bool:
    """Whether the policy keeps the old one, or a snapshot of it, and does not keep the new one."""
    was, now = (is_kept(one, policy) or _is_copied(one, policy) for one in (old, new))
    return was and not now


def held(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """What keeps DynamoDB from deleting a table after this deployment, for a while.

    go-to-k/cdkd#1442: "it has acted as a source region for new replica(s) being added".
    """
    before, after = (one.get("Properties", {}).get("Replicas", []) for one in (old, new))
    if len(after) > max(1, len(before)):
        yield "DynamoDB does not delete the table for 24 hours after a replica was created from it"


def protections(properties: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Whether deletion protection is on, of a table for each replica by its region."""
    if "Replicas" in properties:
        for replica in properties["Replicas"]:
            yield spelled(replica.get("Region")), _protected(replica)
    else:
        yield "", _protected(properties)


def _protected(properties: Mapping[str, Any]) -> bool:
    """DynamoDB and RDS say true, Cognito says ACTIVE."""
    value = properties.get("DeletionProtectionEnabled", properties.get("DeletionProtection"))
    return spelled(value).lower() in ("true", "active")


def _is_copied(resource: Mapping[str, Any], policy: str) -> bool:
    default = "Snapshot" if resource["Type"] in _SNAPSHOTS and policy == _DELETION else "Delete"
    return bool(resource.get(policy, default) == "Snapshot")


def _locked(resource: Mapping[str, Any]) -> str:
    """What the lock of a backup vault means, where it has one."""
    lock = resource.get("Properties", {}).get("LockConfiguration")
    if not lock:
        return ""
    grace = lock.get("ChangeableForDays")
    for_ever = f"; {grace} days after it is deployed nobody takes the lock off" if grace else ""
    days = f"{lock.get('MinRetentionDays', 0)} to {lock.get('MaxRetentionDays', 'any')} days"
    return f": locked, a point cannot be deleted before its time, {days}{for_ever}"
