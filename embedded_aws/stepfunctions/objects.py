"""The text of an object that an ItemReader reads, which may be compressed.

Source: Guide, "ItemReader (Map)": input files may be compressed with GZIP, for example
``myObject.jsonl.gz``. The Guide names no other sign than the end of the key, so here it is the only
one. The engine reads plain text alone.
"""

import gzip
import zlib

import ministack.services.stepfunctions as engine
from ministack.services import s3


def install() -> None:
    """Unpack what is named ``*.gz``."""
    plain = engine._s3_object_text

    def text(bucket: str, key: str) -> str:
        if not key.endswith(".gz"):
            return str(plain(bucket, key))
        status, _, body = s3._get_object(bucket, key, {}, {})
        if status != 200:
            return str(plain(bucket, key))  # which says so
        try:
            return gzip.decompress(body).decode()
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"{key} cannot be unpacked: {error}") from error

    engine._s3_object_text = text
