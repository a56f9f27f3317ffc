"""One number is one key and one stored value, however a request writes it.

Source: DynamoDB guide, HowItWorks.NamingRulesDataTypes, "Number": leading and trailing zeroes are trimmed, and "10.0"
and "1e1" are the number 10.
"""

import pytest

from embedded_aws.tests.support.steps import refused

WRITTEN = ("10", "10.0", "1e1", "010", "+10")


def key(number, name="a"):
    return {"pk": {"S": name}, "sk": {"N": number}}


@pytest.fixture
def numbered(dynamodb, name):
    """The name of a table with a number as sort key, and in it the key 10."""
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "N"},
        ],
    )
    dynamodb.put_item(TableName=name, Item=key("10"))
    return name


@pytest.fixture
def items(dynamodb, numbered):
    """``items()``: what the table holds."""
    return lambda: dynamodb.scan(TableName=numbered)["Items"]


@pytest.mark.parametrize("number", WRITTEN)
def test_reads_find_the_item_of_a_number(dynamodb, numbered, number):
    asked = {"TableName": numbered, "Key": key(number)}
    assert dynamodb.get_item(**asked)["Item"] == key("10")
    assert dynamodb.transact_get_items(TransactItems=[{"Get": asked}])["Responses"] == [{"Item": key("10")}]
    batch = dynamodb.batch_get_item(RequestItems={numbered: {"Keys": [key(number)]}})
    assert batch["Responses"][numbered] == [key("10")]
    start = dynamodb.scan(TableName=numbered, ExclusiveStartKey=key(number))
    assert start["Items"] == []


@pytest.mark.parametrize("number", WRITTEN)
def test_writes_change_the_item_of_a_number(dynamodb, numbered, items, number):
    change = {
        "TableName": numbered,
        "Key": key(number),
        "UpdateExpression": "SET n = :n",
        "ExpressionAttributeValues": {":n": {"N": "1.50"}},
    }
    dynamodb.update_item(**change)
    assert items() == [key("10") | {"n": {"N": "1.5"}}]
    dynamodb.transact_write_items(TransactItems=[{"Update": change}])
    assert items() == [key("10") | {"n": {"N": "1.5"}}]
    dynamodb.delete_item(TableName=numbered, Key=key(number))
    assert items() == []


def test_a_transaction_stores_numbers_as_other_writes_do(dynamodb, numbered, items):
    dynamodb.delete_item(TableName=numbered, Key=key("10"))
    update = {
        "TableName": numbered,
        "Key": key("10.0"),
        "UpdateExpression": "SET n = :n",
        "ExpressionAttributeValues": {":n": {"L": [{"N": "1.50"}, {"M": {"deep": {"NS": ["2.0", "3"]}}}]}},
    }
    for _ in range(2):  # the second is the first, sent again
        dynamodb.transact_write_items(TransactItems=[{"Update": update}], ClientRequestToken=numbered)
    assert items() == [key("10") | {"n": {"L": [{"N": "1.5"}, {"M": {"deep": {"NS": ["2", "3"]}}}]}}]


def test_statements_store_and_find_numbers(dynamodb, numbered, items):
    statement = f"INSERT INTO {numbered} VALUE {{'pk': ?, 'sk': ?, 'n': ?}}"
    parameters = [{"S": "a"}, {"N": "10.0"}, {"N": "1.50"}]
    found = refused(dynamodb.execute_statement, Statement=statement, Parameters=parameters)
    assert found[1] == "DuplicateItemException"
    dynamodb.delete_item(TableName=numbered, Key=key("10"))
    dynamodb.execute_statement(Statement=statement, Parameters=parameters)
    assert items() == [key("10") | {"n": {"N": "1.5"}}]
    update = f"UPDATE {numbered} SET n = ? WHERE pk = ? AND sk = ?"
    dynamodb.execute_statement(Statement=update, Parameters=[{"N": "2.50"}, {"S": "a"}, {"N": "1e1"}])
    assert items() == [key("10") | {"n": {"N": "2.5"}}]


def test_two_forms_of_one_key_are_one_key_in_a_batch_and_a_transaction(dynamodb, numbered, items):
    duplicates = "Provided list of item keys contains duplicates"
    keys = [key("10"), key("10.0")]
    assert refused(dynamodb.batch_get_item, RequestItems={numbered: {"Keys": keys}})[2] == duplicates
    batch = [{"PutRequest": {"Item": key("10")}}, {"DeleteRequest": {"Key": key("10.0")}}]
    assert refused(dynamodb.batch_write_item, RequestItems={numbered: batch})[2] == duplicates
    writes = [
        {"Put": {"TableName": numbered, "Item": key("10")}},
        {"Delete": {"TableName": numbered, "Key": key("10.0")}},
    ]
    found = refused(dynamodb.transact_write_items, TransactItems=writes)
    assert found[1:] == ("ValidationException", "Transaction request cannot include multiple operations on one item")
    assert items() == [key("10")]


@pytest.mark.parametrize("condition", ["sk = :s", "sk >= :s", "sk BETWEEN :s AND :s"])
def test_a_key_condition_takes_any_form_of_a_number(dynamodb, numbered, condition):
    values = {":p": {"S": "a"}, ":s": {"N": "1e1"}}
    expression = {"KeyConditionExpression": f"pk = :p AND {condition}", "ExpressionAttributeValues": values}
    assert dynamodb.query(TableName=numbered, **expression)["Items"] == [key("10")]
