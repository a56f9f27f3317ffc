"""The stages that cdk.json lists here, beside those that it lists in the base. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Stages of both sides; what neither lists may be a stage all the same, with its defaults."""

    here: Sequence[str]
    base: Sequence[str]

    @property
    def all(self) -> list[str]:
        """Those of both, those that are gone last."""
        return list(dict.fromkeys([*self.here, *self.base]))

    def is_new(self, stage: str) -> bool:
        """Whether it is listed here alone."""
        return stage in self.here and stage not in self.base

    def is_gone(self, stage: str) -> bool:
        """Whether the base alone lists it."""
        return stage in self.base and stage not in self.here

    def said(self, wanted: Iterable[str], base: str) -> Iterator[str]:
        """A line for each that comes or goes; ``base`` is the name of the other side."""
        for stage in wanted:
            if self.is_new(stage):
                yield f"stage {stage}: new ({base} has no such stage in cdk.json)"
            if self.is_gone(stage):
                yield (
                    f"stage {stage}: no longer in cdk.json; its stack, if deployed, stays and "
                    "is no longer reviewed or updated by anybody"
                )
