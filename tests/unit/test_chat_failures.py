"""What DynamoDB's refusals mean for a command."""

import functools

import pytest

from chat.__main__ import parser
from chat.target import Target
from cli.errors import explain
from tests.support import fake_clients

refusal = functools.partial(fake_clients.refusal, operation="Query")


ELSE = "deploy it, or name another one with --table, --stage, --stack or --region"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (refusal("ResourceNotFoundException"), f"table Messages does not exist in eu-west-1; {ELSE} (a table that is"),
        (
            refusal("ValidationException", "The table does not have the specified index: ConversationsByRecency"),
            "has no index ConversationsByRecency; deploy its stack again",
        ),
        (
            refusal("ValidationException", "Cannot read from backfilling global secondary index: ConversationsBy..."),
            "is still being created; try again later",
        ),
        (refusal("ResourceNotFoundException", operation="ListUsers"), "None"),
        (refusal("ValidationException", operation="DescribeStacks"), "None"),
        (refusal("AccessDeniedException"), "None"),
    ],
)
def test_refusals_of_the_table_get_its_remedy(error, said):
    arguments = parser().parse_args(["history", "a#b", "--table", "Messages", "--region", "eu-west-1"])
    assert said in str(Target(arguments).explained(error))


@pytest.mark.parametrize(("code", "text"), [("KMSDisabledException", ""), ("AccessDeniedException", "KMS key denied")])
def test_a_key_that_cannot_be_used_is_named_as_the_cause(code, text):
    assert "the KMS key must be enabled" in explain(refusal(code, text))
