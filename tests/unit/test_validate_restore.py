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

    def __init__(self, *, plan="", keys=GOOD_KEYS, **tables):
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
    ("copy", "source", "keys", "problem"),
    [
        ([MESSAGE, MEMBERSHIP], [MESSAGE], GOOD_KEYS, ""),
        ([], [], GOOD_KEYS, ""),
        ([], [MESSAGE], GOOD_KEYS, "copy is empty, but source is not"),
        ([MESSAGE, FOREIGN], [MESSAGE], GOOD_KEYS, "copy has an item with pk 'ORDER#1'"),
        ([MESSAGE], [MESSAGE], {"HASH": "pk"}, "copy has key schema {'HASH': 'pk'}"),
    ],
)
def test_a_good_copy_has_keys_and_items_of_the_data_model(copy, source, keys, problem):
    found = validate_restore.find_problem(FakeAws(copy=copy, source=source, keys=keys), "copy", "source")
    assert found.startswith(problem)
    assert bool(found) == bool(problem)


@pytest.mark.parametrize(
    ("plan", "pk", "status"),
    [
        (PLAN_ARN, MESSAGE, "SUCCESSFUL"),
        (PLAN_ARN, FOREIGN, "FAILED"),
        (f"{PLAN_ARN}-another", FOREIGN, None),
        (None, FOREIGN, None),
    ],
)
def test_only_the_plans_own_restores_are_reported(plan, pk, status, monkeypatch):
    fake = FakeAws(plan=plan, copy=[pk], source=[pk])
    monkeypatch.setattr(boto3, "client", lambda *_, **__: fake)
    monkeypatch.setenv("RESTORE_TESTING_PLAN_ARN", PLAN_ARN)
    monkeypatch.setenv("SOURCE_TABLE", "source")
    with pytest.raises(validate_restore.NotGood) if status == "FAILED" else nullcontext():
        validate_restore.on_restore({"detail": {"restoreJobId": "job"}}, None)
    assert fake.reported == ([status] if status else [])
