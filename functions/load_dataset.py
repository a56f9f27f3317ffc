"""The custom resource that loads a dataset: starts the state machine and waits until it ends.

Runs behind the CDK provider framework, which calls ``is_complete`` until it says so or raises
(https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources-readme.html).
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from operator import itemgetter
from typing import Any

import boto3
from botocore.exceptions import ClientError

from functions.log import log
from model.dataset import CHECKS

# CloudFormation cuts a longer reason: an answer has at most 4096 bytes
# (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html).
_REASON_CHARACTERS = 1000
# S3's error for a caller who may read the object but not decrypt it; it contains the key's ARN
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html).
_UNDECRYPTED = "kms:Decrypt"
# The resource's attributes.
_COUNTS = ("DatasetTotal", "DatasetWritten", "DatasetUnchanged", "DatasetPreserved")


class LoadFailed(Exception):
    """The load failed; the text says how, why and after how many items."""


def on_event(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Start the load of a new or changed dataset; a Delete stops one that runs.

    CloudFormation sends an Update only when the dataset or its table has changed. A dataset is loaded, not mirrored:
    messages that left it stay in the table. The id never changes.
    """
    properties, request_id = event["ResourceProperties"], event["RequestId"]
    machine, step_functions = properties["StateMachineArn"], boto3.client("stepfunctions")
    # A failed deployment may have left a load running.
    _stop_others(step_functions, machine, request_id)
    if event["RequestType"] != "Delete":
        request = {"Bucket": properties["Bucket"], "Key": properties["Key"], "Table": properties["TableName"]}
        try:
            # Named after the request, so that a repeated event does not start a second load.
            step_functions.start_execution(stateMachineArn=machine, name=request_id, input=json.dumps(request))
        except step_functions.exceptions.ExecutionAlreadyExists:
            log("the load has been started before", name=request_id)
    return {"PhysicalResourceId": event.get("PhysicalResourceId") or f"{event['LogicalResourceId']}-dataset"}


def is_complete(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Whether the load has succeeded, with its counts. Raises LoadFailed."""
    if event["RequestType"] == "Delete":
        return {"IsComplete": True}
    properties, step_functions = event["ResourceProperties"], boto3.client("stepfunctions")
    address = f"s3://{properties['Bucket']}/{properties['Key']}"
    is_export, machine = address.endswith("/"), properties["StateMachineArn"]
    execution = machine.replace(":stateMachine:", ":execution:") + f":{event['RequestId']}"
    try:
        described = step_functions.describe_execution(executionArn=execution)
    except step_functions.exceptions.ExecutionDoesNotExist:
        # Reads of Step Functions are eventually consistent.
        return {"IsComplete": False}
    if described["status"] == "SUCCEEDED":
        # What the worker returned for each batch, or object: how many were written, unchanged and preserved. Objects of
        # an export without data have nothing.
        rows = [row for row in json.loads(described["output"]) if row]
        if is_export and not rows:
            raise LoadFailed(
                f"{address} has no data of an export (*.json.gz); set seed_dataset to the export's own folder, which "
                "`python -m chat export --to` prints: s3://BUCKET/PREFIX/AWSDynamoDB/ID/"
            )
        sums = [sum(column) for column in zip([0, 0, 0], *rows, strict=True)]
        counts = dict(zip(_COUNTS, (sum(sums), *sums), strict=True))
        log("loaded", execution=execution, **counts)
        return {"IsComplete": True, "Data": counts}
    runs = step_functions.list_map_runs(executionArn=execution)["mapRuns"]
    latest = max(runs, key=itemgetter("startDate"), default=None)
    run = step_functions.describe_map_run(mapRunArn=latest["mapRunArn"]) if latest else {}
    log("loading", execution=execution, status=described["status"], **run.get("itemCounts", {}))
    if described["status"] == "RUNNING":
        return {"IsComplete": False}
    cause = _cause(described)
    parts = [f"loading {address} into {properties['TableName']} ended {described['status']}: {cause}"]
    if run:
        counts = run["itemCounts"]
        done = "were written" if f"/{CHECKS}:" not in run["mapRunArn"] else "are valid; nothing was written"
        kind = "objects" if is_export else "items"
        parts.append(f"{counts['failed']} of {counts['total']} {kind} failed, {counts['succeeded']} {done}")
        parts[:0] = _first_failure(step_functions, run["mapRunArn"])
    if any(_UNDECRYPTED in part for part in parts):
        copied = f"{address} s3://BUCKET/{'PREFIX/ --recursive' if is_export else 'KEY'}"
        parts.insert(
            0,
            f"{address} is encrypted with a customer managed KMS key, which the load cannot use; copy it with "
            f"`aws s3 cp {copied} --sse AES256` and set seed_dataset to the copy",
        )
    raise LoadFailed("; ".join(parts)[:_REASON_CHARACTERS])


def _stop_others(step_functions: Any, machine: str, own: str) -> None:
    """Stop every load that runs, except the one named ``own``."""
    listing = step_functions.get_paginator("list_executions")
    try:
        pages = listing.paginate(stateMachineArn=machine, statusFilter="RUNNING")
        # Listed to the end first: stopping would change the pages.
        for execution in [execution for page in pages for execution in page["executions"]]:
            if execution["name"] != own:
                step_functions.stop_execution(
                    executionArn=execution["executionArn"], cause="A later stack operation replaced this load"
                )
                log("stopped a load", execution=execution["executionArn"])
    except step_functions.exceptions.StateMachineDoesNotExist:
        log("the state machine no longer exists", machine=machine)


def _first_failure(step_functions: Any, run: str) -> list[str]:
    """Why one of the failed batches of the Map Run failed; empty if none did, or it cannot be read."""
    try:
        failed = step_functions.list_executions(mapRunArn=run, statusFilter="FAILED", maxResults=1)["executions"]
        return [_cause(step_functions.describe_execution(executionArn=one["executionArn"])) for one in failed]
    except ClientError as error:
        # The failure itself matters more than its cause.
        log("the cause cannot be read", reason=str(error))
        return []


def _cause(execution: Mapping[str, Any]) -> str:
    """Error and cause of an execution; of a function's error, its message only."""
    cause = execution.get("cause", "")
    with suppress(ValueError, KeyError, TypeError):
        cause = json.loads(cause)["errorMessage"]
    return f"{execution.get('error', '')}: {cause}"
