"""Where a seed's items come from: the resource's properties, or a file in S3."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO, Any

from botocore.exceptions import ClientError

from dynamo.changes import key_of
from model.wire import Typed, from_wire

# Of HeadObject, which has no body to say more in, and of GetObject.
_MISSING = frozenset({"404", "403", "NoSuchKey", "NoSuchBucket", "AccessDenied"})


class SourceMissing(Exception):
    """The file of a seed is not there (any more), or may not be read."""


def items(s3: Any, properties: Mapping[str, Any]) -> Iterator[Typed]:
    """The items that ``properties`` name, in the order of their keys.

    ``Messages`` holds them itself, as a reader of the template likes them;
    ``Bucket`` and ``Key`` name a file with one item a line, already in order.
    It is fetched whole before the first item is used, onto the function's disk:
    S3 would end a stream that has to wait for a throttled table.
    Raises SourceMissing.
    """
    if "Messages" in properties:
        return iter(sorted(map(from_wire, properties["Messages"]), key=key_of))
    bucket, key = properties["Bucket"], properties["Key"]
    file = tempfile.TemporaryFile()  # noqa: SIM115 (closed when its last line is read)
    try:
        s3.download_fileobj(bucket, key, file)
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING:
            # S3 answers 403 for both, and names no permission for a HEAD.
            raise SourceMissing(
                f"s3://{bucket}/{key}: {error}; it is not there, or this function's role is not "
                "authorized to perform: s3:GetObject"
            ) from error
        raise
    return _lines(file)


def _lines(file: IO[bytes]) -> Iterator[Typed]:
    with file:
        file.seek(0)
        for line in file:
            yield from_wire(json.loads(line))
