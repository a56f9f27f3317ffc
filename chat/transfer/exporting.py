"""Writes the items of a table as lines, several segments of it at once.

An export is no snapshot: what is written to the table meanwhile may be in it or
not. What was there before, and is left alone, is in it: reads are consistent.
"""

from concurrent.futures import FIRST_COMPLETED, wait
from typing import Any

from chat.transfer.bar import Advance
from chat.transfer.lanes import lanes
from chat.transfer.lines import line_of
from chat.transfer.outputs import Output
from chat.transfer.scanning import Page, Selection, page
from chat.transfer.tables import Described
from seed.wire import Typed


def export(
    client: Any, table: Described, selection: Selection, output: Output, advance: Advance
) -> None:
    """Write every item of the selection that ``output`` does not have yet.

    One page of each segment is on its way at a time, so memory does not depend
    on the table. Raises what the first failing request raised.
    """

    def read(segment: int, after: Typed | None) -> tuple[int, bytes, Page]:
        found = page(client, table.name, selection, segment, after)
        return segment, b"".join(map(line_of, found.items)), found

    advance(output.items)
    with lanes(selection.segments) as opened:
        left = output.left(selection.segments)
        running = {opened.submit(read, segment, after) for segment, after in left.items()}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for segment, lines, found in (future.result() for future in done):
                output.write(segment, lines, found)
                advance(len(found.items))
                if found.last_key is not None:
                    running.add(opened.submit(read, segment, found.last_key))
