"""Exports of a table to S3: ExportTableToPointInTime, DescribeExport, ListExports.

Sources: model; DynamoDB guide, "Requesting a table export" (a table with PITR; the caller's own S3 permissions; an
incremental export covers 15 minutes to 24 hours), "DynamoDB table export output format" (files, lines, what each view
has of an item; the changes of several incremental exports lie in one folder) and "Quotas" (300 exports at a time).
Measured on AWS: getmoto/moto, tests/test_dynamodb/test_dynamodb_export_table.py (marked aws_verified), and
scylladb/scylladb, test/alternator/test_export.py (the names of the files, what the checksums are, that an export into
no bucket starts and then fails, that a time of now is valid, texts, also that of an ARN that is not an export's).
Not known: the rest of the texts that begin "Difference between export period" and "Duplicate request detected", how
an export fails whose caller may not write to the bucket. Exports in Ion and with a FilterSpecification are refused.
"""

import base64
import contextvars
import gzip
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import ministack.services.dynamodb as engine
from ministack.core.router import extract_access_key_id
from ministack.services import s3

from embedded_aws.dynamodb import recovery
from embedded_aws.iam import roles
from embedded_aws.replies import ApiError, Handler, Json, Reply, ok
from embedded_aws.settings import CURRENT

MOST_AT_A_TIME = 300
LARGEST_PAGE = 25
TOKEN_SECONDS = 8 * 3600
LONGEST_PERIOD = 24 * 3600
# A new on-demand table has four partitions, and each has a file of its own.
PARTITIONS = 4
WRITING = ("s3:PutObject", "s3:AbortMultipartUpload", "s3:PutObjectAcl")
# What a description takes from its request.
_TAKEN = "S3Bucket S3BucketOwner S3Prefix S3SseAlgorithm S3SseKmsKeyId ClientToken".split()
# On the engine's record of an export, next to its description.
_REQUEST = "Request"
_CALLER: contextvars.ContextVar[str] = contextvars.ContextVar("exporting", default="")


async def handle_request(original: Any, method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
    """Note who exports."""
    if headers.get("x-amz-target", "").endswith(".ExportTableToPointInTime"):
        _CALLER.set(extract_access_key_id(headers, query))
    return await original(method, path, headers, body, query)


def export_table(_: Handler, data: Json) -> Reply:
    """ExportTableToPointInTime."""
    _check_values(data)
    name = recovery.table_name(data, "TableArn")
    table = engine._tables.get(name)
    if table is None:
        raise ApiError("TableNotFoundException", f"Table not found: {data['TableArn']}")
    if known := _of_token(data):
        return ok({"ExportDescription": _shown(known)})
    if not recovery.enabled(name):
        text = f"Point in time recovery is not enabled for table '{name}'"
        raise ApiError("PointInTimeRecoveryUnavailableException", text)
    description = _new(data, table, _period(data, name))
    if sum(each["ExportStatus"] == "IN_PROGRESS" for each in engine._exports.values()) >= MOST_AT_A_TIME:
        raise ApiError("LimitExceededException", f"An account has at most {MOST_AT_A_TIME} exports at a time")
    engine._exports[description["ExportArn"]] = description | {_REQUEST: data}
    # What is exported is the table of the export's time, whatever comes later.
    lines = list(_lines(table, description))
    denied = _denied(description)
    job = threading.Timer(
        CURRENT.export_seconds,
        contextvars.copy_context().run,
        (_finish, engine._exports[description["ExportArn"]], lines, denied),
    )
    job.daemon = True
    job.start()
    return ok({"ExportDescription": description})


def _check_values(data: Json) -> None:
    """Raise ApiError for a value that AWS, or this module, does not take."""
    incremental, period = data.get("ExportType") == "INCREMENTAL_EXPORT", data.get("IncrementalExportSpecification")
    if incremental != bool(period) or (incremental and data.get("ExportTime") is not None):
        text = "IncrementalExportSpecification belongs to INCREMENTAL_EXPORT, and ExportTime to FULL_EXPORT"
        raise ApiError("ValidationException", text)
    if data.get("ExportFormat") == "ION" or data.get("FilterSpecification"):
        text = "The embedded AWS exports in DYNAMODB_JSON, without a FilterSpecification"
        raise ApiError("ValidationException", text)


def _of_token(data: Json) -> Json | None:
    """The export that was requested under this token before. Raises ApiError if it was another request."""
    token = data.get("ClientToken")
    for export in engine._exports.values():
        if token and export.get("ClientToken") == token and export["StartTime"] > time.time() - TOKEN_SECONDS:
            if export[_REQUEST] != data:
                raise ApiError("ExportConflictException", "Duplicate request detected with different parameters")
            return dict(export)
    return None


def _period(data: Json, name: str) -> Json:
    """The times of the description. Raises ApiError for times outside the window, and for a wrong period."""
    first, now = recovery.window(name)[0], time.time()

    def within(value: Any) -> float:
        # Whole seconds on the wire: the second in which PITR was enabled means that moment.
        if not int(first) <= int(value) <= int(now):
            raise ApiError("InvalidExportTimeException", "Export Time is invalid")
        return float(value)

    specification = data.get("IncrementalExportSpecification")
    if not specification:
        return {"ExportTime": within(data.get("ExportTime", now))}
    since, until = within(specification.get("ExportFromTime", first)), within(specification.get("ExportToTime", now))
    shortest = CURRENT.export_period_seconds
    if not shortest <= until - since <= LONGEST_PERIOD:
        text = "Difference between export period from time and export period to time"
        fault = "is less than 15 minutes" if until - since < shortest else "is more than 24 hours"
        raise ApiError("InvalidExportTimeException", f"{text} {fault}")
    view = specification.get("ExportViewType", "NEW_AND_OLD_IMAGES")
    return {"IncrementalExportSpecification": {"ExportFromTime": since, "ExportToTime": until, "ExportViewType": view}}


def _new(data: Json, table: Json, times: Json) -> Json:
    now = time.time()
    return {
        "ExportArn": f"{table['TableArn']}/export/{int(now * 1000):014d}-{secrets.token_hex(4)}",
        "ExportStatus": "IN_PROGRESS",
        "StartTime": now,
        "TableArn": table["TableArn"],
        "TableId": table["TableId"],
        "ExportFormat": "DYNAMODB_JSON",
        "ExportType": data.get("ExportType", "FULL_EXPORT"),
        **times,
        **{name: data[name] for name in _TAKEN if data.get(name)},
    }


def _denied(description: Json) -> bool:
    """Whether the caller may not write the files: DynamoDB writes them on behalf of the caller."""
    target = f"arn:aws:s3:::{description['S3Bucket']}/{_folder(description)}manifest-summary.json"
    return any(roles.caller_denial(_CALLER.get(), action, target) for action in WRITING)


def _folder(description: Json) -> str:
    """The key under which an export's manifests lie, with a slash at its end."""
    return f"{_root(description)}{description['ExportArn'].rsplit('/', 1)[-1]}/"


def _root(description: Json) -> str:
    prefix = description.get("S3Prefix", "").rstrip("/")
    return f"{prefix}/AWSDynamoDB/" if prefix else "AWSDynamoDB/"


def _lines(table: Json, description: Json) -> Iterator[tuple[str, Json]]:
    """The partition key and the content of each line."""
    specification = description.get("IncrementalExportSpecification")
    if not specification:
        for pk, items in recovery.items_at(table, description["ExportTime"]).items():
            for item in items.values():
                yield pk, {"Item": item}
        return
    since, until = specification["ExportFromTime"], specification["ExportToTime"]
    changed: dict[tuple[str, str], tuple[float, Json | None]] = {}
    for when, pk, sk, before in table[recovery.CHANGES]:
        if since <= when < until:
            changed[pk, sk] = when, changed.get((pk, sk), (when, before))[1]
    items = recovery.items_at(table, until)
    keys = [key["AttributeName"] for key in table["KeySchema"]]
    for (pk, sk), (when, old) in changed.items():
        new = items.get(pk, {}).get(sk)
        if not (old or new):
            continue  # made and deleted in the period
        line: Json = {"Metadata": {"WriteTimestampMicros": {"N": str(int(when * 1_000_000))}}}
        line["Keys"] = {name: (new or old or {})[name] for name in keys}
        if old and specification["ExportViewType"] == "NEW_AND_OLD_IMAGES":
            line["OldImage"] = old
        if new:
            line["NewImage"] = new
        yield pk, line


def _finish(export: Json, lines: list[tuple[str, Json]], denied: bool) -> None:
    """Write the files, and end the export."""
    if export["S3Bucket"] not in s3._buckets:
        end = {"FailureCode": "S3NoSuchBucket", "FailureMessage": "The specified bucket does not exist"}
    elif denied:
        end = {"FailureCode": "S3AccessDenied", "FailureMessage": "Access Denied"}
    else:
        end = _write(export, lines)
    export |= end | {"EndTime": time.time(), "ExportStatus": "FAILED" if "FailureCode" in end else "COMPLETED"}


def _write(export: Json, lines: list[tuple[str, Json]]) -> Json:
    """Write the files of an export; what its description then has more."""
    folder = _folder(export)
    _put(export, f"{folder}_started", b"")
    parts: list[list[str]] = [[] for _ in range(PARTITIONS)]
    for pk, line in lines:
        part = parts[hashlib.md5(str(pk).encode()).digest()[0] % PARTITIONS]
        part.append(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    data = f"{folder}data/" if export["ExportType"] == "FULL_EXPORT" else f"{_root(export)}data/"
    files = []
    for part in parts:
        content = gzip.compress("".join(part).encode())
        key = f"{data}{base64.b32encode(secrets.token_bytes(16)).decode().rstrip('=').lower()}.json.gz"
        etag = _put(export, key, content)
        files.append({"itemCount": len(part), "md5Checksum": _md5(content), "etag": etag, "dataFileS3Key": key})
    _put_manifest(export, "manifest-files", "".join(json.dumps(file) + "\n" for file in files))
    size = sum(len(line.encode()) for part in parts for line in part)
    done = {"ItemCount": len(lines), "BilledSizeBytes": size, "ExportManifest": f"{folder}manifest-summary.json"}
    _put_manifest(export, "manifest-summary", json.dumps(_summary(export, done)))
    return done


def _summary(export: Json, done: Json) -> Json:
    specification = export.get("IncrementalExportSpecification")
    times: Json = {"exportTime": _iso(export["ExportTime"])} if "ExportTime" in export else {}
    if specification:
        times = {f"export{end}Time": _iso(specification[f"Export{end}Time"]) for end in ("From", "To")}
        times |= {"outputView": specification["ExportViewType"], "exportType": export["ExportType"]}
    return {
        "version": "2023-08-01" if specification else "2020-06-30",
        "exportArn": export["ExportArn"],
        "startTime": _iso(export["StartTime"]),
        "endTime": _iso(time.time()),
        "tableArn": export["TableArn"],
        "tableId": export["TableId"],
        **times,
        "s3Bucket": export["S3Bucket"],
        "s3Prefix": export.get("S3Prefix"),
        "s3SseAlgorithm": export.get("S3SseAlgorithm", "AES256"),
        "s3SseKmsKeyId": export.get("S3SseKmsKeyId"),
        "manifestFilesS3Key": f"{_folder(export)}manifest-files.json",
        "billedSizeBytes": done["BilledSizeBytes"],
        "itemCount": done["ItemCount"],
        "outputFormat": "DYNAMODB_JSON",
    }


def _put_manifest(export: Json, name: str, text: str) -> None:
    _put(export, f"{_folder(export)}{name}.json", text.encode())
    _put(export, f"{_folder(export)}{name}.md5", _md5(text.encode()).encode())


def _put(export: Json, key: str, content: bytes) -> str:
    """Write an object; its entity tag."""
    headers: dict[str, str] = {}
    if algorithm := export.get("S3SseAlgorithm"):
        headers["x-amz-server-side-encryption"] = "aws:kms" if algorithm == "KMS" else algorithm
    if key_id := export.get("S3SseKmsKeyId"):
        headers["x-amz-server-side-encryption-aws-kms-key-id"] = key_id
    _, answered, _ = s3._put_object(export["S3Bucket"], key, content, headers)
    return str(answered["ETag"]).strip('"')


def _md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def describe_export(_: Handler, data: Json) -> Reply:
    """DescribeExport."""
    arn = str(data.get("ExportArn"))
    if "/export/" not in arn:
        raise ApiError("ValidationException", "Invalid Export ARN")
    if arn not in engine._exports:
        raise ApiError("ExportNotFoundException", f"Export not found: {arn}")
    return ok({"ExportDescription": _shown(engine._exports[arn])})


def _shown(export: Json) -> Json:
    return {name: value for name, value in export.items() if name != _REQUEST}


def list_exports(_: Handler, data: Json) -> Reply:
    """ListExports."""
    """In reverse order of the ARNs (model); each page's token is the last ARN of the page before."""
    table, before = data.get("TableArn"), data.get("NextToken") or "~"
    arns = sorted(engine._exports, reverse=True)
    rest = [arn for arn in arns if arn < before and table in (None, engine._exports[arn]["TableArn"])]
    limit = int(data.get("MaxResults") or LARGEST_PAGE)
    summaries = [
        {name: engine._exports[arn][name] for name in ("ExportArn", "ExportStatus", "ExportType")}
        for arn in rest[:limit]
    ]
    return ok({"ExportSummaries": summaries} | ({"NextToken": rest[limit - 1]} if len(rest) > limit else {}))
