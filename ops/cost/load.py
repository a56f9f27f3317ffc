"""The load that an estimate is for: what people do with the table."""

from dataclasses import dataclass

from ops.cost.prices import DAYS

# Where nothing else is said, so many messages make a conversation.
MESSAGES_PER_CONVERSATION = 100
DAY_SECONDS = 86_400


@dataclass(frozen=True, kw_only=True)
class Load:
    """Messages and what becomes of them; without any argument, nobody writes.

    ``message_bytes`` is the length of a body. A read is one look at the list of
    conversations and one at the newest messages of one of them. The estimate is
    for the last of ``months`` months at this load, which began with an empty
    table; messages stay for ``retention_days``, or for ever. ``peak_factor`` is
    the rate in the busy hours over the day's average: the day's traffic comes
    within 1 / ``peak_factor`` of the day.
    """

    messages_per_day: float = 0
    message_bytes: int = 200
    reads_per_message: float = 2
    retention_days: float | None = None
    months: float = 12
    conversations: float | None = None
    peak_factor: float = 3

    @property
    def messages(self) -> float:
        """Sent in a month."""
        return self.messages_per_day * DAYS

    @property
    def days(self) -> float:
        """Since the load began."""
        return self.months * DAYS

    @property
    def expired(self) -> float:
        """Messages whose retention ends in the month."""
        ends = self.retention_days is not None and self.retention_days < self.days
        return self.messages if ends else 0

    def stored(self, day: float) -> float:
        """Messages in the table ``day`` days after the load began; none before that."""
        kept = day if self.retention_days is None else min(day, self.retention_days)
        return self.messages_per_day * max(0.0, kept)

    def conversations_on(self, day: float) -> float:
        """Conversations that have a message in the table on that day."""
        known = self.stored(day) / MESSAGES_PER_CONVERSATION
        if self.conversations is None:
            return known
        return self.conversations if day > 0 else 0
