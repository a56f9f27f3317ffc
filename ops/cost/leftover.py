"""What a change leaves behind, billed though no template has it any more. Pure."""

from collections.abc import Iterator

from ops.cost.assembly import Stacks, StackTemplate
from ops.cost.tables import TABLE_TYPES

# What is billed by itself or for what it holds, for as long as it is there.
_BILLED = ("AWS::KMS::Key", "AWS::Backup::BackupVault", *TABLE_TYPES)


def leftover(before: Stacks, after: Stacks) -> Iterator[str]:
    """In words: the stacks that are gone, and what the others retain without having it any more.

    What is replaced under the same logical id is not looked for.
    """
    for stack in before:
        now = [one for one in after if _is_same(stack, one)]
        if now:
            yield from _retained(stack, now)
        else:
            yield (f"counted as gone, with what stays behind until it is cleaned up: {stack.name}")


def _is_same(one: StackTemplate, other: StackTemplate) -> bool:
    """By name; a template that comes by itself names no stack, and may be of any."""
    return one.name == other.name or "" in (one.name, other.name)


def _retained(stack: StackTemplate, now: list[StackTemplate]) -> Iterator[str]:
    there = {(id, one["Type"]) for new in now for id, one in new.template["Resources"].items()}
    for id, one in stack.template["Resources"].items():
        kind, kept = one["Type"], str(one.get("DeletionPolicy")).startswith("Retain")
        if kept and kind in _BILLED and (id, kind) not in there:
            yield (f"counted as gone, though it stays and is billed until somebody deletes it: {id} ({kind})")
