"""What a destroy leaves, and what goes with the stack for good. Pure."""

from collections.abc import Mapping
from typing import Any

from ops.reviewing.spelling import short

# What these hold is lost with them.
_HOLDS = {
    "AWS::Backup::BackupVault": "the recovery points in it",
    "AWS::DynamoDB::GlobalTable": "the items",
    "AWS::KMS::Key": "what is encrypted with it",
    "AWS::Logs::LogGroup": "the logs",
    "AWS::S3::Bucket": "the objects",
    "AWS::SQS::Queue": "the messages waiting in it",
}


def kept(resources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The resources that stay when the stack is destroyed."""
    return [
        f"{short(name)} ({resource['Type']}){_locked(resource)}"
        for name, resource in resources.items()
        if is_kept(resource)
    ]


def lost(resources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The resources that go with the stack, with what they hold."""
    return [
        f"{short(name)} ({resource['Type']}): {_HOLDS[resource['Type']]}"
        for name, resource in resources.items()
        if resource["Type"] in _HOLDS and not is_kept(resource)
    ]


def _locked(resource: Mapping[str, Any]) -> str:
    """What the lock of a backup vault means, where it has one."""
    lock = resource.get("Properties", {}).get("LockConfiguration")
    if not lock:
        return ""
    grace = lock.get("ChangeableForDays")
    for_ever = f"; {grace} days after it is deployed nobody takes the lock off" if grace else ""
    days = f"{lock.get('MinRetentionDays', 0)} to {lock.get('MaxRetentionDays', 'any')} days"
    return f": locked, a point cannot be deleted before its time, {days}{for_ever}"


def is_kept(resource: Mapping[str, Any]) -> bool:
    """Whether CloudFormation leaves the resource behind."""
    return str(resource.get("DeletionPolicy", "Delete")).startswith("Retain")
