"""The records that a function gets, and filters, as recorded on AWS.

The judge and what is left out: embedded_aws/tests/support/recorded.py.
"""

import json

import pytest

from embedded_aws.tests.support.recorded import (
    ITEM,
    KEY,
    RETURNING_NONE,
    SETTINGS,
    events,
    mapping_of,
    record_of,
    shown,
    without_numbers,
)
from embedded_aws.tests.support.stream_readers import LISTING, READING


def test_a_function_gets_every_member_of_a_record(recorded, client):
    """DDB test_dynamodb_event_source_mapping."""
    function = recorded.function(*READING, *LISTING, code=RETURNING_NONE)
    arguments = {"EventSourceArn": recorded.stream, "StartingPosition": "TRIM_HORIZON"} | SETTINGS
    answer = client("lambda").create_event_source_mapping(FunctionName=function, **arguments)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert shown(answer) == mapping_of(recorded, answer["UUID"], **SETTINGS, State="Creating")
    recorded.write(ITEM)
    ((record,),) = events(recorded, 1)
    images = {"Keys": {KEY: ITEM[KEY]}, "NewImage": {KEY: ITEM[KEY], "binary_key": {"B": "Zm9vYmFy"}}}
    assert without_numbers(record) == record_of(recorded, **images, SizeBytes=70)
    client("lambda").delete_event_source_mapping(UUID=answer["UUID"])


# DDB test_dynamodb_event_filter: its two items, the pattern, and which of the changes the function gets.
VALUE, OTHER = {"id": {"S": "id_value"}}, {"id": {"S": "id_value"}, "id2": {"S": "id2_new_value"}}
FIRST, SECOND = {"id": {"S": "id_value_1"}}, {"id": {"S": "id_value_2"}}
PRESENT = {"presentKey": {"S": "presentValue"}}


def image(**attributes):
    return {"dynamodb": {"NewImage": attributes}}


@pytest.mark.parametrize(
    ("first", "second", "pattern", "sizes"),
    [
        pytest.param(
            VALUE | {"id2": {"S": "id2_value"}},
            VALUE | {"id2": {"S": "id2_value"}},
            {"eventName": ["INSERT"]},
            [32],
            id="insert_same_entry_twice",
        ),
        pytest.param(VALUE, OTHER, {"eventName": ["INSERT", "MODIFY"]}, [20, 46], id="content_or_filter"),
        pytest.param(
            VALUE,
            OTHER,
            {"eventName": ["INSERT"], "eventSource": ["aws:dynamodb"]},
            [20],
            id="content_multiple_filters",
        ),
        pytest.param(
            FIRST | PRESENT, SECOND, image(presentKey={"S": ["presentValue"]}), [46], id="content_filter_type"
        ),
        pytest.param(
            FIRST | PRESENT, SECOND, image(presentKey={"S": [{"exists": True}]}), [46], id="exists_filter_type"
        ),
        pytest.param(
            FIRST, SECOND | PRESENT, image(presentKey=[{"exists": False}]), [24, 46], id="exists_false_filter"
        ),
        pytest.param(
            FIRST | {"numericFilter": {"N": "42"}},
            SECOND | {"numericFilter": {"N": "101"}},
            image(numericFilter={"N": [{"numeric": [">", 100]}, {"anything-but": "101"}]}),
            [39],
            id="numeric_filter",
        ),
        pytest.param(
            FIRST | {"prefix": {"S": "us-1-other-suffix"}},
            FIRST | {"prefix": {"S": "other-suffix"}},
            image(prefix={"S": [{"prefix": "us-1"}]}),
            [47],
            id="prefix_filter",
        ),
        pytest.param(
            FIRST,
            SECOND,
            {"dynamodb": {"ApproximateCreationDateTime": [{"numeric": [">", 0]}]}},
            [24, 24],
            id="date_time_conversion",
        ),
    ],
)
def test_a_filter_passes_these_changes(streams_with, client, first, second, pattern, sizes):
    filtered = streams_with(key="id")
    criteria = {"Filters": [{"Pattern": json.dumps(pattern)}]}
    uuid = filtered.reader(code=RETURNING_NONE, FilterCriteria=criteria, **SETTINGS)
    found = client("lambda").get_event_source_mapping(UUID=uuid)
    assert shown(found) == mapping_of(filtered, uuid, FilterCriteria=criteria, **SETTINGS)
    filtered.write(first)
    filtered.write(second)
    # Passes each of the filters, as the first item does, and so ends what the second one may do.
    filtered.write(first | {"id": {"S": "end"}})
    *found, (end,) = events(filtered, len(sizes) + 1)
    assert end["dynamodb"]["Keys"] == {"id": {"S": "end"}}
    assert [record["dynamodb"]["SizeBytes"] for (record,) in found] == sizes
    before = None
    for item, (record,) in zip((first, second), found, strict=False):
        images = {"Keys": {"id": item["id"]}, "NewImage": item, "SizeBytes": record["dynamodb"]["SizeBytes"]}
        modified = before is not None and before["id"] == item["id"]
        name = "MODIFY" if modified else "INSERT"
        old = {"OldImage": before} if modified else {}
        assert without_numbers(record) == record_of(filtered, name, "NEW_AND_OLD_IMAGES", **images, **old)
        before = item


def test_trim_horizon_reads_what_was_written_before_the_mapping(recorded):
    """KINESIS test_kinesis_event_source_trim_horizon."""
    names = [f"{number}" for number in range(30)]
    recorded.put(*names[:20])
    recorded.reader(BatchSize=10)
    assert recorded.sent("19") == [names[:10], names[10:20]]
    recorded.put(*names[20:])
    assert [name for batch in recorded.sent("29") for name in batch] == names, "in order"
    assert len({invocation["worker"] for invocation in recorded.invocations()}) == 1


def test_latest_reads_what_is_written_once_the_mapping_is_enabled(recorded, client, setting):
    """KINESIS test_create_kinesis_event_source_mapping; guide, services-ddb-params: what comes before may be missed."""
    setting("mapping_change_seconds", 60)
    recorded.put("before")
    uuid = recorded.reader(code=RETURNING_NONE, StartingPosition="LATEST")
    recorded.put("while it is created")
    setting("mapping_change_seconds", 0)
    assert client("lambda").get_event_source_mapping(UUID=uuid)["State"] == "Enabled"
    recorded.put("after")
    ((record,),) = events(recorded, 1)
    assert record["dynamodb"]["Keys"] == {KEY: {"S": "after"}}


def test_two_functions_get_the_same_records_of_one_stream(recorded):
    """KINESIS test_create_kinesis_event_source_mapping_multiple_lambdas_single_kinesis_event_stream."""
    for suffix in ("reader", "other"):
        recorded.reader(suffix, code=RETURNING_NONE, StartingPosition="TRIM_HORIZON", BatchSize=1)
    recorded.put("hello world")
    first, second = events(recorded, 2)
    assert first == second
