"""Restores as a test: the plan that asks for them, and the look at their result."""

from contextlib import nullcontext

import boto3
import pytest

from functions import validate_restore
from tests.support.deployment import Deployment

PLAN_ARN = "arn:aws:backup:us-east-1:000000000000:restore-testing-plan:Messages_dev-1"


@pytest.mark.usefixtures("bootstrapped")
def test_the_stack_asks_for_a_weekly_restore_of_its_table(client, name):
    deployment = Deployment(client, f"pr-{name}")
    outputs = deployment.deploy([], restore_testing=True)
    backup, plan = client("backup"), deployment.stack.replace("-", "_")
    found = backup.get_restore_testing_plan(RestoreTestingPlanName=plan)["RestoreTestingPlan"]
    assert found["ScheduleExpression"] == "cron(0 5 ? * SUN *)"
    (vault,) = found["RecoveryPointSelection"]["IncludeVaults"]
    assert vault.endswith(outputs["BackupVaultName"])
    selection = backup.get_restore_testing_selection(RestoreTestingPlanName=plan, RestoreTestingSelectionName="Table")[
        "RestoreTestingSelection"
    ]
    assert selection["ProtectedResourceArns"] == [outputs["TableArn"]]
    deployment.destroy()


@pytest.fixture
def put(client):
    def put(table, pk):
        client("dynamodb").put_item(TableName=table, Item={"pk": {"S": pk}, "sk": {"S": "MESSAGE#"}})

    return put


def test_a_restored_table_with_items_of_the_data_model_is_good(client, messages_table, put):
    put(messages_table, "CONVERSATION#jerry#tom")
    assert validate_restore.find_problem(client("dynamodb"), messages_table, messages_table) == ""


def test_an_empty_copy_of_an_empty_table_is_good(client, messages_table):
    assert validate_restore.find_problem(client("dynamodb"), messages_table, messages_table) == ""


def test_foreign_items_are_a_problem(client, messages_table, put):
    put(messages_table, "ORDER#1")
    problem = validate_restore.find_problem(client("dynamodb"), messages_table, messages_table)
    assert "'ORDER#1', which is not of the data model" in problem


def test_other_keys_are_a_problem(client, table):
    problem = validate_restore.find_problem(client("dynamodb"), table, table)
    assert problem.startswith(f"{table} has the keys {{'HASH': 'pk'}}")


def test_an_empty_copy_of_a_table_with_items_is_a_problem(client, messages_table, name, put):
    copy = f"{name}-copy"
    keys = [("pk", "HASH"), ("sk", "RANGE")]
    client("dynamodb").create_table(
        TableName=copy,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
    )
    put(messages_table, "CONVERSATION#jerry#tom")
    problem = validate_restore.find_problem(client("dynamodb"), copy, messages_table)
    assert problem == f"{copy} is empty, and {messages_table} is not"
    client("dynamodb").delete_table(TableName=copy)


class FakeBackup:
    """AWS Backup's answers to a restore job that a test plan started."""

    def __init__(self, plan, table):
        arn = f"arn:aws:dynamodb:us-east-1:1:table/{table}"
        creator = {"RestoreTestingPlanArn": plan} if plan else {}
        self.job = {"CreatedBy": creator, "CreatedResourceArn": arn}
        self.reported = []

    def describe_restore_job(self, *, RestoreJobId):
        assert RestoreJobId == "job"
        return self.job

    def put_restore_validation_result(self, **result):
        self.reported.append(result)


@pytest.mark.parametrize(
    ("plan", "pk", "status"),
    [
        (PLAN_ARN, "CONVERSATION#a#b", "SUCCESSFUL"),
        (PLAN_ARN, "ORDER#1", "FAILED"),
        (f"{PLAN_ARN}-another", "ORDER#1", None),
        (None, "ORDER#1", None),
    ],
)
def test_only_the_plans_own_restores_are_reported(client, messages_table, put, monkeypatch, plan, pk, status):
    put(messages_table, pk)
    backup = FakeBackup(plan, messages_table)
    monkeypatch.setattr(
        boto3, "client", lambda service, **_: {"backup": backup, "dynamodb": client("dynamodb")}[service]
    )
    monkeypatch.setenv("RESTORE_TESTING_PLAN_ARN", PLAN_ARN)
    monkeypatch.setenv("SOURCE_TABLE", messages_table)
    expected = pytest.raises(validate_restore.NotGood) if status == "FAILED" else nullcontext()
    with expected:
        validate_restore.on_restore({"detail": {"restoreJobId": "job"}}, None)
    assert [result["ValidationStatus"] for result in backup.reported] == ([status] if status else [])
