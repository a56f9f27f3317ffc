"""How Lambda reads a DynamoDB stream: batches, order, retries and discarded batches.

Sources: see embedded_aws/streams. What was recorded on AWS is in test_recorded_*.py.
"""

import json
import time

from embedded_aws.tests.support.steps import KEYED, eventually, grant
from embedded_aws.tests.support.stream_readers import READING


def test_a_mapping_gets_the_records_of_its_filter_and_is_not_delayed_by_a_slow_one(streams, client):
    def filtering(prefix):
        pattern = {"dynamodb": {"Keys": {"pk": {"S": [{"prefix": prefix}]}}}}
        return {"FilterCriteria": {"Filters": [{"Pattern": json.dumps(pattern)}]}}

    slow = streams.reader("slow", **filtering("slow"))
    streams.reader(**filtering("CONVERSATION#"))
    streams.put("slow")
    eventually(lambda: streams.batches() == [["slow"]])
    streams.put("USER#tom", "CONVERSATION#1", "CONVERSATIONS", "CONVERSATION#2")
    batches = streams.sent("CONVERSATION#2")
    assert [name for batch in batches[1:] for name in batch] == ["CONVERSATION#1", "CONVERSATION#2"]
    shown = client("lambda").get_event_source_mapping(UUID=slow)
    assert shown["LastProcessingResult"] == "No records processed", "it has not come back yet"


def test_a_batching_window_gathers_records(streams):
    streams.reader(MaximumBatchingWindowInSeconds=30, BatchSize=3)
    for name in ("a", "b", "c"):
        streams.put(name)
    assert streams.sent("c") == [["a", "b", "c"]]


def test_a_mapping_that_does_not_say_so_ignores_a_report(streams):
    streams.put("report", "a")
    streams.reader()
    streams.sent("a")
    streams.put("b")
    assert streams.sent("b") == [["report", "a"], ["b"]]


def test_a_split_leaves_the_failing_record_alone(streams):
    url, queue = streams.queue()
    streams.put("a", "b", "c", "raise", "d")
    streams.reader(BisectBatchOnFunctionError=True, MaximumRetryAttempts=1, failures=queue)
    found = streams.received(url)
    eventually(lambda: streams.batches()[-1] == ["d"])
    halves = [["a", "b"], ["c", "raise", "d"], ["c"], ["raise", "d"]]
    assert streams.batches()[1:] == [*halves, ["raise"], ["raise"], ["d"]]
    assert found["responseContext"]["functionError"] == "Unhandled"
    assert found["DDBStreamBatchInfo"]["batchSize"] == 1


def test_a_throttled_batch_uses_up_no_retry(streams, client):
    function = f"{streams.name}-reader"
    mapping = streams.reader(MaximumRetryAttempts=0, Enabled=False)
    client("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    client("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)
    streams.put("a")
    time.sleep(0.3)  # Lambda shows a throttled try nowhere, so wait for several
    assert streams.batches() == []
    client("lambda").delete_function_concurrency(FunctionName=function)
    assert streams.sent("a") == [["a"]]


def test_a_stream_that_is_switched_off_is_read_to_its_end_and_its_successor_has_no_records_of_it(streams, client):
    mapping, dynamodb = streams.reader(Enabled=False), client("dynamodb")
    streams.put("last")
    dynamodb.update_table(TableName=streams.table, StreamSpecification={"StreamEnabled": False})
    client("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)
    assert streams.sent("last") == [["last"]]
    dynamodb.delete_table(TableName=streams.table)
    dynamodb.create_table(TableName=streams.table, **KEYED)
    streams.reader("other", EventSourceArn=streams.switch_on())
    streams.put("new")
    assert streams.sent("new") == [["last"], ["new"]]


def test_a_mapping_continues_where_it_was_disabled_and_where_its_role_lost_the_grant(streams, client):
    mapping, role = streams.reader(StartingPosition="LATEST"), f"{streams.name}-reader"
    update, get = client("lambda").update_event_source_mapping, client("lambda").get_event_source_mapping
    eventually(lambda: get(UUID=mapping)["State"] == "Enabled")  # records before that are not read
    streams.put("a")
    streams.sent("a")
    update(UUID=mapping, Enabled=False)
    streams.put("b")
    update(UUID=mapping, Enabled=True)
    assert streams.sent("b") == [["a"], ["b"]]
    grant(client, role)
    streams.put("c")
    eventually(lambda: "Cannot access stream" in get(UUID=mapping)["LastProcessingResult"])
    grant(client, role, *READING)
    streams.put("d")
    assert [name for batch in streams.sent("d") for name in batch] == ["a", "b", "c", "d"]
