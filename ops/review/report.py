"""The review of one stage, as text or as Markdown. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ops.review.costs import costs
from ops.review.owners import Resources
from ops.review.permissions import permissions
from ops.review.stack_changes import stack_changes
from ops.review.stacks import Reviewed
from ops.review.statements import Permission
from ops.review.survival import kept, lost

Sections = dict[str, list[str]]
_WHO, _WHAT = "Who may do what", "Resources"


@dataclass(frozen=True, kw_only=True)
class Review:
    """What the templates of a stage say, and what changes against ``base``.

    ``base`` says with what they were compared, or why they were not.
    """

    stage: str
    base: str
    stacks: tuple[Reviewed, ...]

    @property
    def compared(self) -> bool:
        """Whether there is anything to compare with."""
        return not all(stack.unknown for stack in self.stacks)

    def sections(self) -> Sections:
        """Every heading with its lines; of several stacks each under its name and region."""
        apart = [(stack, self._sections_of(stack)) for stack in self.stacks]
        if len(apart) == 1:
            ((_, found),) = apart
        else:
            found = {heading: _under_names(apart, heading) for heading in apart[0][1]}
        first, *rest = found.items()
        return dict([first, ("What it costs a month", costs(self.stacks)), *rest])

    def _sections_of(self, stack: Reviewed) -> Sections:
        """All that is said of one stack, which leaves out the cost of the stage."""
        against = f" against {self.base}" if self.compared else ""
        found = _of_gone(stack) if stack.new is None else _of(stack.new["Resources"])
        return {f"What changes{against}": stack_changes(stack, self.stacks)} | found

    def text(self) -> Iterator[str]:
        """The lines for a terminal."""
        yield f"stage {self.stage}"
        for heading, lines in self.sections().items():
            yield ""
            yield heading
            yield from (f"  {line}" for line in lines)

    def markdown(self) -> Iterator[str]:
        """The lines for a comment: what is long is folded."""
        yield f"## Stage {self.stage}"
        for number, (heading, lines) in enumerate(self.sections().items()):
            body = ["```text", *lines, "```"]
            if number < 2:
                yield from ["", f"### {heading}", "", *body]
            else:
                yield from ["", f"<details><summary>{heading}</summary>", "", *body, "</details>"]

    def as_object(self) -> dict[str, Any]:
        """The same for programs, and what is said of each stack apart."""
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


def _of(resources: Resources) -> Sections:
    return {
        "What survives a destroy": kept(resources) or ["nothing"],
        "What goes with the stack for good": lost(resources) or ["nothing"],
        _WHO: _permissions(permissions(resources)),
        _WHAT: _counted(resources),
    }


def _of_gone(stack: Reviewed) -> Sections:
    """What there is to say of a stack that the stage no longer has: what becomes of it."""
    found = _of(stack.before["Resources"])
    if stack.unknown:
        return {heading: ["not known"] for heading in found}
    return found | {heading: ["the stage no longer has it"] for heading in (_WHO, _WHAT)}


def _under_names(apart: Sequence[tuple[Reviewed, Sections]], heading: str) -> list[str]:
    return [line for stack, sections in apart for line in [stack.place, *(f"    {line}" for line in sections[heading])]]


def _permissions(found: Sequence[Permission]) -> list[str]:
    return [
        line
        for who, group in groupby(found, key=lambda one: one.who)
        for line in [who, *(f"    {'! ' if one.public else ''}{one.text}" for one in group)]
    ]


def _counted(resources: Resources) -> list[str]:
    counts = Counter(resource["Type"] for resource in resources.values())
    return [f"{count:3} {kind}" for kind, count in sorted(counts.items())]
