"""What an estimate takes for granted, in words."""

from collections.abc import Iterator

from ops.cost import items, traffic
from ops.cost.load import MESSAGES_PER_CONVERSATION, Load
from ops.cost.template import Template


def assumptions(template: Template, load: Load, *, free_tier: bool) -> Iterator[str]:
    """The sentences for this template and load."""
    if free_tier:
        yield (
            "what AWS never charges for is taken off as if nothing else in the account used it; "
            "offers for new customers are not"
        )
    else:
        yield "list prices: nothing is taken off for the free tier"
    if template.restore_tests_a_day and not template.rules:
        yield "no restore tests: no rule makes a recovery point that they could restore"
    if not load.messages_per_day:
        yield ("nobody writes: no load is stated (--messages-per-day N); the seeded items, a few KB, are not counted")
        return
    yield _units(template, load)
    yield _size(template, load)
    yield (f"the day's messages come within {24 / load.peak_factor:.3g} hours; scaled capacity follows at once")
    if template.readers:
        yield (
            f"the stream's function runs once for every record, for "
            f"{traffic.SECONDS * 1000:.0f} ms, and logs {traffic.LOG_BYTES} bytes"
        )
    yield (
        "not counted: deployments, restores and exports by hand, transfer to the internet, "
        "failures and what they set off"
    )


def _units(template: Template, load: Load) -> str:
    units, body = traffic.per_message(template, load), load.message_bytes
    return (
        f"a message of {body:,} bytes is an item of {items.message_bytes(body):,}, takes "
        f"{units.writes:g} write units and, with {load.reads_per_message:g} reads of lists and "
        f"conversations of {traffic.PAGE} entries, {units.reads:g} read units"
    )


def _size(template: Template, load: Load) -> str:
    kept = "for ever"
    if load.retention_days is not None:
        kept = f"for {load.retention_days:g} days"
        if not template.table.expires:
            kept += ", though the template deletes none (nor are deletions counted)"
    conversations = f"one conversation for {MESSAGES_PER_CONVERSATION} messages"
    if load.conversations is not None:
        conversations = f"{load.conversations:,.0f} conversations"
    return (
        f"the last of {load.months:g} months; {load.stored(load.days):,.0f} messages are in the "
        f"table, kept {kept}; {conversations}"
    )
