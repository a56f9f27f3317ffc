"""The custom resource that empties the backup vault when its stack is destroyed, or another vault replaces it.

A Delete for any other reason (a failed update, or a stack that keeps its backups from now on) leaves the vault alone.
Behind the CDK provider framework: ``on_event`` answers at once, ``is_complete`` is called until the vault is empty.
CloudFormation cannot delete a vault that holds recovery points
(https://docs.aws.amazon.com/aws-backup/latest/devguide/create-a-vault.html#delete-a-vault).
"""

import os
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from dynamo.parallel import THROTTLED, lanes
from functions.log import log
from model.names import VAULT_VARIABLE

# Between the last point's deletion and the vault's: for a while the list is empty and the vault still refuses
# (hashicorp/terraform-provider-aws#37774).
SETTLE_SECONDS = float(os.environ.get("SETTLE_SECONDS", "30"))
# A point still EXPIRED this long after DeleteRecoveryPoint will not be deleted.
_EXPIRED_SECONDS = 300
_STARTED_TAG, _EMPTY_TAG = "messages:emptying-since", "messages:empty-since"
# A stack that is deleted, and one whose creation failed.
_ENDING = ("DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS")
_UNDER_WAY = ("CREATED", "PENDING", "RUNNING")
_BUSY = THROTTLED | {"InvalidResourceStateException", "ServiceUnavailableException"}
_WORKERS = 8
_MARGIN_MILLISECONDS = 30_000
_NAMED = 5
_CLIENT = Config(retries={"mode": "adaptive", "total_max_attempts": 8}, max_pool_connections=_WORKERS)


def on_event(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Name the resource after its vault, so that CloudFormation sends a Delete for a vault that is replaced.

    An Update of the same vault keeps the existing id: a new one means a Delete for the vault in use
    (https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-requesttypes-delete.html).
    """
    vault, known = event["ResourceProperties"]["VaultName"], event.get("PhysicalResourceId")
    same = event.get("OldResourceProperties", {}).get("VaultName", vault) == vault
    return {"PhysicalResourceId": known if known and same else f"{vault}-emptying"}


def is_complete(event: Mapping[str, Any], context: Any) -> dict[str, bool]:
    """Delete what the vault holds; whether it has been empty for a while. Raises RuntimeError if points must stay."""
    if event["RequestType"] != "Delete" or _stays(event):
        return {"IsComplete": True}
    backup = boto3.client("backup", config=_CLIENT)
    vault, arn = (event["ResourceProperties"][name] for name in ("VaultName", "VaultArn"))
    tags = backup.list_tags(ResourceArn=arn)["Tags"]
    started = _since(backup, arn, tags, _STARTED_TAG)
    states, blockers = _delete_points(backup, vault, context)
    # Each job that still writes to the vault adds a recovery point.
    listing = backup.get_paginator("list_backup_jobs")
    running = [listing.paginate(ByBackupVaultName=vault, ByState=state) for state in _UNDER_WAY]
    jobs = sum(len(page["BackupJobs"]) for pages in running for page in pages)
    log("emptying", vault=vault, points=states.total(), jobs=jobs, refused=len(blockers), **states)
    if states or jobs:
        if _EMPTY_TAG in tags:
            backup.untag_resource(ResourceArn=arn, TagKeyList=[_EMPTY_TAG])
        _raise_when_stuck(vault, states, blockers, jobs, seconds=time.time() - started)
        return {"IsComplete": False}
    empty = _since(backup, arn, tags, _EMPTY_TAG)
    return {"IsComplete": time.time() - empty >= SETTLE_SECONDS}


def _stays(event: Mapping[str, Any]) -> bool:
    """Whether the vault is the stack's own, and the stack stays too."""
    if event["ResourceProperties"]["VaultName"] != os.environ[VAULT_VARIABLE]:
        return False
    cloudformation = boto3.client("cloudformation", config=_CLIENT)
    (stack,) = cloudformation.describe_stacks(StackName=event["StackId"])["Stacks"]
    return stack["StackStatus"] not in _ENDING


def _delete_points(backup: Any, vault: str, context: Any) -> tuple[Counter[str], list[str]]:
    """Ask for the deletion of every point while the function has time; the points by state, and why some must stay."""
    states, blockers = Counter[str](), list[str]()
    pages = backup.get_paginator("list_recovery_points_by_backup_vault").paginate(BackupVaultName=vault)
    with lanes(_WORKERS, joined=True) as opened:
        for page in pages:
            points = page["RecoveryPoints"]
            states.update(point["Status"] for point in points)
            wanted = [p["RecoveryPointArn"] for p in points if p["Status"] != "DELETING"]
            blockers += filter(None, opened.map(lambda arn: _delete(backup, vault, arn), wanted))
            if context.get_remaining_time_in_millis() < _MARGIN_MILLISECONDS:
                break
    return states, blockers


def _delete(backup: Any, vault: str, arn: str) -> str:
    """Why the point cannot be deleted; empty if it is deleted, being deleted, or should be retried."""
    try:
        backup.delete_recovery_point(BackupVaultName=vault, RecoveryPointArn=arn)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code != "ResourceNotFoundException" and code not in _BUSY:
            return f"{arn}: {code}: {error.response['Error'].get('Message', '')}"
    return ""


def _raise_when_stuck(vault: str, states: Counter[str], blockers: list[str], jobs: int, *, seconds: float) -> None:
    points = states.total()
    if points and states["EXPIRED"] == points and seconds > _EXPIRED_SECONDS and not blockers:
        blockers = [
            f"{points} points are EXPIRED although their deletion was accepted: the role "
            "that made them is gone or lacks dynamodb:DeleteBackup, and AWS Backup has no "
            "service-linked role to fall back to (iam:CreateServiceLinkedRole)"
        ]
    elif jobs or len(blockers) < points:
        return  # deletions or jobs are still under way
    named = "; ".join(blockers[:_NAMED])
    raise RuntimeError(f"vault {vault} holds {points} recovery points that cannot be deleted: {named}")


def _since(backup: Any, arn: str, tags: Mapping[str, str], tag: str) -> float:
    """When this was first seen; stored as a tag of the vault, because each poll is a new invocation."""
    if tag not in tags:
        backup.tag_resource(ResourceArn=arn, Tags={tag: str(time.time())})
    return float(tags.get(tag, time.time()))
