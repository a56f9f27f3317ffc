"""What DynamoDB's refusals are said to mean."""

from functools import cache
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import ClientError

from chat.failures import explained
from cli.errors import explain


def refusal(code, text="text", operation="Query", retries=0):
    answer = {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"RetryAttempts": retries}}
    return ClientError(answer, operation)


@cache
def client():
    return boto3.client("dynamodb", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="x")


class Target:
    """A table with a status; None where there is none."""

    table_name, region = "Messages", "eu-west-1"

    def __init__(self, status):
        self.status = status
        self.missing_table = lambda: ""  # the table is of no stack
        self.client = SimpleNamespace(meta=client().meta, describe_table=self.describe_table)

    def describe_table(self, TableName):
        assert TableName == self.table_name
        if self.status is None:
            raise refusal("ResourceNotFoundException")
        if self.status == "denied":
            raise refusal("AccessDeniedException")
        return {"Table": {"TableStatus": self.status}}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            None,
            "table Messages does not exist in eu-west-1; deploy it, or name another one with "
            "--table, --stage, --stack or --region",
        ),
        ("CREATING", "table Messages in eu-west-1 cannot be used yet (status CREATING); run this again in a moment"),
        ("DELETING", "table Messages in eu-west-1 cannot be used (status DELETING)"),
        (
            "denied",
            "table Messages does not exist in eu-west-1, or is still being created; deploy "
            "it, or name another one with --table, --stage, --stack or --region",
        ),
    ],
)
def test_a_missing_table_and_one_that_is_not_ready(status, said):
    assert str(explained(refusal("ResourceNotFoundException"), Target(status))) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "The table does not have the specified index: ConversationsByRecency",
            "table Messages in eu-west-1 has no index ConversationsByRecency; deploy its stack again",
        ),
        (
            "Cannot read from backfilling global secondary index: ConversationsByRecency",
            "the index ConversationsByRecency of table Messages is still being filled; run this",
        ),
    ],
)
def test_a_missing_index_and_one_that_is_not_ready(text, said):
    assert said in str(explained(refusal("ValidationException", text), Target("ACTIVE")))


@pytest.mark.parametrize(
    "error",
    [
        refusal("ResourceNotFoundException", operation="ListUsers"),
        refusal("ValidationException", operation="DescribeStacks"),
        refusal("ValidationException", "something else"),
        refusal("AccessDeniedException"),
    ],
)
def test_other_refusals_are_not_taken_for_the_tables(error):
    assert explained(error, Target(None)) is None


@pytest.mark.parametrize(
    "code",
    ["ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "KMSThrottlingException"],
)
def test_throttling_is_said_with_how_often_it_was_tried(code):
    text = explain(refusal(code, "Rate\nexceeded", retries=7))
    assert text.startswith(f"Query: {code}: Rate exceeded; AWS refused it 8 times for too many")


@pytest.mark.parametrize(
    "error",
    [
        refusal("KMSAccessDeniedException"),
        refusal("KMSDisabledException"),
        refusal("AccessDeniedException", "KMS key access denied error"),
    ],
)
def test_a_key_that_cannot_be_used_is_named_as_the_cause(error):
    assert "the KMS key must be enabled" in explain(error)
