"""Exports of a table to S3. Sources: embedded_aws/dynamodb/exports."""

import base64
import gzip
import hashlib
import json
import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from embedded_aws.dynamodb import exports
from embedded_aws.tests.support.steps import allow, eventually, refused, table_arn

VALIDATION = "ValidationException"


@pytest.fixture(autouse=True)
def quick(setting):
    setting("export_seconds", 0)
    setting("export_period_seconds", 0)


@pytest.fixture
def recovering(dynamodb, table):
    """The ARN of the test's own table, which has recovery."""
    on = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=on)
    return table_arn(table)


@pytest.fixture
def bucket(client, name):
    client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def ended(dynamodb):
    """``ended(answer)``: the description of an export once it is over."""

    def wait(answer):
        arn = answer["ExportDescription"]["ExportArn"]
        assert answer["ExportDescription"]["ExportStatus"] == "IN_PROGRESS"

        def over():
            shown = dynamodb.describe_export(ExportArn=arn)["ExportDescription"]
            return shown["ExportStatus"] != "IN_PROGRESS" and shown

        return eventually(over)

    return wait


@pytest.fixture
def files(client, bucket):
    """``files()``: the content of every object in the bucket, by key."""
    s3 = client("s3")

    def read():
        listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {o["Key"]: s3.get_object(Bucket=bucket, Key=o["Key"])["Body"].read() for o in listed}

    return read


def next_second():
    """The second that has just begun, once it has: times are whole seconds on the wire."""
    time.sleep(1.01 - time.time() % 1)
    return datetime.now(UTC)


def lines(found, folder):
    """The lines of the data files below a folder."""
    contents = [gzip.decompress(content) for key, content in found.items() if key.startswith(folder)]
    return [json.loads(line) for content in contents for line in content.decode().splitlines()]


@pytest.mark.parametrize("prefix", ["", "a/b"])
def test_a_full_export_has_the_files_that_aws_documents(dynamodb, recovering, bucket, ended, files, prefix):
    item = {"pk": {"S": "é"}, "b": {"B": b"\x00"}, "s": {"NS": ["1", "2"]}}
    dynamodb.put_item(TableName=recovering.rsplit("/")[-1], Item=item)
    named = {"S3Prefix": prefix} if prefix else {}
    done = ended(dynamodb.export_table_to_point_in_time(TableArn=recovering, S3Bucket=bucket, **named))
    assert (done["ExportStatus"], done["ItemCount"], done["ExportType"]) == ("COMPLETED", 3, "FULL_EXPORT")
    export = done["ExportArn"].rsplit("/", 1)[-1]
    assert re.fullmatch(r"0\d{13}-[0-9a-f]{8}", export)
    folder = f"{prefix}/AWSDynamoDB/{export}/".removeprefix("/")
    found = files()
    data = {key for key in found if re.fullmatch(rf"{folder}data/[a-z2-7]{{26}}\.json\.gz", key)}
    manifests = {f"{folder}manifest-{name}" for name in ("files.json", "files.md5", "summary.json", "summary.md5")}
    assert (len(data), found.keys() - data) == (exports.PARTITIONS, manifests | {f"{folder}_started"})
    assert any(gzip.decompress(found[key]) == b"" for key in data)
    read = lines(found, f"{folder}data/")
    assert {"Item": {"pk": {"S": "é"}, "b": {"B": "AA=="}, "s": {"NS": ["1", "2"]}}} in read
    assert sorted(line["Item"]["pk"]["S"] for line in read) == ["one", "two", "é"]

    listed = [json.loads(line) for line in found[f"{folder}manifest-files.json"].decode().splitlines()]
    assert {one["dataFileS3Key"] for one in listed} == data
    assert sum(one["itemCount"] for one in listed) == 3
    sums = {one["dataFileS3Key"]: one["md5Checksum"] for one in listed}
    for name in ("manifest-files", "manifest-summary"):
        sums[f"{folder}{name}.json"] = found[f"{folder}{name}.md5"].decode()
    assert all(base64.b64encode(hashlib.md5(found[key]).digest()).decode() == value for key, value in sums.items())
    summary = json.loads(found[f"{folder}manifest-summary.json"])
    assert done["ExportManifest"] == f"{folder}manifest-summary.json"
    assert summary["manifestFilesS3Key"] == f"{folder}manifest-files.json"
    assert (summary["exportArn"], summary["itemCount"]) == (done["ExportArn"], 3)
    assert (summary["s3Prefix"], summary["outputFormat"]) == (prefix or None, "DYNAMODB_JSON")
    assert "exportType" not in summary


def test_an_export_has_the_items_of_its_time(dynamodb, recovering, table, bucket, ended):
    moment = next_second()
    next_second()
    dynamodb.delete_item(TableName=table, Key={"pk": {"S": "one"}})
    call = {"TableArn": recovering, "S3Bucket": bucket}
    assert ended(dynamodb.export_table_to_point_in_time(ExportTime=moment, **call))["ItemCount"] == 2
    assert ended(dynamodb.export_table_to_point_in_time(**call))["ItemCount"] == 1
    far = datetime.now(UTC) + timedelta(hours=1), moment - timedelta(days=7)
    for wrong in far:
        found = refused(dynamodb.export_table_to_point_in_time, ExportTime=wrong, **call)
        assert found == (400, "InvalidExportTimeException", "Export Time is invalid")


@pytest.mark.parametrize("view", ["NEW_AND_OLD_IMAGES", "NEW_IMAGE"])
def test_an_incremental_export_has_what_changed_in_its_period(
    dynamodb, recovering, table, bucket, ended, files, view, setting
):
    def put(pk, user):
        dynamodb.put_item(TableName=table, Item={"pk": {"S": pk}, "User": {"S": user}})

    def delete(pk):
        dynamodb.delete_item(TableName=table, Key={"pk": {"S": pk}})

    since = next_second()
    put("new", "tom")
    put("one", "spike")
    put("one", "jerry")
    delete("two")
    put("short", "tom")
    delete("short")
    until = next_second()
    put("late", "tom")
    period = {"ExportFromTime": since, "ExportToTime": until, "ExportViewType": view}
    call = {"TableArn": recovering, "S3Bucket": bucket, "S3Prefix": "p", "ExportType": "INCREMENTAL_EXPORT"}
    done = ended(dynamodb.export_table_to_point_in_time(IncrementalExportSpecification=period, **call))
    assert (done["ItemCount"], done["IncrementalExportSpecification"]["ExportViewType"]) == (3, view)
    found = files()
    export = done["ExportArn"].rsplit("/", 1)[-1]
    summary = json.loads(found[f"p/AWSDynamoDB/{export}/manifest-summary.json"])
    assert (summary["outputView"], summary["exportType"]) == (view, "INCREMENTAL_EXPORT")
    read = {line["Keys"]["pk"]["S"]: line for line in lines(found, "p/AWSDynamoDB/data/")}
    micros = [int(line.pop("Metadata")["WriteTimestampMicros"]["N"]) for line in read.values()]
    assert all(int(since.timestamp()) <= each / 1_000_000 < until.timestamp() for each in micros)

    def image(pk, user):
        return {"pk": {"S": pk}, "User": {"S": user}}

    old = {pk: {"OldImage": image(pk, "tom")} if view != "NEW_IMAGE" else {} for pk in ("one", "two")}
    assert read == {
        "new": {"Keys": {"pk": {"S": "new"}}, "NewImage": image("new", "tom")},
        "one": {"Keys": {"pk": {"S": "one"}}, "NewImage": image("one", "jerry")} | old["one"],
        "two": {"Keys": {"pk": {"S": "two"}}} | old["two"],
    }
    setting("export_period_seconds", 900)
    status, code, text = refused(dynamodb.export_table_to_point_in_time, IncrementalExportSpecification=period, **call)
    assert (status, code, text.startswith("Difference between export period")) == (
        400,
        "InvalidExportTimeException",
        True,
    )


def test_what_aws_refuses_when_it_is_asked(dynamodb, table, recovering, bucket):
    call = {"TableArn": recovering, "S3Bucket": bucket}
    export = dynamodb.export_table_to_point_in_time
    assert refused(export, **call | {"ExportType": "INCREMENTAL_EXPORT"})[1] == VALIDATION
    assert refused(export, IncrementalExportSpecification={"ExportFromTime": 1}, **call)[1] == VALIDATION
    gone = table_arn("gone")
    assert refused(export, **call | {"TableArn": gone}) == (400, "TableNotFoundException", f"Table not found: {gone}")
    off = {"PointInTimeRecoveryEnabled": False}
    dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=off)
    text = f"Point in time recovery is not enabled for table '{table}'"
    assert refused(export, **call) == (400, "PointInTimeRecoveryUnavailableException", text)
    describe = dynamodb.describe_export
    assert refused(describe, ExportArn=recovering)[1:] == (VALIDATION, "Invalid Export ARN")
    assert refused(describe, ExportArn=f"{recovering}/export/01-2")[1] == "ExportNotFoundException"


def test_a_token_stands_for_one_export(dynamodb, recovering, bucket):
    call = {"TableArn": recovering, "S3Bucket": bucket, "ClientToken": "once"}
    first = dynamodb.export_table_to_point_in_time(**call)["ExportDescription"]
    again = dynamodb.export_table_to_point_in_time(**call)["ExportDescription"]
    assert (first["ExportArn"], again["ClientToken"]) == (again["ExportArn"], "once")
    _, code, text = refused(dynamodb.export_table_to_point_in_time, S3Prefix="other", **call)
    assert (code, text.startswith("Duplicate request detected")) == ("ExportConflictException", True)


def test_an_export_into_no_bucket_starts_and_fails_and_exports_are_listed_in_pages(dynamodb, recovering, name, ended):
    call = {"TableArn": recovering, "S3Bucket": f"{name}-missing"}
    failed = [ended(dynamodb.export_table_to_point_in_time(**call)) for _ in range(3)]
    why = {(one["ExportStatus"], one["FailureCode"], one["FailureMessage"]) for one in failed}
    assert why == {("FAILED", "S3NoSuchBucket", "The specified bucket does not exist")}
    first = dynamodb.list_exports(TableArn=recovering, MaxResults=2)
    last = dynamodb.list_exports(TableArn=recovering, MaxResults=2, NextToken=first["NextToken"])
    summaries = first["ExportSummaries"] + last["ExportSummaries"]
    assert (len(first["ExportSummaries"]), "NextToken" in last) == (2, False)
    arns = sorted((one["ExportArn"] for one in failed), reverse=True)
    kinds = {"ExportStatus": "FAILED", "ExportType": "FULL_EXPORT"}
    assert summaries == [{"ExportArn": arn} | kinds for arn in arns]


def test_the_caller_needs_the_export_on_the_table_and_the_writing_in_the_bucket(caller, recovering, bucket, ended):
    user = caller(writing := allow(*exports.WRITING, on=f"arn:aws:s3:::{bucket}/p/*"))("dynamodb")

    def export():
        return user.export_table_to_point_in_time(TableArn=recovering, S3Bucket=bucket, S3Prefix="p")

    exporting = allow("dynamodb:ExportTableToPointInTime", on=recovering)
    assert refused(export)[1] == "AccessDeniedException"
    for left_out in exports.WRITING:
        rest = [action for action in exports.WRITING if action != left_out]
        caller(exporting, allow(*rest, on=f"arn:aws:s3:::{bucket}/p/*"))
        assert ended(export())["FailureCode"] == "S3AccessDenied"
    caller(exporting, writing)
    assert ended(export())["ExportStatus"] == "COMPLETED"
    arn = export()["ExportDescription"]["ExportArn"]
    assert refused(user.describe_export, ExportArn=arn)[1] == "AccessDeniedException"
    caller(exporting, allow("dynamodb:DescribeExport", on=f"{recovering}/export/*"))
    assert user.describe_export(ExportArn=arn)["ExportDescription"]["ExportArn"] == arn
    assert refused(user.list_exports, TableArn=recovering)[1] == "AccessDeniedException"
