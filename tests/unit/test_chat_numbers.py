"""Numbers of items: every spelling is read, and what DynamoDB cannot keep is refused."""

from decimal import Decimal

import boto3
import pytest
from botocore.stub import Stubber

from dynamo.table import Deserializer, Serializer, exact

SPELLINGS = [
    "1E+41",
    "1E50",
    "1" + "0" * 40,
    "1." + "0" * 42,
    "-9.99E+125",
    "1E-130",
    "0." + "0" * 129 + "1",
    "1" * 38 + "0" * 80,
    "0." + "0" * 50,
]


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_every_spelling_is_exact_both_ways(spelled):
    value = {"L": [{"N": spelled}, {"NS": [spelled]}]}
    read = Deserializer().deserialize(value)
    assert read == [Decimal(spelled), {Decimal(spelled)}]
    ((_, written),) = Serializer().serialize(read[0]).items()
    assert Decimal(written) == Decimal(spelled)
    assert len(Decimal(written).as_tuple().digits) <= 38


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("1" * 39, "has 39 digits; DynamoDB keeps 38"),
        ("1E126", r"1E\+126 is beyond 1E-130 to 9.99E\+125"),
        ("1E-131", "1E-131 is beyond"),
        ("NaN", "NaN is not a number of DynamoDB"),
        ("sNaN", "sNaN is not a number of DynamoDB"),
        ("-Infinity", "-Infinity is not a number of DynamoDB"),
    ],
)
def test_what_dynamodb_cannot_keep_is_refused(number, reason):
    with pytest.raises(ValueError, match=reason):
        Serializer().serialize(Decimal(number))


def test_a_resource_reads_and_writes_them():
    resource = exact(
        boto3.resource("dynamodb", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    )
    events, sent = resource.meta.client.meta.events, []
    long, table = "1" + "0" * 41, resource.Table("Messages")
    with Stubber(resource.meta.client) as stubber:
        stubber.add_response("put_item", {"Attributes": {"n": {"N": long}}})
        events.register_last("before-parameter-build.dynamodb", lambda params, **_: sent.append(params["Item"]))
        answer = table.put_item(Item={"n": Decimal(long)})
    assert sent == [{"n": {"N": "1E+41"}}]
    assert answer["Attributes"] == {"n": Decimal("1E+41")}
