"""``export --to``: DynamoDB's own export of a table of any size to S3; it reads no capacity of the table.

It exports from point-in-time recovery, the table as of a moment or what changed in a period, and needs minutes also for
a small table (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.HowItWorks.html).
"""

import argparse
import math
import re
import time
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chat.queries import moment
from chat.target import Target
from chat.transfer import describe
from cli import output
from cli.errors import OpsError, UsageError, code, explain, message
from cli.polling import duration, poll
from dynamo.parallel import patiently
from model.time_span import parse_span

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")
_ACCOUNT = re.compile("[0-9]{12}")
_PERIOD = "changes (--from-time) can be exported for 15 minutes to 24 hours"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of an export to S3."""
    group = parser.add_argument_group("export by DynamoDB to S3, of any size; needs point-in-time recovery")
    group.add_argument("--to", metavar="S3-URL", type=_address, help="export to s3://BUCKET or s3://BUCKET/PREFIX")
    text = "the table as of TIME (ISO 8601 with a zone), or that long ago, such as 90m (default: now)"
    group.add_argument("--until-time", metavar="TIME", type=_moment, help=text)
    text = "only what changed from TIME until --until-time, with old and new items: 15 minutes to 24 hours"
    group.add_argument("--from-time", metavar="TIME", type=_moment, help=text)
    group.add_argument(
        "--bucket-owner", metavar="ID", type=_account, help="the account of BUCKET, if it is another one"
    )


def check(arguments: argparse.Namespace) -> None:
    """Raise UsageError for options of the other kind of export."""
    of_s3 = ("--until-time", "--from-time", "--bucket-owner")
    others = ("FILE", "--force", "--conversation", "--messages")
    for name in of_s3 if not arguments.to else others:
        if getattr(arguments, name.lower().lstrip("-").replace("-", "_")):
            why = "needs --to" if not arguments.to else "and --to: DynamoDB exports the whole table, and to new objects"
            raise UsageError(f"{name} {why}")


def run(arguments: argparse.Namespace, target: Target) -> int:
    """Start the export, wait for its end, print its ARN and its manifest."""
    client, name = target.typed_client, target.table_name
    request = _request(arguments, describe(client, name)["TableArn"])
    try:
        export = client.export_table_to_point_in_time(**request)["ExportDescription"]
    except ClientError as error:
        raise (_refusal(client, name, error) or error) from None
    target.say(f"export {export['ExportArn']} has started; it takes minutes, also for a small table")
    result = _result(name, _ended(client, export["ExportArn"], target))
    if arguments.json:
        output.document(result)
    else:
        print(f"{result['export_arn']}: {output.count(result['items'], 'item')} of table {name}")
        print(result["manifest"])
    if result["dataset"]:
        target.say(f"to load its messages at a deployment: -c seed_dataset={result['dataset']}")
    return 0


def _request(arguments: argparse.Namespace, table_arn: str) -> dict[str, Any]:
    bucket, prefix = arguments.to
    request: dict[str, Any] = {"TableArn": table_arn, "S3Bucket": bucket, "ExportFormat": "DYNAMODB_JSON"}
    if prefix:
        request["S3Prefix"] = prefix
    if arguments.bucket_owner:
        request["S3BucketOwner"] = arguments.bucket_owner
    since, until = arguments.from_time, arguments.until_time
    if since:
        period = {"ExportFromTime": since} | ({"ExportToTime": until} if until else {})
        return request | {"ExportType": "INCREMENTAL_EXPORT", "IncrementalExportSpecification": period}
    return request | ({"ExportTime": until} if until else {})


def _refusal(client: Any, table: str, error: ClientError) -> OpsError | None:
    """What DynamoDB's refusal of an export means, with the remedy; None for any other error."""
    if code(error) == "PointInTimeRecoveryUnavailableException":
        return OpsError(
            f"table {table} has no point-in-time recovery, from which DynamoDB exports; set pitr_days in cdk.json and "
            "deploy, or export to a FILE"
        )
    if code(error) == "InvalidExportTimeException":
        return OpsError(f"{message(error)}: {_window(client, table)}; {_PERIOD}")
    return None


def _window(client: Any, table: str) -> str:
    """From when on the table can be exported."""
    try:
        found = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
        first = found["PointInTimeRecoveryDescription"]["EarliestRestorableDateTime"]
        return f"table {table} can be exported as of {_iso(first)} until now"
    except (ClientError, KeyError):  # the refusal matters more
        return f"table {table} can be exported as of any time of its point-in-time recovery"


def _ended(client: Any, arn: str, target: Target) -> dict[str, Any]:
    """The description of the completed export ``arn``, which goes on whatever happens here. Raises OpsError."""
    goes_on = f"the export goes on: aws dynamodb describe-export --region {target.clients.region} --export-arn {arn}"
    began, minutes = time.monotonic(), 0

    def over() -> dict[str, Any] | None:
        nonlocal minutes
        asked = patiently("waiting for the export of", client.describe_export, ExportArn=arn)
        if (passed := int(time.monotonic() - began) // 60) > minutes:
            minutes = passed
            target.say(f"still exporting after {duration(60 * minutes)}")
        export: dict[str, Any] = asked["ExportDescription"]
        return None if export["ExportStatus"] == "IN_PROGRESS" else export

    try:
        export = poll(over, seconds=math.inf, longest=10)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(goes_on) from None
    except (ClientError, BotoCoreError, TimeoutError) as error:
        raise OpsError(f"{explain(error)}; {goes_on}") from None
    if export["ExportStatus"] != "COMPLETED":
        raise OpsError(_failure(export))
    return export


def _failure(export: dict[str, Any]) -> str:
    """Why an export failed, and what to do."""
    bucket, reason = export["S3Bucket"], str(export.get("FailureCode"))
    said = f"export {export['ExportArn']} to s3://{bucket} failed: {reason}: {export.get('FailureMessage')}"
    if reason == "S3NoSuchBucket":
        return f"{said}; create the bucket, or name another one with --to"
    if "AccessDenied" in reason:
        return (
            f"{said}; the caller and the policy of the bucket must allow s3:PutObject, s3:AbortMultipartUpload and "
            "s3:PutObjectAcl, and the bucket of another account needs --bucket-owner"
        )
    return said


def _result(table: str, export: dict[str, Any]) -> dict[str, Any]:
    """What a pipeline needs; ``dataset`` is what the setting seed_dataset takes, None for changes."""
    period = export.get("IncrementalExportSpecification", {})
    bucket, manifest = export["S3Bucket"], export["ExportManifest"]
    return {
        "table": table,
        "export_arn": export["ExportArn"],
        "manifest": f"s3://{bucket}/{manifest}",
        "dataset": None if period else f"s3://{bucket}/{manifest.rpartition('/')[0]}/",
        "from_time": _iso(period["ExportFromTime"]) if period else None,
        "until_time": _iso(period["ExportToTime"] if period else export["ExportTime"]),
        "items": export["ItemCount"],
        "billed_bytes": export["BilledSizeBytes"],
    }


def _iso(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _address(text: str) -> tuple[str, str]:
    match = _ADDRESS.fullmatch(text)
    if not match:
        raise UsageError(f"--to {text!r} is not s3://BUCKET or s3://BUCKET/PREFIX; to a local file: export FILE")
    return match[1], (match[2] or "").strip("/")


def _moment(text: str) -> datetime:
    try:
        return datetime.now(UTC) - parse_span(text)
    except ValueError:
        return moment(text)


def _account(text: str) -> str:
    if not _ACCOUNT.fullmatch(text):
        raise UsageError(f"--bucket-owner {text!r} is not an account: 12 digits")
    return text
