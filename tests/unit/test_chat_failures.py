"""What DynamoDB's refusals mean for a command."""

import pytest
from botocore.exceptions import ClientError

from chat.__main__ import parser
from chat.target import Target
from cli.errors import explain


def refusal(code, text="text", operation="Query", retries=0):
    answer = {"Error": {"Code": code, "Message": text}, "ResponseMetadata": {"RetryAttempts": retries}}
    return ClientError(answer, operation)


@pytest.fixture
def explained(monkeypatch):
    """``explained(error, status)``: what the command says of an error; ``status`` is that of the table, if any."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")

    def said(error, status):
        def describe(_client, operation, request):
            assert (operation, request["TableName"]) == ("DescribeTable", "Messages")
            if status in ("ResourceNotFoundException", "AccessDeniedException"):
                raise refusal(status)
            return {"Table": {"TableStatus": status}}

        monkeypatch.setattr("botocore.client.BaseClient._make_api_call", describe)
        arguments = parser().parse_args(["history", "a#b", "--table", "Messages", "--region", "eu-west-1"])
        found = Target(arguments).explained(error)
        return found and str(found)

    return said


MISSING = "ResourceNotFoundException"
ELSE = "deploy it, or name another one with --table, --stage, --stack or --region"
OLD = "The table does not have the specified index: ConversationsByRecency"
FILLING = "Cannot read from backfilling global secondary index: ConversationsByRecency"


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (refusal(MISSING), MISSING, f"table Messages does not exist in eu-west-1; {ELSE}"),
        (refusal(MISSING), "CREATING", "cannot be used yet (status CREATING); run this again in a moment"),
        (refusal(MISSING), "DELETING", "table Messages in eu-west-1 cannot be used (status DELETING)"),
        (refusal(MISSING), "AccessDeniedException", f"does not exist in eu-west-1, or is still being created; {ELSE}"),
        (refusal("ValidationException", OLD), "ACTIVE", "has no index ConversationsByRecency; deploy its stack again"),
        (refusal("ValidationException", FILLING), "ACTIVE", "is still being filled; try again later"),
    ],
)
def test_a_missing_table_or_index_is_told_from_one_that_is_not_ready(explained, error, status, said):
    assert said in explained(error, status)


@pytest.mark.parametrize(
    "error",
    [
        refusal("ResourceNotFoundException", operation="ListUsers"),
        refusal("ValidationException", operation="DescribeStacks"),
        refusal("ValidationException", "something else"),
        refusal("AccessDeniedException"),
    ],
)
def test_other_refusals_do_not_concern_the_table(explained, error):
    assert explained(error, "ResourceNotFoundException") is None


@pytest.mark.parametrize(
    ("code", "text"),
    [("KMSAccessDeniedException", ""), ("KMSDisabledException", ""), ("AccessDeniedException", "KMS key denied")],
)
def test_a_key_that_cannot_be_used_is_named_as_the_cause(code, text):
    assert "the KMS key must be enabled" in explain(refusal(code, text))
