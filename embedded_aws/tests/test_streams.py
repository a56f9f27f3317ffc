"""Records of a table's stream for each kind of write; enabling and disabling the stream.

Sources: DynamoDB guide, "Change data capture for DynamoDB Streams"; API_streams_StreamRecord; see
also embedded_aws/dynamodb/change_records.py.
"""

import pytest

from embedded_aws.tests.support.steps import KEYED, code_of, refused

BOTH = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
A = {"pk": {"S": "a"}}


@pytest.fixture
def table(dynamodb, name):
    dynamodb.create_table(TableName=name, StreamSpecification=BOTH, **KEYED)
    return name


@pytest.fixture
def records(client, dynamodb, table):
    """All records of the table's latest stream, the oldest first."""

    def read():
        streams = client("dynamodbstreams")
        arn = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
        (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        found = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
        return streams.get_records(ShardIterator=found["ShardIterator"])["Records"]

    return read


def item(pk, body):
    return {"pk": {"S": pk}, "Body": {"S": body}}


def changes(records):
    """What happened, and the bodies before and after, of each record."""

    def body(record, image):
        return record["dynamodb"].get(image, {}).get("Body", {}).get("S")

    return [(record["eventName"], body(record, "OldImage"), body(record, "NewImage")) for record in records]


def updating(pk, body):
    return {
        "Key": {"pk": {"S": pk}},
        "UpdateExpression": "SET Body = :b",
        "ExpressionAttributeValues": {":b": {"S": body}},
    }


def write_singly(dynamodb, table):
    dynamodb.put_item(TableName=table, Item=item("a", "1"))
    dynamodb.put_item(TableName=table, Item=item("a", "2"))
    dynamodb.update_item(TableName=table, **updating("a", "3"))
    dynamodb.delete_item(TableName=table, Key=A)


def write_in_transactions(dynamodb, table):
    for kind, what in (
        ("Put", {"Item": item("a", "1")}),
        ("Put", {"Item": item("a", "2")}),
        ("Update", updating("a", "3")),
        ("Delete", {"Key": A}),
    ):
        dynamodb.transact_write_items(TransactItems=[{kind: {"TableName": table} | what}])


def write_in_batches(dynamodb, table):
    puts = [{"PutRequest": {"Item": item("a", body)}} for body in ("1", "2", "3")]
    for request in (*puts, {"DeleteRequest": {"Key": A}}):
        dynamodb.batch_write_item(RequestItems={table: [request]})


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
    found = records()
    assert changes(found) == [("INSERT", None, "1"), ("MODIFY", "1", "2"), ("MODIFY", "2", "3"), ("REMOVE", "3", None)]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in found]
    assert numbers == sorted(set(numbers), key=int) == sorted(set(numbers))
    # pk + a = 3 bytes, Body + a digit = 5 bytes.
    assert [record["dynamodb"]["SizeBytes"] for record in found] == [11, 19, 19, 11]


def test_a_write_that_is_refused_or_changes_nothing_is_not_recorded(dynamodb, table, records):
    dynamodb.delete_item(TableName=table, Key=A)
    for _ in range(2):
        dynamodb.put_item(TableName=table, Item=item("b", "1"))
        dynamodb.update_item(TableName=table, **updating("b", "1"))
    dynamodb.execute_statement(Statement=f"UPDATE \"{table}\" SET Body = '1' WHERE pk = 'b'")
    new = {"TableName": table, "Item": item("b", "2"), "ConditionExpression": "attribute_not_exists(pk)"}
    assert code_of(dynamodb.put_item, **new) == "ConditionalCheckFailedException"
    puts = [{"Put": {"TableName": table, "Item": item("c", "1")}}, {"Put": new}]
    assert code_of(dynamodb.transact_write_items, TransactItems=puts) == "TransactionCanceledException"
    assert changes(records()) == [("INSERT", None, "1")]


def test_a_transaction_of_statements_is_recorded_whole_or_not_at_all(dynamodb, table, records):
    insert = {"Statement": f"INSERT INTO \"{table}\" VALUE {{'pk': 'a', 'Body': '1'}}"}
    again = {"Statement": f"INSERT INTO \"{table}\" VALUE {{'pk': 'b', 'Body': '1'}}"}
    dynamodb.put_item(TableName=table, Item=item("b", "0"))
    failed = code_of(dynamodb.execute_transaction, TransactStatements=[insert, again])
    assert failed == "TransactionCanceledException"
    assert changes(records()) == [("INSERT", None, "0")]
    dynamodb.execute_transaction(TransactStatements=[insert])
    assert changes(records())[1:] == [("INSERT", None, "1")]


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
    assert record["dynamodb"]["Keys"] == {"pk": {"S": "c"}}
