"""The review of one stage, as text, Markdown or JSON. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from cli.errors import OpsError
from ops.cost.estimate import compare, signed
from ops.cost.load import Load
from ops.review.permissions import access_changes, permissions
from ops.review.resource_changes import changes, kept, lost
from ops.review.wording import in_region
from ops.template import Stacks, StackTemplate

# The cost is estimated for an idle stage and for a small team.
LOADS = {"idle": Load(), "10,000 messages a day": Load(messages_per_day=10_000)}
_MORE_COSTS = "on demand or provisioned, other loads, assumptions: python -m ops cost"


@dataclass(frozen=True, kw_only=True)
class ReviewedStack:
    """One stack as it was and as it is; None where the stage did or does not have it.

    ``unknown`` says why there is nothing to compare it with; ``missing`` that its deployed table is gone.
    """

    old: StackTemplate | None = None
    new: StackTemplate | None = None
    unknown: str = ""
    missing: str = ""

    @property
    def latest(self) -> StackTemplate:
        """As the stage has it, or else had it; in the region that it names now, or else named before."""
        one, *before = [one for one in (self.new, self.old) if one]
        return replace(one, region=one.region or (before[0].region if before else None))

    @property
    def place(self) -> str:
        """``Messages-prod in eu-west-1``."""
        return f"{self.latest.name} in {self.latest.region or 'the region of the credentials'}"


def paired(before: Stacks, after: Stacks) -> tuple[ReviewedStack, ...]:
    """Each stack of ``after`` with what it was, then those that are no longer there."""
    found = [ReviewedStack(old=next((one for one in before if is_same(one, new)), None), new=new) for new in after]
    gone = [one for one in before if one not in [pair.old for pair in found]]
    return (*found, *(ReviewedStack(old=one) for one in gone))


def is_same(one: StackTemplate, other: StackTemplate) -> bool:
    """Whether two templates are one stack's: by its name and, where both name one, its region."""
    return one.name == other.name and (None in (one.region, other.region) or one.region == other.region)


@dataclass(frozen=True, kw_only=True)
class Review:
    """A stage against ``base``, which says with what it was compared, or why it was not.

    ``before`` are sections of a plan, which come first.
    """

    stage: str
    base: str
    stacks: tuple[ReviewedStack, ...]
    before: Mapping[str, list[str]] = field(default_factory=dict)

    @property
    def compared(self) -> bool:
        """Whether there is anything to compare with."""
        return not all(stack.unknown for stack in self.stacks)

    def sections(self) -> dict[str, list[str]]:
        """Every heading with its lines; of several stacks each under its name and region."""
        found: dict[str, list[str]] = {}
        for stack in self.stacks:
            for heading, lines in self._sections_of(stack).items():
                placed = [stack.place, *(f"    {line}" for line in lines)]
                found[heading] = found.get(heading, []) + (placed if len(self.stacks) > 1 else lines)
        first, *rest = found.items()
        return dict([*self.before.items(), first, ("What it costs a month", costs(self.stacks)), *rest])

    def _sections_of(self, stack: ReviewedStack) -> dict[str, list[str]]:
        """All that is said about one stack, without the cost of the stage."""
        resources, access = stack.latest.resources, []
        for holder, given in groupby(permissions(resources), key=lambda one: one.who):
            access += [holder, *(f"    {'! ' if one.public else ''}{one.text}" for one in given)]
        counts = sorted(Counter(one["Type"] for one in resources.values()).items())
        found = {
            "What survives a destroy": kept(resources) or ["nothing"],
            "What goes with the stack for good": lost(resources) or ["nothing"],
            "Who may do what": access,
            "Resources": [f"{count:3} {kind}" for kind, count in counts],
        }
        if stack.new is None:
            *survival, who, number = found
            for heading in (*survival, who, number) if stack.unknown else (who, number):
                found[heading] = ["not known" if stack.unknown else "no longer part of the stage"]
        against = f" against {self.base}" if self.compared else ""
        return {f"What changes{against}": stack_changes(stack), **found}

    def text(self) -> Iterator[str]:
        """The lines for a terminal."""
        yield f"stage {self.stage}"
        for heading, lines in self.sections().items():
            yield from ("", heading, *(f"  {line}" for line in lines))

    def markdown(self) -> Iterator[str]:
        """The lines for a comment; all but the first two sections, and those of a plan, are folded."""
        yield f"## Stage {self.stage}"
        for number, (heading, lines) in enumerate(self.sections().items()):
            body = ["```text", *lines, "```"]
            if number < 2 + len(self.before):
                yield from ("", f"### {heading}", "", *body)
            else:
                yield from ("", f"<details><summary>{heading}</summary>", "", *body, "</details>")

    def as_object(self) -> dict[str, Any]:
        """The same for programs, and what is said about each stack apart."""
        stacks = []
        for stack in self.stacks:
            where = {"stack": stack.latest.name, "region": stack.latest.region, "compared": not stack.unknown}
            stacks.append({**where, "sections": self._sections_of(stack)})
        stage = {"stage": self.stage, "base": self.base, "compared": self.compared}
        return {**stage, "sections": self.sections(), "stacks": stacks}


def stack_changes(stack: ReviewedStack) -> list[str]:
    """What happens to the stack, its resources and its permissions."""
    if stack.unknown:
        return [f"not compared: {stack.unknown}"]
    found = [f"! {stack.missing}"] if stack.missing else []
    old, new, name, region = stack.old, stack.new, stack.latest.name, stack.latest.region
    if old is None:
        found.append(f"+ added: stack {stack.place}")
    if new is None:
        which = name + (f" --region {region}" if region else "")
        found += [
            f"- removed: stack {stack.place}",
            "    no deployment deletes it; it exists and is billed until you run:",
            f"    aws cloudformation delete-stack --stack-name {which}",
            "    its retained resources are billed until you run:",
            f"    python -m ops cleanup --stack {which}",
        ]
    if old and new and old.region != new.region:
        how, when = ("now", "before") if new.region else ("no longer", "now")
        found.append(f"~ {how} fixed to region {region} ({when}: the region of the credentials)")
    before, after = (in_region(one.template, region) if one else {} for one in (old, new))
    return [*found, *changes(before, after), *access_changes(before, after)] or ["nothing"]


def costs(stacks: Sequence[ReviewedStack]) -> list[str]:
    """The sum for each load, with what changes where every stack could be compared.

    What the stage no longer has is counted as deleted, and named where it is retained.
    """
    # By name and region, because a stack may have been added and removed under one name.
    after = tuple(replace(stack.new, name=stack.place) for stack in stacks if stack.new)
    compared = not any(stack.unknown for stack in stacks)
    before = tuple(replace(stack.old, name=stack.place) for stack in stacks if stack.old) if compared else after
    lines, notes = [], []
    for name, load in LOADS.items():
        try:
            found = compare(before, after, load)
        except OpsError as error:  # a region without prices; the rest is worth reading all the same
            return [f"not estimated: {error}", _MORE_COSTS]
        changed = any(not change.free_quantities for change in found.changes)
        difference = f" ({signed(found.delta) if changed else 'no change'})" if compared else ""
        lines.append(f"{name}: ${found.after.monthly:.2f}{difference}")
        for change in found.changes:
            price = f"${change.before:.2f} → ${change.after:.2f}"
            lines.append(f"    {change.item}: {change.free_quantities or price}")
        notes += [*found.notes, *(f"warning: {warning}" for warning in found.after.warnings)]
    return [*lines, *dict.fromkeys(notes), _MORE_COSTS]
