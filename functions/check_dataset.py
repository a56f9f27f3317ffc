"""The function that checks a dataset in S3 before Step Functions loads it: a worker sees one batch of its lines."""

import gzip
import io
from collections.abc import Mapping
from typing import Any, BinaryIO, cast

import boto3

from model.dataset import DatasetError, is_gzip, items_of

# The time left for sorting the keys, and after how many lines the clock is read.
_MILLISECONDS_LEFT, _LINES = 180_000, 10_000


def check(event: Mapping[str, Any], context: Any) -> int:
    """How many lines the object ``Key`` in ``Bucket`` has. Raises DatasetError, also for more than the time is for."""
    body = boto3.client("s3").get_object(Bucket=event["Bucket"], Key=event["Key"])["Body"]
    number = 0
    for number, _ in enumerate(items_of(_content(body, event["Key"])), 1):
        if number % _LINES == 0 and context.get_remaining_time_in_millis() < _MILLISECONDS_LEFT:
            raise DatasetError(
                f"is too long to be checked within the function's time limit ({number} lines); split it "
                f"into datasets of at most {number} lines and load them one by one"
            )
    return number


def _content(body: Any, key: str) -> BinaryIO:
    """What Step Functions will read: it knows a compressed object by the end of its key."""
    # https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
    stream = io.BufferedReader(body, 1024 * 1024)
    compressed, named = is_gzip(io.BytesIO(stream.peek(2))), key.endswith(".gz")
    if compressed and not named:
        raise DatasetError("is compressed with gzip, but its key does not end with .gz; rename it")
    if named and not compressed:
        raise DatasetError("is not compressed with gzip, but its key ends with .gz; rename it")
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream) if compressed else stream)
