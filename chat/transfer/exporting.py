"""Writes the items of a table as lines, several segments of it at once.

An export is no snapshot: what is written to the table meanwhile may be in it or
not. What was there before, and is left alone, is in it: reads are consistent.
"""

from typing import Any

from chat.transfer.bar import Advance
from chat.transfer.lines import line_of
from chat.transfer.outputs import Output
from chat.transfer.scanning import Page, Selection, page
from chat.transfer.tables import Described
from dynamo.parallel import After, in_segments, lanes


def export(client: Any, table: Described, selection: Selection, output: Output, advance: Advance) -> None:
    """Write every item of the selection that ``output`` does not have yet.

    One page of each segment is on its way at a time, so memory does not depend
    on the table. Raises what the first failing request raised.
    """

    def read(segment: int, after: After) -> tuple[tuple[bytes, Page], After]:
        found = page(client, table.name, selection, segment, after)
        return (b"".join(map(line_of, found.items)), found), found.last_key

    advance(output.items)
    with lanes(selection.segments) as opened:
        left = output.left(selection.segments)
        for segment, (lines, found) in in_segments(opened, read, left):
            output.write(segment, lines, found)
            advance(len(found.items))
