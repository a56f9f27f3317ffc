"""boto3's DynamoDB: exact numbers, and the units of all requests of a client."""

from decimal import Decimal, Inexact

import boto3
import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.stub import Stubber

from dynamo.table import Capacity

SPELLINGS = ["1E+41", "1" + "0" * 40, "1." + "0" * 42, "-9.99E+125", "1E-130", "1" * 38 + "0" * 80, "0E-300"]


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_every_spelling_is_exact_both_ways(spelled):
    value = {"L": [{"N": spelled}, {"NS": [spelled]}]}
    read = TypeDeserializer().deserialize(value)
    assert read == [Decimal(spelled), {Decimal(spelled)}]
    ((_, written),) = TypeSerializer().serialize(read[0]).items()
    assert Decimal(written) == Decimal(spelled)
    assert len(Decimal(written).as_tuple().digits) <= 38


def test_a_number_that_would_change_is_refused():
    with pytest.raises(Inexact):
        TypeSerializer().serialize(Decimal("1" * 39))


def test_reads_and_writes_of_a_resource_are_summed():
    account = {"region_name": "eu-west-1", "aws_access_key_id": "x", "aws_secret_access_key": "x"}
    dynamodb = boto3.Session().resource("dynamodb", **account)
    client, capacity = dynamodb.meta.client, Capacity()
    capacity.watch(client)
    key, asked = {"pk": "a"}, []
    delete = {"DeleteRequest": {"Key": key}}

    def note(params, **_):
        asked.append(params.get("ReturnConsumedCapacity"))

    def units(count):
        return {"TableName": "t-t", "CapacityUnits": count}

    client.meta.events.register_last("before-parameter-build.dynamodb", note)
    with Stubber(client) as stub:
        stub.add_response("get_item", {"ConsumedCapacity": units(0.5)})
        stub.add_response("put_item", {"ConsumedCapacity": units(3)})
        stub.add_response("batch_write_item", {"ConsumedCapacity": [units(2), units(4)]})
        stub.add_response("batch_get_item", {"ConsumedCapacity": [units(1.5)]})
        stub.add_response("describe_table", {})
        table = dynamodb.Table("t-t")
        table.get_item(Key=key)
        table.put_item(Item=key)
        client.batch_write_item(RequestItems={"t-t": [delete]})
        client.batch_get_item(RequestItems={"t-t": {"Keys": [key]}})
        client.describe_table(TableName="t-t")
    assert asked == ["TOTAL"] * 4 + [None]
    assert str(capacity) == "consumed capacity: 2 read units, 9 write units"
