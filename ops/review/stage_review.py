"""The review of one stage, as text, Markdown or JSON. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from cli.errors import OpsError
from ops.cost.estimate import compare, signed
from ops.cost.load import Load
from ops.review.permissions import access_changes, permissions
from ops.review.resource_changes import changes
from ops.review.survival import kept, lost
from ops.review.wording import in_region
from ops.template import Resources, Stacks, StackTemplate

Sections = dict[str, list[str]]
# The cost is estimated for an idle stage and for a small team.
LOADS = {"idle": Load(), "10,000 messages a day": Load(messages_per_day=10_000)}
_MORE_COSTS = "on demand or provisioned, other loads, assumptions: python -m ops cost"
_EMPTY: dict[str, Any] = {"Resources": {}}


@dataclass(frozen=True, kw_only=True)
class ReviewedStack:
    """One stack as it was and as it is; None where the stage did or does not have it.

    ``unknown`` says why there is nothing to compare it with; ``missing`` that its deployed
    table is gone.
    """

    old: StackTemplate | None
    new: StackTemplate | None
    unknown: str = ""
    missing: str = ""

    @property
    def name(self) -> str:
        """The name, which both sides share."""
        return next(one.name for one in (self.new, self.old) if one)

    @property
    def region(self) -> str | None:
        """The region that the stage names now, or else the one that it named before."""
        return next((one.region for one in (self.new, self.old) if one and one.region), None)

    @property
    def place(self) -> str:
        """``Messages-prod in eu-west-1``."""
        return f"{self.name} in {self.region or 'the region of the credentials'}"

    @property
    def resources(self) -> Resources:
        """Those of the template that the stage has, or else had."""
        return next(one.resources for one in (self.new, self.old) if one)


def paired(before: Stacks, after: Stacks) -> tuple[ReviewedStack, ...]:
    """Each stack of ``after`` with what it was, then those that are no longer there."""
    left, found = list(before), list[ReviewedStack]()
    for new in after:
        old = next((one for one in left if is_same(one, new)), None)
        if old:
            left.remove(old)
        found.append(ReviewedStack(old=old, new=new))
    return (*found, *(ReviewedStack(old=gone, new=None) for gone in left))


def is_same(one: StackTemplate, other: StackTemplate) -> bool:
    """Whether two templates are one stack's: by its name and, where both name one, its region."""
    return one.name == other.name and (None in (one.region, other.region) or one.region == other.region)


@dataclass(frozen=True, kw_only=True)
class Review:
    """A stage against ``base``, which says with what it was compared, or why it was not."""

    stage: str
    base: str
    stacks: tuple[ReviewedStack, ...]

    @property
    def compared(self) -> bool:
        """Whether there is anything to compare with."""
        return not all(stack.unknown for stack in self.stacks)

    def sections(self) -> Sections:
        """Every heading with its lines; of several stacks each under its name and region."""
        apart = [(stack, self._sections_of(stack)) for stack in self.stacks]
        found = apart[0][1]
        if len(apart) > 1:
            found = {heading: [] for heading in found}
            for stack, sections in apart:
                for heading, lines in sections.items():
                    found[heading] += [stack.place, *(f"    {line}" for line in lines)]
        first, *rest = found.items()
        return dict([first, ("What it costs a month", costs(self.stacks)), *rest])

    def _sections_of(self, stack: ReviewedStack) -> Sections:
        """All that is said about one stack, without the cost of the stage."""
        found = {f"What changes{f' against {self.base}' if self.compared else ''}": stack_changes(stack)}
        found |= {
            "What survives a destroy": kept(stack.resources) or ["nothing"],
            "What goes with the stack for good": lost(stack.resources) or ["nothing"],
            "Who may do what": _permissions(stack.resources),
            "Resources": _counted(stack.resources),
        }
        if stack.new is None:
            _, *survival, who, counts = found
            for heading in (*survival, who, counts) if stack.unknown else (who, counts):
                found[heading] = ["not known" if stack.unknown else "the stage no longer has it"]
        return found

    def text(self) -> Iterator[str]:
        """The lines for a terminal."""
        yield f"stage {self.stage}"
        for heading, lines in self.sections().items():
            yield from ("", heading, *(f"  {line}" for line in lines))

    def markdown(self) -> Iterator[str]:
        """The lines for a comment; all but the first two sections are folded."""
        yield f"## Stage {self.stage}"
        for number, (heading, lines) in enumerate(self.sections().items()):
            body = ["```text", *lines, "```"]
            if number < 2:
                yield from ("", f"### {heading}", "", *body)
            else:
                yield from ("", f"<details><summary>{heading}</summary>", "", *body, "</details>")

    def as_object(self) -> dict[str, Any]:
        """The same for programs, and what is said about each stack apart."""
        stacks = [
            {
                "stack": stack.name,
                "region": stack.region,
                "compared": not stack.unknown,
                "sections": self._sections_of(stack),
            }
            for stack in self.stacks
        ]
        return {
            "stage": self.stage,
            "base": self.base,
            "compared": self.compared,
            "sections": self.sections(),
            "stacks": stacks,
        }


def stack_changes(stack: ReviewedStack) -> list[str]:
    """What becomes of the stack, its resources and its permissions."""
    if stack.unknown:
        return [f"not compared: {stack.unknown}"]
    found = [f"! {stack.missing}"] if stack.missing else []
    if stack.old is None:
        found.append(f"+ added: stack {stack.place}")
    if stack.new is None:
        which = f"--stack-name {stack.name}" + (f" --region {stack.region}" if stack.region else "")
        found += [
            f"- removed: stack {stack.place}",
            "    no deployment deletes it; until you do, it stays and is billed:",
            f"    aws cloudformation delete-stack {which}",
            "    what that leaves behind is billed until you run:",
            f"    python -m ops cleanup {which.replace('--stack-name', '--stack')}",
        ]
    if stack.old and stack.new and stack.old.region != stack.new.region:
        if stack.new.region:
            found.append(f"~ now fixed to region {stack.region}: it was deployed where the credentials said")
        else:
            found.append(f"~ no longer fixed to region {stack.region}: it is deployed where the credentials say")
    before, after = (in_region(one.template if one else _EMPTY, stack.region) for one in (stack.old, stack.new))
    return [*found, *changes(before, after), *access_changes(before, after)] or ["nothing"]


def costs(stacks: Sequence[ReviewedStack]) -> list[str]:
    """The sum for each load, with what changes where every stack could be compared.

    What the stage no longer has is counted as deleted, and named where it stays.
    """
    # By name and region, because a stack may have come and gone under one name.
    after = tuple(replace(stack.new, name=stack.place) for stack in stacks if stack.new)
    compared = not any(stack.unknown for stack in stacks)
    before = tuple(replace(stack.old, name=stack.place) for stack in stacks if stack.old) if compared else after
    try:
        found = {name: compare(before, after, load) for name, load in LOADS.items()}
    except OpsError as error:  # a region without prices; the rest is worth reading all the same
        return [f"not estimated: {error}", _MORE_COSTS]
    lines = []
    for name, one in found.items():
        changed = any(not change.is_free for change in one.changes)
        difference = f" ({signed(one.delta) if changed else 'no change'})" if compared else ""
        lines.append(f"{name}: ${one.after.monthly:.2f}{difference}")
        for change in one.changes:
            price = f"${change.before:.2f} → ${change.after:.2f}"
            lines.append(f"    {change.item}: {change.quantities if change.is_free else price}")
    notes = [note for one in found.values() for note in one.notes]
    notes += [f"warning: {warning}" for one in found.values() for warning in one.after.warnings]
    return [*lines, *dict.fromkeys(notes), _MORE_COSTS]


def _permissions(resources: Resources) -> list[str]:
    lines = []
    for who, found in groupby(permissions(resources), key=lambda one: one.who):
        lines += [who, *(f"    {'! ' if one.public else ''}{one.text}" for one in found)]
    return lines


def _counted(resources: Resources) -> list[str]:
    counts = Counter(resource["Type"] for resource in resources.values())
    return [f"{count:3} {kind}" for kind, count in sorted(counts.items())]
