"""What changes of one stack of a stage, in lines. Pure."""

from collections.abc import Iterator, Sequence

from ops.review.access import access_changes
from ops.review.changes import Change, changes
from ops.review.regions import are_alike, in_region, settled
from ops.review.stacks import Reviewed

_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def stack_changes(stack: Reviewed, stacks: Sequence[Reviewed]) -> list[str]:
    """What becomes of the stack, its resources and its permissions, the loudest first.

    ``stacks`` are all of the stage: one of them may be the same in another region.
    """
    if stack.unknown:
        return [f"not compared: {stack.unknown}"]
    moved = _moved(stack, stacks)
    found = [f"! {stack.missing}"] if stack.missing else []
    found += _come_or_gone(stack)
    if stack.old is None and moved:
        count = len(stack.after["Resources"])
        return [*found, f"    all {count} resources and permissions as in {moved.region}"]
    before, after = (in_region(one, stack.region) for one in (stack.before, stack.after))
    region = settled(stack.before, stack.after, stack.region)
    found += [f"~ {region}"] if region else []
    for change in sorted(changes(before, after), key=lambda one: not one.is_loud):
        found += _change(change)
    if moved:
        found.append(f"    permissions: the same that it has in {moved.region}")
    else:
        found += access_changes(before, after)
    return found or ["nothing"]


def _moved(stack: Reviewed, stacks: Sequence[Reviewed]) -> Reviewed | None:
    """Where the stack comes from, or where it went: it leaves one region and is new in another."""
    for other in stacks:
        come, gone = (stack, other) if stack.old is None else (other, stack)
        if come.unknown or come.old is not None or come.new is None:
            continue
        if gone.unknown or gone.old is None or gone.new is not None:
            continue
        if are_alike(gone.old, gone.region, come.new, come.region):
            return other
    return None


def _come_or_gone(stack: Reviewed) -> Iterator[str]:
    """What becomes of the stack as a whole."""
    if stack.old is None:
        yield f"+ added: stack {stack.place}"
    if stack.new is None:
        which = f"--region {stack.region}" if stack.region else ""
        yield f"- removed: stack {stack.place}"
        yield "    no deployment deletes it; until somebody does, it is there and billed:"
        yield f"    aws cloudformation delete-stack --stack-name {stack.name} {which}".rstrip()
        yield "    what then stays behind is billed until:"
        yield f"    python -m ops cleanup --stack {stack.name} {which}".rstrip()


def _change(change: Change) -> Iterator[str]:
    sign = "!" if change.is_loud else _SIGNS[change.kind]
    # What is weaker says so itself.
    kind = "" if change.kind == "weaker" else f"{change.kind}: "
    yield f"{sign} {kind}{change.what}"
    yield from (f"    {detail}" for detail in change.details)
