"""The review of one stage, as text or as Markdown. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ops.costing.comparison import Comparison, compare
from ops.costing.load import Load
from ops.costing.report import signed
from ops.errors import OpsError
from ops.reviewing.changes import Change, changes, permission_changes
from ops.reviewing.permissions import Permission, permissions
from ops.reviewing.survival import kept, lost

Template = Mapping[str, Any]
# For whom the cost is estimated: nobody, and a small team.
LOADS = {"idle": Load(), "10,000 messages a day": Load(messages_per_day=10_000)}


@dataclass(frozen=True, kw_only=True)
class Review:
    """What a stage's template says, and what changes against ``base`` when there is one.

    ``base`` says with what it was compared, or why it was not.
    """

    stage: str
    template: Template
    base: str
    before: Template | None

    def sections(self) -> Iterator[tuple[str, list[str]]]:
        """Every heading with its lines."""
        resources = self.template["Resources"]
        if self.before is None:
            yield "What changes", [f"not compared: {self.base}"]
        else:
            yield f"What changes against {self.base}", _changed(self.before, self.template)
        yield "What it costs a month", _costs(self.before, self.template)
        yield "What survives a destroy", kept(resources) or ["nothing"]
        yield "What goes with the stack for good", lost(resources) or ["nothing"]
        yield "Who may do what", _permissions(permissions(resources))
        yield "Resources", _counted(resources)

    def text(self) -> Iterator[str]:
        """The lines for a terminal."""
        yield f"stage {self.stage}"
        for heading, lines in self.sections():
            yield ""
            yield heading
            yield from (f"  {line}" for line in lines)

    def markdown(self) -> Iterator[str]:
        """The lines for a comment: what is long is folded."""
        yield f"## Stage {self.stage}"
        for number, (heading, lines) in enumerate(self.sections()):
            body = ["```text", *lines, "```"]
            if number < 2:
                yield from ["", f"### {heading}", "", *body]
            else:
                yield from ["", f"<details><summary>{heading}</summary>", "", *body, "</details>"]

    def as_object(self) -> dict[str, Any]:
        """The same for programs."""
        return {"stage": self.stage, "base": self.base, "compared": self.before is not None,
                "sections": dict(self.sections())}  # fmt: skip


def _changed(before: Template, after: Template) -> list[str]:
    found = [line for change in changes(before, after) for line in _change(change)]
    new, gone = permission_changes(before, after)
    found += [f"+ permission: {one.who}: {one.text}" for one in new]
    found += [f"- permission: {one.who}: {one.text}" for one in gone]
    return found or ["nothing"]


def _change(change: Change) -> Iterator[str]:
    sign = {"added": "+", "removed": "-", "changed": "~", "replaced": "!"}[change.kind]
    yield f"{sign} {change.kind}: {change.what}"
    yield from (f"    {detail}" for detail in change.details)


def _costs(before: Template | None, after: Template) -> list[str]:
    more = "on demand or provisioned, other loads, assumptions: python -m ops cost"
    try:
        found = {name: compare(before or after, after, load) for name, load in LOADS.items()}
    except OpsError as error:  # a region without prices; the rest is worth reading all the same
        return [f"not estimated: {error}", more]
    lines = []
    for name, comparison in found.items():
        total = f"${comparison.after.monthly:.2f}"
        lines.append(f"{name}: {total}" + (f" ({_delta(comparison)})" if before else ""))
        lines += [
            f"    {change.item}: ${change.before:.2f} → ${change.after:.2f}"
            for change in comparison.changes
            if before
        ]
    return [*lines, more]


def _delta(comparison: Comparison) -> str:
    return signed(comparison.delta) if comparison.changes else "no change"


def _permissions(found: Sequence[Permission]) -> list[str]:
    return [
        line
        for who, group in groupby(found, key=lambda one: one.who)
        for line in [who, *(f"    {one.text}" for one in group)]
    ]


def _counted(resources: Mapping[str, Mapping[str, Any]]) -> list[str]:
    counts = Counter(resource["Type"] for resource in resources.values())
    return [f"{count:3} {kind}" for kind, count in sorted(counts.items())]
