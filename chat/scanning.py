"""All items of a table, in parallel segments, as they come."""

from collections.abc import Generator
from typing import Any

from chat.lanes import lanes
from chat.segments import After, Read, in_segments

Item = dict[str, Any]
# DynamoDB allows a million segments; more than these gain nothing from one process.
MOST_SEGMENTS = 16


def pages(
    table: Any, *, segments: int = 1, limit: int | None = None
) -> Generator[list[Item], None, None]:
    """The table's items, page by page, in no order; at most ``limit`` of them.

    Reads eventually consistently: half the price, and a whole table is no
    snapshot either way. Close the iterator to stop early: no request is under
    way then, so that all are counted. botocore's errors of any segment pass
    through.
    """
    left = limit
    with lanes(segments, joined=True) as opened:
        read = _reader(table, segments, limit)
        for _, page in in_segments(opened, read, dict.fromkeys(range(segments))):
            yield page[:left]
            if left is not None:
                left -= min(left, len(page))
                if not left:
                    return


def _reader(table: Any, segments: int, limit: int | None) -> Read[list[Item]]:
    """Reads one page of a segment. By the table's client: a boto3 Table is for one thread."""
    request = {"TableName": table.name, "TotalSegments": segments}
    if limit is not None:
        request["Limit"] = limit

    def read(segment: int, after: After) -> tuple[list[Item], After]:
        begin = {} if after is None else {"ExclusiveStartKey": after}
        page = table.meta.client.scan(**request, **begin, Segment=segment)
        return page["Items"], page.get("LastEvaluatedKey")

    return read
