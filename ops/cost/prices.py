"""AWS's prices by region, from ``prices.yaml``, which says where each figure comes from."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from cli.errors import OpsError

GB = 2**30
HOURS = 730  # in a month, as AWS's own calculator has it
DAYS = HOURS / 24
LISTED = "listed"  # the source of a price that was read from AWS's price list

_DATA: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("prices.yaml").read_text())
AS_OF: str = _DATA["as_of"]
NOT_BILLED = re.compile("|".join(_DATA["not_billed"]))


@dataclass(frozen=True, kw_only=True)
class Price:
    """``dollars`` for ``per`` units in ``region``; ``free`` units a month cost nothing."""

    region: str
    dollars: float
    unit: str
    per: int = 1
    free: float = 0
    source: str

    def of(self, quantity: float) -> float:
        """Dollars for ``quantity`` units; nothing is taken off as free."""
        return quantity / self.per * self.dollars


def is_known(region: str) -> bool:
    """Whether the prices of ``region`` are in the file."""
    return region in _DATA["regions"]


@cache
def prices(region: str) -> dict[str, Price]:
    """The prices of ``region`` by their names in the file. Raises OpsError for a region that the file does not have."""
    if not is_known(region):
        raise OpsError(
            f"no prices known for region {region!r}; pass --region with one of {', '.join(_DATA['regions'])}"
        )
    column = _DATA["regions"].index(region)

    def cells(row: dict[str, Any]) -> dict[str, Any]:
        return {key: value[column] if isinstance(value, list) else value for key, value in row.items()}

    return {name: Price(region=region, **cells(row)) for name, row in _DATA["prices"].items()}
