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


@pytest.fixture
def start(client, table):
    """``start(key, **arguments)``: the error of a Query of one partition or user, or of a Scan, that starts there."""

    def read(key, *, scan=False, **arguments):
        dynamodb = client("dynamodb")
        if scan:
            return refused(dynamodb.scan, TableName=table, ExclusiveStartKey=key, **arguments)
        name, value = ("#u", "tom") if "IndexName" in arguments else ("pk", "one")
        names = {"ExpressionAttributeNames": {"#u": "User"}} if name == "#u" else {}
        condition = {"KeyConditionExpression": f"{name} = :v", "ExpressionAttributeValues": {":v": {"S": value}}}
        return refused(dynamodb.query, TableName=table, ExclusiveStartKey=key, **condition, **names, **arguments)

    return read


ONE, TOM = {"pk": {"S": "one"}}, {"User": {"S": "tom"}}
INVALID = (400, "ValidationException", "The provided starting key is invalid")


def test_a_start_key_must_have_the_keys_of_what_is_read_and_no_others(start):
    schema = (*INVALID[:2], f"{INVALID[2]}: The provided key element does not match the schema")
    for key in (ONE | TOM, {"pk": {"N": "1"}}):
        assert start(key) == INVALID
        assert start(key, scan=True) == schema
    for key in (ONE, ONE | TOM | {"more": {"S": "x"}}, ONE | {"User": {"N": "1"}}):
        assert start(key, IndexName="ByUser") == INVALID


def test_a_start_key_must_be_in_the_partition_that_is_queried(start):
    outside = "The provided starting key is outside query boundaries based on provided conditions"
    assert start({"pk": {"S": "two"}}) == (*INVALID[:2], outside)
    assert start(ONE | {"User": {"S": "jerry"}}, IndexName="ByUser") == (*INVALID[:2], outside)


def test_a_start_key_must_be_in_the_segment_that_is_scanned(client, start, table):
    def holds(segment):
        found = client("dynamodb").scan(TableName=table, TotalSegments=3, Segment=segment)["Items"]
        return ONE["pk"] in [item["pk"] for item in found]

    other = next(segment for segment in range(3) if not holds(segment))
    text = "Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: 3 Segment:"
    asked = {"scan": True, "TotalSegments": 3, "Segment": other}
    assert start(ONE, **asked) == (*INVALID[:2], f"{INVALID[2]}: {text} {other}")
