"""Validate a table that AWS Backup restored as a test, and report the result.

Runs as a Lambda function when a restore job is completed
(https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing-validation.html).
"""

import os
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

from functions.log import log

_CLIENT = Config(retries={"mode": "standard", "total_max_attempts": 8})
_KEYS = {"HASH": "pk", "RANGE": "sk"}
_PREFIXES = ("CONVERSATION#", "USER#")
_SAMPLE = 100
_VERDICTS = ("SUCCESSFUL", "FAILED", "TIMED_OUT")


class NotGood(Exception):
    """A restored test table failed validation; the text says why."""


def on_restore(event: Mapping[str, Any], _context: object) -> None:
    """Validate the table of the event's restore job, if it is one of this stack's tests.

    Raises NotGood after it has reported a failure: AWS Backup promises no event, so an alarm watches the errors.
    """
    plan, source = os.environ["RESTORE_TESTING_PLAN_ARN"], os.environ["SOURCE_TABLE"]
    backup, dynamodb = (boto3.client(name, config=_CLIENT) for name in ("backup", "dynamodb"))
    job_id = event["detail"]["restoreJobId"]
    job = backup.describe_restore_job(RestoreJobId=job_id)
    # The event rule matches every restore in the account and region, also manual ones.
    if job.get("CreatedBy", {}).get("RestoreTestingPlanArn") != plan:
        return
    # After an error Lambda calls again, and events may come twice: the table may be gone by then.
    if job.get("ValidationStatus") in _VERDICTS:
        return
    table = job["CreatedResourceArn"].split(":table/", 1)[1]
    problem = find_problem(dynamodb, table, source)
    backup.put_restore_validation_result(
        RestoreJobId=job_id,
        ValidationStatus="FAILED" if problem else "SUCCESSFUL",
        ValidationStatusMessage=problem or f"{table}: the key schema and a sample of items are valid",
    )
    log("validated", job=job_id, table=table, problem=problem)
    if problem:
        raise NotGood(problem)


def find_problem(dynamodb: Any, table: str, source: str) -> str:
    """The problem with the restored ``table``, its keys or items; empty for a good one."""
    described = dynamodb.describe_table(TableName=table)["Table"]
    keys = {key["KeyType"]: key["AttributeName"] for key in described["KeySchema"]}
    if keys != _KEYS:
        return f"{table} has key schema {keys}, expected {_KEYS}"
    sample = dynamodb.scan(TableName=table, Limit=_SAMPLE)["Items"]
    for item in sample:
        if not item["pk"]["S"].startswith(_PREFIXES):
            return f"{table} has an item with pk {item['pk']['S']!r}, which is not in the data model"
    if not sample and dynamodb.scan(TableName=source, Limit=1)["Items"]:
        return f"{table} is empty, but {source} is not"
    return ""
