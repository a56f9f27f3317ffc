"""The order of a table's keys stays that of the engine, whatever changes the table."""

import contextlib
import copy
import itertools
import json
import threading
from types import SimpleNamespace

import ministack.services.dynamodb as engine
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded_aws.tests.support.pages import INDEXES, TABLE, TYPES, additions, compare, create, fill, index, item


@pytest.fixture(scope="module")
def own():
    with additions() as functions:
        yield functions


def called(operation, arguments, status=200):
    reply = getattr(engine, operation)(copy.deepcopy(arguments))
    assert reply[0] == status, reply
    return json.loads(reply[2])


def batch_write():
    deleted = [{"DeleteRequest": {"Key": item(number)}} for number in ("1", "9")]
    put = [{"PutRequest": {"Item": item(number, text="t", number=number)}} for number in ("3", "35")]
    called("_batch_write_item", {"RequestItems": {TABLE: deleted + put}})


def transaction(*more, status=200):
    changed = {"UpdateExpression": "SET #n = :n", "ExpressionAttributeNames": {"#n": "number"}}
    values = {"ExpressionAttributeValues": {":n": {"N": "-1.0"}}}
    writes = [
        {"Put": {"TableName": TABLE, "Item": item("00", text="t", number="50")}},
        {"Delete": {"TableName": TABLE, "Key": item("2")}},
        {"Update": {"TableName": TABLE, "Key": item("4")} | changed | values},
        {"Update": {"TableName": TABLE, "Key": item("45")} | changed | values},
    ]
    called("_transact_write_items", {"TransactItems": [*writes, *more]}, status)


def cancelled_transaction():
    check = {"TableName": TABLE, "Key": item("7"), "ConditionExpression": "attribute_not_exists(pk)"}
    transaction({"ConditionCheck": check}, status=400)


STATEMENTS = (
    f"INSERT INTO {TABLE} VALUE {{'pk': 'a', 'sk': '00', 'text': 't', 'number': 70}}",
    f"DELETE FROM {TABLE} WHERE pk = 'a' AND sk = '3'",
    f"UPDATE {TABLE} SET number = -5 WHERE pk = 'a' AND sk = '6'",
    f"UPDATE {TABLE} REMOVE number WHERE pk = 'a' AND sk = '7'",
)


def statements():
    for statement in STATEMENTS:
        called("_execute_statement", {"Statement": statement})


def batch_of_statements():
    answers = called("_batch_execute_statement", {"Statements": [{"Statement": text} for text in STATEMENTS]})
    assert not any("Error" in answer for answer in answers["Responses"])


def transaction_of_statements(*more, status=200):
    sent = [{"Statement": text} for text in (*STATEMENTS, *more)]
    called("_execute_transaction", {"TransactStatements": sent}, status)


def cancelled_transaction_of_statements():
    transaction_of_statements(f"INSERT INTO {TABLE} VALUE {{'pk': 'a', 'sk': '5'}}", status=400)


def expiry():
    """One run of the engine's thread that deletes expired items."""

    class RunOverError(BaseException):
        pass

    this, slept = threading.current_thread(), []

    def sleep(seconds):
        if threading.current_thread() is not this:
            threading.Event().wait(seconds)
        elif slept:
            raise RunOverError
        else:
            slept.append(seconds)

    called("_put_item", {"TableName": TABLE, "Item": item("45", number="1")})
    setting = {"AttributeName": "number", "Enabled": True}
    called("_update_ttl", {"TableName": TABLE, "TimeToLiveSpecification": setting})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "time", SimpleNamespace(sleep=sleep, time=lambda: 23.0))
        with pytest.raises(RunOverError):
            engine._ttl_reaper()
    called("_update_ttl", {"TableName": TABLE, "TimeToLiveSpecification": setting | {"Enabled": False}})


def restore_from_backup():
    backup = called("_create_backup", {"TableName": TABLE, "BackupName": "kept"})["BackupDetails"]["BackupArn"]
    called("_delete_item", {"TableName": TABLE, "Key": item("6")})
    called("_delete_table", {"TableName": TABLE})
    called("_restore_table_from_backup", {"TargetTableName": TABLE, "BackupArn": backup})
    called("_delete_item", {"TableName": TABLE, "Key": item("4")})
    called("_delete_backup", {"BackupArn": backup})


def restore_to_a_time():
    names = (TABLE, f"{TABLE}-moved", TABLE)
    for source, target in itertools.pairwise(names):
        specification = {"PointInTimeRecoveryEnabled": True}
        recovery = {"TableName": source, "PointInTimeRecoverySpecification": specification}
        called("_update_continuous_backups", recovery)
        called("_put_item", {"TableName": source, "Item": item("99", text="t", number="0")})  # after that time
        restored = {"SourceTableName": source, "TargetTableName": target, "UseLatestRestorableTime": True}
        called("_restore_table_to_point_in_time", restored)
        recovery["PointInTimeRecoverySpecification"] = {"PointInTimeRecoveryEnabled": False}
        called("_update_continuous_backups", recovery)
        called("_delete_table", {"TableName": source})
    called("_delete_item", {"TableName": TABLE, "Key": item("4")})


def recreation():
    called("_delete_table", {"TableName": TABLE})
    create("S", indexes=INDEXES | {"ByText": ["number"]})
    fill(5)


def index_changes():
    types = [{"AttributeName": name, "AttributeType": kind} for name, kind in (TYPES | {"sk": "S"}).items()]
    for update in (
        {"Delete": {"IndexName": "ByText"}},
        {"Create": index("ByText", ["number"])},
        {"Delete": {"IndexName": "ByNumber"}},
    ):
        arguments = {"TableName": TABLE, "AttributeDefinitions": types, "GlobalSecondaryIndexUpdates": [update]}
        called("_update_table", arguments)
    called("_put_item", {"TableName": TABLE, "Item": item("00", text="a", number="3")})


STEPS = (
    batch_write,
    transaction,
    cancelled_transaction,
    statements,
    batch_of_statements,
    transaction_of_statements,
    cancelled_transaction_of_statements,
    expiry,
    restore_from_backup,
    restore_to_a_time,
    recreation,
    index_changes,
)
READS = [
    (operation, {"TableName": TABLE, "Limit": 3} | request)
    for operation, request in (
        ("_scan", {}),
        *(("_scan", {"TotalSegments": 2, "Segment": segment}) for segment in (0, 1)),
        *(("_scan", {"IndexName": name}) for name in INDEXES),
        *(
            (
                "_query",
                {"KeyConditionExpression": key, "ExpressionAttributeValues": values, "ScanIndexForward": forward}
                | more,
            )
            for forward in (True, False)
            for key, values, more in (
                ("pk = :v", {":v": {"S": "a"}}, {}),
                ("pk = :v AND sk > :s", {":v": {"S": "a"}, ":s": {"S": "3"}}, {}),
                ("pk = :v", {":v": {"S": "a"}}, {"IndexName": "Local"}),
                ("#t = :v", {":v": {"S": "t"}}, {"IndexName": "ByText", "ExpressionAttributeNames": {"#t": "text"}}),
                ("#t = :v", {":v": {"S": "t"}}, {"IndexName": "ByNumber", "ExpressionAttributeNames": {"#t": "text"}}),
            )
        ),
    )
]


def compare_all(own):
    """Read the table and its indexes in every way, page by page."""
    for operation, request in READS:
        asked = dict(request)
        while start := json.loads(compare(own, operation, asked)[2]).get("LastEvaluatedKey"):
            asked["ExclusiveStartKey"] = start


@pytest.mark.parametrize("step", STEPS)
def test_the_order_stays_that_of_the_engine_after(own, step):
    create("S")
    fill()
    compare_all(own)
    before = copy.deepcopy(engine._tables[TABLE]["items"])
    step()
    is_cancelled = step in (cancelled_transaction, cancelled_transaction_of_statements)
    assert (engine._tables[TABLE]["items"] == before) == is_cancelled
    compare_all(own)


@given(st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_order_stays_that_of_the_engine_after_any_steps(own, data):
    create("S")
    fill()
    for _ in range(data.draw(st.integers(1, 8))):
        with contextlib.suppress(AssertionError):  # a step that another one made impossible is refused
            data.draw(st.sampled_from(STEPS))()
        if TABLE not in engine._tables:
            create("S")
        compare_all(own)
