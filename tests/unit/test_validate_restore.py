"""The look at a table that AWS Backup restored as a test."""

from contextlib import nullcontext

import boto3
import pytest

from functions import validate_restore

PLAN_ARN = "arn:aws:backup:us-east-1:000000000000:restore-testing-plan:Messages_dev-1"
MESSAGE, MEMBERSHIP, FOREIGN = "CONVERSATION#jerry#tom", "USER#tom", "ORDER#1"
GOOD_KEYS = {"HASH": "pk", "RANGE": "sk"}


class FakeAws:
    """AWS Backup with one restore job, DynamoDB with tables as lists of partition keys."""

    def __init__(self, *, plan, keys, **tables):
        self.tables, self.keys, self.reported = tables, keys, []
        creator = {"RestoreTestingPlanArn": plan} if plan else {}
        self.job = {"CreatedBy": creator, "CreatedResourceArn": "arn:aws:dynamodb:us-east-1:1:table/copy"}

    def describe_table(self, **_):
        return {"Table": {"KeySchema": [{"KeyType": kind, "AttributeName": key} for kind, key in self.keys.items()]}}

    def scan(self, *, TableName, Limit):
        return {"Items": [{"pk": {"S": pk}} for pk in self.tables[TableName][:Limit]]}

    def describe_restore_job(self, *, RestoreJobId):
        assert RestoreJobId == "job"
        return self.job

    def put_restore_validation_result(self, **result):
        self.reported.append(result["ValidationStatus"])


@pytest.mark.parametrize(
    ("plan", "copy", "source", "keys", "status", "problem"),
    [
        (PLAN_ARN, [MESSAGE, MEMBERSHIP], [MESSAGE], GOOD_KEYS, "SUCCESSFUL", ""),
        (PLAN_ARN, [], [], GOOD_KEYS, "SUCCESSFUL", ""),
        (PLAN_ARN, [], [MESSAGE], GOOD_KEYS, "FAILED", "copy is empty, but source is not"),
        (PLAN_ARN, [MESSAGE, FOREIGN], [MESSAGE], GOOD_KEYS, "FAILED", "copy has an item with pk 'ORDER#1'"),
        (PLAN_ARN, [MESSAGE], [MESSAGE], {"HASH": "pk"}, "FAILED", "copy has key schema {'HASH': 'pk'}"),
        # Only the plan's own restores are reported.
        (f"{PLAN_ARN}-another", [FOREIGN], [], GOOD_KEYS, None, ""),
        (None, [FOREIGN], [], GOOD_KEYS, None, ""),
    ],
)
def test_a_good_copy_has_keys_and_items_of_the_data_model(plan, copy, source, keys, status, problem, monkeypatch):
    fake = FakeAws(plan=plan, copy=copy, source=source, keys=keys)
    monkeypatch.setattr(boto3, "client", lambda *_, **__: fake)
    monkeypatch.setenv("RESTORE_TESTING_PLAN_ARN", PLAN_ARN)
    monkeypatch.setenv("SOURCE_TABLE", "source")
    failing = pytest.raises(validate_restore.NotGood) if problem else nullcontext()
    with failing as failed:
        validate_restore.on_restore({"detail": {"restoreJobId": "job"}}, None)
    assert fake.reported == ([status] if status else [])
    assert not problem or problem in str(failed.value)
