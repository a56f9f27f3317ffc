"""Records of a table's stream for each kind of write; enabling and disabling the stream.

Sources: DynamoDB guide, "Change data capture for DynamoDB Streams"; API_streams_StreamRecord; see
also embedded_aws/dynamodb/change_records.py.
"""

import pytest

from embedded_aws.tests.support.steps import KEYED, refused

BOTH = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


@pytest.fixture
def table(dynamodb, name):
    dynamodb.create_table(TableName=name, StreamSpecification=BOTH, **KEYED)
    yield name
    dynamodb.delete_table(TableName=name)


@pytest.fixture
def records(client, table):
    """All records of the table's latest stream, the oldest first."""

    def read():
        streams = client("dynamodbstreams")
        stream = client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
        (shard,) = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
        iterator = streams.get_shard_iterator(
            StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        return streams.get_records(ShardIterator=iterator)["Records"]

    return read


def item(pk, body=None):
    return {"pk": {"S": pk}} | ({"Body": {"S": body}} if body else {})


def changes(records):
    """What happened, and the bodies before and after, of each record."""

    def body(change, image):
        return change.get(image, {}).get("Body", {}).get("S")

    found = []
    for record in records:
        change = record["dynamodb"]
        kind = record["eventName"]
        found.append((kind, body(change, "OldImage"), body(change, "NewImage")))
    return found


def write_singly(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=item("a", "1"))
    dynamodb.put_item(TableName=table, Item=item("a", "2"))
    dynamodb.update_item(
        TableName=table, Key=item("a"), UpdateExpression="SET Body = :b", ExpressionAttributeValues={":b": {"S": "3"}}
    )
    dynamodb.delete_item(TableName=table, Key=item("a"))


def write_in_transactions(dynamodb, table):
    def write(kind, **what):
        dynamodb.transact_write_items(TransactItems=[{kind: {"TableName": table} | what}])

    write("Put", Item=item("a", "1"))
    write("Put", Item=item("a", "2"))
    write("Update", Key=item("a"), UpdateExpression="SET Body = :b", ExpressionAttributeValues={":b": {"S": "3"}})
    write("Delete", Key=item("a"))


def write_in_batches(dynamodb, table):
    for body in ("1", "2", "3"):
        request = {"PutRequest": {"Item": item("a", body)}}
        dynamodb.batch_write_item(RequestItems={table: [request]})
    dynamodb.batch_write_item(RequestItems={table: [{"DeleteRequest": {"Key": item("a")}}]})


def write_with_statements(dynamodb, table):
    for statement in (
        f"INSERT INTO \"{table}\" VALUE {{'pk': 'a', 'Body': '1'}}",
        f"UPDATE \"{table}\" SET Body = '2' WHERE pk = 'a'",
        f"UPDATE \"{table}\" SET Body = '3' WHERE pk = 'a'",
        f"DELETE FROM \"{table}\" WHERE pk = 'a'",
    ):
        dynamodb.execute_statement(Statement=statement)


@pytest.mark.parametrize("write", [write_singly, write_in_transactions, write_in_batches, write_with_statements])
def test_every_change_is_recorded_with_the_item_before_and_after(dynamodb, table, records, write):
    write(dynamodb, table)
    assert changes(records()) == [
        ("INSERT", None, "1"),
        ("MODIFY", "1", "2"),
        ("MODIFY", "2", "3"),
        ("REMOVE", "3", None),
    ]


def test_a_write_that_changes_nothing_is_not_recorded(dynamodb, table, records):
    write_singly(dynamodb, table)
    before = len(records())
    dynamodb.delete_item(TableName=table, Key=item("a"))
    dynamodb.put_item(TableName=table, Item=item("b", "1"))
    for _ in range(2):
        dynamodb.put_item(TableName=table, Item=item("b", "1"))
        dynamodb.update_item(
            TableName=table,
            Key=item("b"),
            UpdateExpression="SET Body = :b",
            ExpressionAttributeValues={":b": {"S": "1"}},
        )
    statement = f"UPDATE \"{table}\" SET Body = '1' WHERE pk = 'b'"
    dynamodb.execute_statement(Statement=statement)
    assert changes(records())[before:] == [("INSERT", None, "1")]


def test_a_refused_write_is_not_recorded(dynamodb, table, records):
    dynamodb.put_item(TableName=table, Item=item("a", "1"))
    condition = {"ConditionExpression": "attribute_not_exists(pk)"}
    refused(dynamodb.put_item, TableName=table, Item=item("a", "2"), **condition)
    puts = [
        {"Put": {"TableName": table, "Item": item("b", "1")}},
        {"Put": {"TableName": table, "Item": item("a", "2")} | condition},
    ]
    refused(dynamodb.transact_write_items, TransactItems=puts)
    assert len(records()) == 1


def test_sequence_numbers_ascend_and_sizes_count_keys_and_images(dynamodb, table, records):
    write_singly(dynamodb, table)
    found = [record["dynamodb"] for record in records()]
    numbers = [change["SequenceNumber"] for change in found]
    assert numbers == sorted(set(numbers), key=int) == sorted(set(numbers))
    # pk + a = 3 bytes, Body + a digit = 5 bytes.
    assert [change["SizeBytes"] for change in found] == [11, 19, 19, 11]


def test_a_stream_that_is_disabled_and_enabled_again_is_a_new_one(dynamodb, table, records):
    def switch(specification):
        return refused(dynamodb.update_table, TableName=table, StreamSpecification=specification)

    off = {"StreamEnabled": False}
    text = f"Table already has an enabled stream: TableName: {table}"
    assert switch(BOTH) == (400, "ValidationException", text)
    dynamodb.put_item(TableName=table, Item=item("a", "1"))
    first = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    dynamodb.update_table(TableName=table, StreamSpecification=off)
    assert switch(off) == (400, "ValidationException", f"Table has no stream to disable: TableName: {table}")
    dynamodb.put_item(TableName=table, Item=item("b", "1"))
    dynamodb.update_table(TableName=table, StreamSpecification=BOTH)
    dynamodb.put_item(TableName=table, Item=item("c", "1"))
    assert dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"] != first
    (record,) = records()
    assert record["dynamodb"]["Keys"] == item("c")
