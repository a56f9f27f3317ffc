"""Where a seed's items come from: the resource's properties, or a file in S3."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from seed.changes import key_of
from seed.wire import Typed, from_wire


class SourceMissing(Exception):
    """The file of a seed is not there (any more), or may not be read."""


def items(s3: Any, properties: Mapping[str, Any]) -> Iterator[Typed]:
    """The items that ``properties`` name, in the order of their keys.

    ``Messages`` holds them itself, as a reader of the template likes them;
    ``Bucket`` and ``Key`` name a file with one item a line, already in order,
    which is read as it is used. Raises SourceMissing.
    """
    if "Messages" in properties:
        return iter(sorted(map(from_wire, properties["Messages"]), key=key_of))
    bucket, key = properties["Bucket"], properties["Key"]
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "NoSuchBucket", "AccessDenied"):
            raise SourceMissing(f"s3://{bucket}/{key}: {error}") from error
        raise
    return (from_wire(json.loads(line)) for line in body.iter_lines())
