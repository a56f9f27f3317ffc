"""The requests of a month: units of the table and of its indexes, and what the stream causes.

What a message costs, in units, is read off the items of the data model: it is
put once; then the function that reads the stream updates the lists of both
participants, and the index with them. It reads the newest message before that
and after it.
"""

from dataclasses import dataclass, replace

from ops.cost import items
from ops.cost.load import Load
from ops.cost.prices import DAYS
from ops.cost.tables import Index, Table
from ops.cost.template import Reader, Template
from ops.cost.units import index_units, read_units, write_units

# As many as `python -m chat` shows of either.
PAGE = 20
# The two queries of the stream's function, before and after it writes.
LOOKS = 2
# Assumed of the stream's function: four requests to DynamoDB, one after the other.
SECONDS = 0.06
# START, END, REPORT and one line of its own, each with CloudWatch's 26 bytes.
LOG_BYTES = 600
# Records of the stream for one message: itself, and two lists.
RECORDS = 3
# DynamoDB asks KMS every five minutes for the key of a table in use, for each caller
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html).
KEY_SECONDS, KEY_CALLERS = 300, 2


@dataclass(frozen=True, kw_only=True)
class Units:
    """Units for the table and, together, for each of its indexes in turn."""

    table_writes: float
    table_reads: float
    index_writes: tuple[float, ...]
    index_reads: tuple[float, ...]

    def times(self, factor: float) -> "Units":
        """As many units for each of ``factor`` messages."""
        return replace(
            self,
            table_writes=self.table_writes * factor,
            table_reads=self.table_reads * factor,
            index_writes=tuple(units * factor for units in self.index_writes),
            index_reads=tuple(units * factor for units in self.index_reads),
        )

    @property
    def writes(self) -> float:
        """Of the table and its indexes."""
        return self.table_writes + sum(self.index_writes)

    @property
    def reads(self) -> float:
        """Of the table and its indexes."""
        return self.table_reads + sum(self.index_reads)


def per_message(template: Template, load: Load) -> Units:
    """The units of one message into a conversation that there is already."""
    table, body = template.table, load.message_bytes
    message = items.message(body)
    changes: list[tuple[items.Item | None, items.Item]] = [(None, message)]
    if template.readers:
        changes += 2 * [(items.membership(body), items.membership(body, later=True))]
    return Units(
        table_writes=sum(write_units(before, after) for before, after in changes),
        table_reads=_looks(template, load)
        + load.reads_per_message * read_units(PAGE * items.message_bytes(body), consistent=True),
        index_writes=tuple(
            sum(_index_writes(table, index, before, after) for before, after in changes) for index in table.indexes
        ),
        index_reads=tuple(_list(template, load, index) for index in table.indexes),
    )


def _index_writes(table: Table, index: Index, before: items.Item | None, after: items.Item) -> int:
    old, new = (items.entry(table, index, one) for one in (before, after))
    return index_units(old, new, index.keys)


def _looks(template: Template, load: Load) -> float:
    """The units by which the stream's function reads the newest message."""
    one = read_units(items.message_bytes(load.message_bytes), consistent=True)
    return LOOKS * one if template.readers else 0


def _list(template: Template, load: Load, index: Index) -> float:
    """The units of showing a user's conversations, for an index that has them."""
    entry = items.entry(template.table, index, items.membership(load.message_bytes))
    if entry is None or not template.readers:
        return 0
    return load.reads_per_message * read_units(PAGE * items.size(entry), consistent=False)


def in_a_month(template: Template, load: Load) -> Units:
    """The units of a month; that of a message which expires is one more look at its conversation.

    DynamoDB's own deletions cost nothing
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html).
    """
    units = per_message(template, load).times(load.messages)
    if not (template.readers and template.table.expires):
        return units
    looks = load.expired * _looks(template, load) / LOOKS
    return replace(units, table_reads=units.table_reads + looks)


def invocations(template: Template, reader: Reader, load: Load) -> float:
    """Runs of a stream's function a month, at most: one for every record that it gets."""
    expired = load.expired if template.table.expires else 0
    return load.messages * (1 if reader.filtered else RECORDS) + expired


def written_bytes(template: Template, load: Load) -> float:
    """Bytes of the items that are written in a month, which a replica gets too."""
    body = load.message_bytes
    lists = 2 * items.membership_bytes(body) if template.readers else 0
    return load.messages * (items.message_bytes(body) + lists)


def key_requests(load: Load) -> float:
    """Requests to KMS a month for a table under a customer key, at most."""
    slots = DAYS * 24 * 3600 / KEY_SECONDS
    return KEY_CALLERS * min(slots, load.messages)
