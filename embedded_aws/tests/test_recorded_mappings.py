"""Answers, states and refusals of event source mappings, as recorded on AWS.

The judge and what is left out: embedded_aws/tests/support/recorded.py.
"""

import pytest
from botocore.exceptions import ClientError

from embedded_aws.tests.support.recorded import ITEM, KEY, RETURNING_NONE, events, mapping_of, shown
from embedded_aws.tests.support.steps import INVALID, NOT_FOUND, eventually, refused
from embedded_aws.tests.support.stream_readers import LISTING, READING


def test_a_mapping_says_that_it_is_created_disabled_and_deleted(recorded, client, setting):
    """API test_event_source_mapping_lifecycle, DDB test_disabled_dynamodb_event_source_mapping."""
    mappings = client("lambda")
    uuid = recorded.reader(code=RETURNING_NONE)
    get = lambda: shown(mappings.get_event_source_mapping(UUID=uuid))  # noqa: E731
    assert get() == mapping_of(recorded, uuid)
    recorded.write(ITEM)
    events(recorded, 1)
    processed = mapping_of(recorded, uuid, LastProcessingResult="OK")
    eventually(lambda: get() == processed)
    setting("mapping_change_seconds", 60)
    answer = mappings.update_event_source_mapping(UUID=uuid, Enabled=False)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert shown(answer) == processed | {"State": "Disabling"}
    for call in (mappings.update_event_source_mapping, mappings.delete_event_source_mapping):
        verb = call.__name__.split("_")[0]
        text = f"Cannot {verb} the event source mapping because it is in use."
        assert refused(call, UUID=uuid) == (400, "ResourceInUseException", text)
    setting("mapping_change_seconds", 0)
    assert get() == processed | {"State": "Disabled"}
    recorded.write(ITEM | {KEY: {"S": "unread"}})
    setting("mapping_change_seconds", 60)
    assert shown(mappings.update_event_source_mapping(UUID=uuid, Enabled=True))["State"] == "Enabling"
    assert get()["State"] == "Enabling"
    events(recorded, 1)
    setting("mapping_change_seconds", 0)
    events(recorded, 2)
    assert get()["State"] == "Enabled"
    setting("mapping_change_seconds", 60)
    assert shown(mappings.update_event_source_mapping(UUID=uuid, BatchSize=7))["State"] == "Updating"
    setting("mapping_change_seconds", 0)
    assert get()["State"] == "Enabled"
    setting("mapping_change_seconds", 60)
    answer = mappings.delete_event_source_mapping(UUID=uuid)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert shown(answer) == processed | {"BatchSize": 7, "State": "Deleting"}
    assert get()["State"] == "Deleting"
    setting("mapping_change_seconds", 0)
    assert mappings.list_event_source_mappings(EventSourceArn=recorded.stream)["EventSourceMappings"] == []


def test_a_mapping_outlives_its_table_and_its_function(recorded, client):
    """DDB test_deletion_event_source_mapping_with_dynamodb, API test_event_source_mapping_lifecycle_delete_function."""
    mappings = client("lambda")
    uuid = recorded.reader()
    client("dynamodb").delete_table(TableName=recorded.table)
    (listed,) = mappings.list_event_source_mappings(EventSourceArn=recorded.stream)["EventSourceMappings"]
    assert shown(listed) == mapping_of(recorded, uuid)
    mappings.delete_function(FunctionName=f"{recorded.name}-reader")
    assert shown(mappings.get_event_source_mapping(UUID=uuid)) == mapping_of(recorded, uuid)
    deleted = mappings.delete_event_source_mapping(UUID=uuid)
    assert shown(deleted) == mapping_of(recorded, uuid, State="Deleting")


def test_a_second_mapping_of_stream_and_function_is_refused(recorded, client):
    """DDB test_duplicate_event_source_mappings."""
    uuid, function = recorded.reader(), f"{recorded.name}-reader"
    text = (
        f'The event source arn (" {recorded.stream} ") and function (" {function} ") provided mapping already exists. '
        f"Please update or delete the existing mapping with UUID {uuid}"
    )
    assert error_of(client, recorded, function) == (409, "ResourceConflictException", text)
    assert recorded.reader("other") != uuid


def test_a_mapping_names_the_function_as_the_request_did(recorded, client):
    """API test_function_name_variations: a version, an alias, or the latest version if the request says so."""
    function, mappings = recorded.function(*READING, *LISTING), client("lambda")
    version = mappings.publish_version(FunctionName=function)["Version"]
    mappings.create_alias(FunctionName=function, FunctionVersion=version, Name="myalias")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    for name, expected in (
        (function, arn),
        (f"{function}:$LATEST", f"{arn}:$LATEST"),
        (f"{function}:{version}", f"{arn}:{version}"),
        (f"{function}:myalias", f"{arn}:myalias"),
        (arn, arn),
        (f"{arn}:{version}", f"{arn}:{version}"),
        (f"{arn}:myalias", f"{arn}:myalias"),
    ):
        uuid = recorded.map(name)
        found = mappings.get_event_source_mapping(UUID=uuid)
        assert shown(found) == mapping_of(recorded, uuid, FunctionArn=expected)
        mappings.delete_event_source_mapping(UUID=uuid)


def error_of(client, streams, function, **arguments):
    """How Lambda refuses a mapping; its error has every member of the recorded ones."""
    defaults = {"FunctionName": function, "EventSourceArn": streams.stream, "StartingPosition": "TRIM_HORIZON"}
    request = {name: value for name, value in (defaults | arguments).items() if value is not None}
    with pytest.raises(ClientError) as caught:
        client("lambda").create_event_source_mapping(**request)
    answer = caught.value.response
    assert answer["Type"] == "User"
    assert answer["message"] == answer["Error"]["Message"]
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


NO_POSITION = (
    "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be "
    "null."
)
QUEUE = "arn:aws:sqs:us-east-1:000000000000:somequeue"
TO_SUCCESS = {"OnSuccess": {"Destination": QUEUE}}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        # API test_event_source_mapping_exceptions
        ({"EventSourceArn": None, "StartingPosition": None}, "Unrecognized event source."),
        (
            {"FunctionName": "doesnotexist", "EventSourceArn": QUEUE, "StartingPosition": None},
            "Function does not exist",
        ),
        (
            {"FunctionName": "doesnotexist", "EventSourceArn": QUEUE, "DestinationConfig": TO_SUCCESS},
            "Unsupported DestinationConfig parameter for given event source mapping type.",
        ),
        # API test_create_event_source_validation
        ({"StartingPosition": None}, NO_POSITION),
        (
            {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1741010802},
            "Unsupported starting position for arn type: {stream}",
        ),
        # DDB test_esm_with_not_existing_dynamodb_stream
        (
            {"EventSourceArn": "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2025-02-22T03:03:25.490"},
            "Stream not found: arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2025-02-22T03:03:25.490",
        ),
    ],
)
def test_a_mapping_is_refused_in_these_words(recorded, client, arguments, text):
    function = recorded.function(*READING, *LISTING)
    assert error_of(client, recorded, function, **arguments) == (400, INVALID, text.format(stream=recorded.stream))


def test_an_unknown_position_is_refused(recorded, client):
    """API test_create_event_source_validation; AWS lists an enum in no fixed order (request_validation.py)."""
    request = {"FunctionName": recorded.function(), "EventSourceArn": recorded.stream, "StartingPosition": "invalid"}
    status, code, text = refused(client("lambda").create_event_source_mapping, **request)
    start, _, values = text.removesuffix("]").rpartition("[")
    rule = "failed to satisfy constraint: Member must satisfy enum value set: "
    assert (status, code) == (400, "ValidationException")
    assert start == f"1 validation error detected: Value 'invalid' at 'startingPosition' {rule}"
    assert set(values.split(", ")) == {"LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"}


@pytest.mark.parametrize("call", ["get", "update", "delete"])
def test_a_mapping_that_does_not_exist_is_refused_in_these_words(client, call):
    """API test_event_source_mapping_exceptions."""
    found = refused(
        getattr(client("lambda"), f"{call}_event_source_mapping"), UUID="00000000-0000-4000-8000-000000000000"
    )
    assert found == (404, NOT_FOUND, "The resource you requested does not exist.")


@pytest.mark.parametrize("filters", [{"FunctionName": "doesnotexist"}, {"EventSourceArn": QUEUE}])
def test_a_list_of_what_does_not_exist_is_empty(client, filters):
    """API test_event_source_mapping_exceptions."""
    assert client("lambda").list_event_source_mappings(**filters)["EventSourceMappings"] == []


@pytest.mark.parametrize(
    "pattern",
    [
        # DDB test_dynamodb_invalid_event_filter
        "single-string",
        '[{"eventName": ["INSERT"=123}]',
        # SQS test_sqs_invalid_event_filter
        "null",
        '"simple string"',
        '{"eventSource": "aws:sqs"}',
        '{"eventSource": []}',
    ],
)
def test_a_pattern_is_refused(recorded, client, pattern):
    function = recorded.function(*READING, *LISTING)
    found = error_of(client, recorded, function, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    assert found == (400, INVALID, "Invalid filter pattern definition.")


def test_an_empty_list_of_filters_is_not_shown(recorded, client):
    """API test_create_event_filter_criteria_validation."""
    uuid = recorded.reader(StartingPosition="LATEST", FilterCriteria={"Filters": []})
    found = client("lambda").get_event_source_mapping(UUID=uuid)
    assert shown(found) == mapping_of(recorded, uuid, StartingPosition="LATEST")
