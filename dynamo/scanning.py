"""All items of a table, in parallel segments, as they come."""

from collections.abc import Iterator
from typing import Any

from dynamo.lanes import Lanes
from dynamo.segments import After, Read, in_segments

Item = dict[str, Any]
# DynamoDB allows a million segments; more than these gain nothing from one process.
MOST_SEGMENTS = 16


def pages(table: Any, opened: Lanes, *, limit: int | None = None) -> Iterator[list[Item]]:
    """The table's items, page by page, in no order, a segment to a lane; at most ``limit`` items.

    Reads eventually consistently: half the price, and a whole table is no
    snapshot either way. botocore's errors of any segment pass through. After
    these, at the limit, and where the caller stops early, requests of other
    segments may be under way: it is for who opened the lanes to wait for them.
    """
    left = limit
    read = _reader(table, opened.number, limit)
    for _, page in in_segments(opened, read, dict.fromkeys(range(opened.number))):
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
