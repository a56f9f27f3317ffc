"""The stacks of a stage as they are and as they were, side by side. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from ops.cost.assembly import Stacks, StackTemplate, Template

NOTHING: Template = {"Resources": {}}


@dataclass(frozen=True, kw_only=True)
class Reviewed:
    """One stack; ``old`` and ``new`` are None where the stage did or does not have it.

    ``old_region`` and ``new_region`` are what either side names, None where it leaves
    that to the credentials. ``unknown`` says why there is nothing to compare it
    with; empty when there is. ``missing`` says that its deployed table is gone.
    """

    name: str
    old_region: str | None
    new_region: str | None
    old: Template | None
    new: Template | None
    unknown: str = ""
    missing: str = ""

    @property
    def region(self) -> str | None:
        """Where it is: as the stage says now, or else where it was."""
        return self.new_region or self.old_region

    @property
    def place(self) -> str:
        """``Messages-prod in eu-west-1``."""
        return f"{self.name} in {self.region or 'the region of the credentials'}"

    @property
    def before(self) -> Template:
        """The template, one without any resource where there is none."""
        return self.old or NOTHING

    @property
    def after(self) -> Template:
        """The template, one without any resource where there is none."""
        return self.new or NOTHING


def reviewed(old: StackTemplate | None, new: StackTemplate | None, *, unknown: str = "", missing: str = "") -> Reviewed:
    """One stack as it was and as it is; at least one of them."""
    known = [one for one in (new, old) if one]
    return Reviewed(
        name=known[0].name,
        old_region=old.region if old else None,
        new_region=new.region if new else None,
        old=old.template if old else None,
        new=new.template if new else None,
        unknown=unknown,
        missing=missing,
    )


def paired(before: Sequence[StackTemplate], after: Stacks) -> tuple[Reviewed, ...]:
    """Each stack of ``after`` with what it was, then those that are no longer there.

    A stack is the same under its name in its region: CloudFormation moves none.
    """
    left, found = list(before), list[Reviewed]()
    for new in after:
        old = next((one for one in left if is_same(one, new)), None)
        if old:
            left.remove(old)
        found.append(reviewed(old, new))
    return (*found, *(reviewed(gone, None) for gone in left))


def is_same(one: StackTemplate, other: StackTemplate) -> bool:
    """Whether two templates are of one stack, as far as they tell where they are deployed."""
    somewhere = None in (one.region, other.region)
    return one.name == other.name and (somewhere or one.region == other.region)
