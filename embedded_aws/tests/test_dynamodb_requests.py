"""The error texts of refused DynamoDB requests.

Source: answers that github.com/paritysuite/dynamodb-conformance recorded on AWS, in captures/ and registry/splits.json.
"""

import pytest
from botocore.config import Config

from embedded_aws.tests.support.steps import refused

UNCHECKED = Config(parameter_validation=False)


@pytest.mark.parametrize(
    ("region", "text"),
    [
        ("us-east-1", "The requestItems parameter is required for BatchWriteItem"),
        (
            "eu-west-2",
            "1 validation error detected: Value at 'RequestItems' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1",
        ),
    ],
)
def test_a_batch_write_of_nothing_is_refused_in_the_words_of_its_region(client, region, text):
    dynamodb = client("dynamodb", region_name=region, config=UNCHECKED)
    assert refused(dynamodb.batch_write_item, RequestItems={}) == (400, "ValidationException", text)


@pytest.mark.parametrize("more", [{}, {"ReturnConsumedCapacity": "INVALID"}])
def test_an_update_with_invalid_return_values_is_refused_for_these_alone(client, table, more):
    dynamodb = client("dynamodb", config=UNCHECKED)
    text = (
        "1 validation error detected: Failed to satisfy constraint: "
        "Member must satisfy enum value set: [ALL_OLD, UPDATED_OLD, ALL_NEW, UPDATE_NEW, NONE]"
    )
    arguments = {"TableName": table, "Key": {"pk": {"S": "one"}}, "ReturnValues": "INVALID"}
    assert refused(dynamodb.update_item, **arguments, **more) == (400, "ValidationException", text)
    found = refused(dynamodb.update_item, **arguments | {"ReturnValues": "NONE", "ReturnConsumedCapacity": "INVALID"})
    assert "returnConsumedCapacity" in found[2]
