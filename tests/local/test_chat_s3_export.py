"""``chat export --to``: DynamoDB's own export of a table to S3, and what can go wrong on the way."""

import gzip
import json
import time
from datetime import UTC, datetime

import pytest

from embedded_aws.tests.support.steps import allow, eventually, policy
from tests.support.chat_steps import on_table, store, typed
from tests.support.lists import message
from tests.support.pipeline_steps import session_keys


@pytest.fixture(autouse=True)
def quick(on_aws, setting):  # noqa: ARG001
    setting("export_seconds", 0)


@pytest.fixture
def table(client, messages_table):
    """A table of two messages with recovery."""
    store(messages_table, typed(message(1)), typed(message(2)))
    on = {"PointInTimeRecoveryEnabled": True}
    client("dynamodb").update_continuous_backups(TableName=messages_table, PointInTimeRecoverySpecification=on)
    return messages_table


@pytest.fixture
def chat(capsys, table):
    return on_table(capsys, table)


def exported(client, bucket, folder):
    """The lines of the data files of an export."""
    s3 = client("s3")
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix=f"{folder}data/")["Contents"]]
    contents = [gzip.decompress(s3.get_object(Bucket=bucket, Key=key)["Body"].read()) for key in keys]
    return [json.loads(line) for content in contents for line in content.splitlines()]


def test_a_table_goes_to_a_folder_of_the_bucket(client, chat, bucket, table):
    ran = chat("export", "--to", f"s3://{bucket}/a/b/")
    first, manifest = ran.lines
    arn, _, said = first.partition(": ")
    assert said == f"2 items of table {table}"
    assert ran.err.startswith(f"export {arn} has started")
    folder = f"a/b/AWSDynamoDB/{arn.rsplit('/', 1)[-1]}/"
    assert manifest == f"s3://{bucket}/{folder}manifest-summary.json"
    found = exported(client, bucket, folder)
    assert sorted(line["Item"]["sk"]["S"] for line in found) == sorted(message(n)["sk"] for n in (1, 2))


def test_changes_of_a_period_and_the_result_as_json(client, chat, bucket, table, setting):
    setting("export_period_seconds", 0)
    time.sleep(1.01 - time.time() % 1)  # times are whole seconds
    since = datetime.now(UTC).isoformat(timespec="seconds")
    store(table, typed(message(3)))
    result = chat("export", "--to", f"s3://{bucket}", "--from-time", since, "--json").json
    assert (result["table"], result["items"], result["from_time"] <= result["until_time"]) == (table, 1, True)
    (line,) = exported(client, bucket, "AWSDynamoDB/")
    assert line["NewImage"]["sk"] == line["Keys"]["sk"] == {"S": message(3)["sk"]}
    setting("export_period_seconds", 900)
    refused = chat("export", "--to", f"s3://{bucket}", "--from-time", "1s")
    assert refused.error.startswith("Difference between export period")
    assert refused.error.endswith("until now; changes (--from-time) can be exported for 15 minutes to 24 hours")


def test_what_goes_wrong_is_one_line_with_the_remedy(client, chat, bucket, name, table):
    def error(*arguments):
        ran = chat("export", "--to", *arguments)
        assert (ran.status, ran.out) == (1, "")
        return ran.err.splitlines()[-1].removeprefix("error: ")

    assert error(f"s3://{name}-missing").endswith(
        f"to s3://{name}-missing failed: S3NoSuchBucket: The specified bucket does not exist; "
        "create the bucket, or name another one with --to"
    )
    assert error(f"s3://{bucket}", "--until-time", "9d").startswith(
        f"Export Time is invalid: table {table} can be exported as of 20"
    )
    off = {"PointInTimeRecoveryEnabled": False}
    client("dynamodb").update_continuous_backups(TableName=table, PointInTimeRecoverySpecification=off)
    assert error(f"s3://{bucket}") == (
        f"table {table} has no point-in-time recovery, from which DynamoDB exports; set pitr_days in cdk.json and "
        "deploy, or export to a FILE"
    )


def test_a_caller_who_may_not_write_to_the_bucket_is_told_what_is_missing(client, chat, bucket, name, monkeypatch):
    trusting = policy({"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"})
    role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trusting)["Role"]["Arn"]
    reading = policy(allow("dynamodb:ExportTableToPointInTime", "dynamodb:Describe*"))
    client("iam").put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=reading)
    for key, value in session_keys(client, role).items():
        monkeypatch.setenv(key.upper(), value)
    ran = chat("export", "--to", f"s3://{bucket}")
    assert ran.status == 1
    assert f"to s3://{bucket} failed: S3AccessDenied: Access Denied; the caller and the policy of the" in ran.err
    assert "must allow s3:PutObject, s3:AbortMultipartUpload and s3:PutObjectAcl, and the bucket of another" in ran.err


def test_an_interrupted_command_says_that_the_export_goes_on(client, chat, bucket, monkeypatch, setting):
    setting("export_seconds", 0.5)

    def interrupt(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("time.sleep", interrupt)
        ran = chat("export", "--to", f"s3://{bucket}")
    started, said = ran.err.splitlines()
    arn = started.split()[1]
    assert ran.status == 130
    assert said == (
        f"error: interrupted; the export goes on: aws dynamodb describe-export --region us-east-1 --export-arn {arn}"
    )
    describe = client("dynamodb").describe_export
    eventually(lambda: describe(ExportArn=arn)["ExportDescription"]["ExportStatus"] == "COMPLETED")
