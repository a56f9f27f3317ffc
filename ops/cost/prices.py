"""AWS's prices by region, from ``prices.yaml``, which says where each figure comes from."""

import re
from dataclasses import dataclass
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


class Prices(dict[str, Price]):
    """The prices of one region by their names in ``prices.yaml``, which are attributes too."""

    def __getattr__(self, name: str) -> Price:
        return self[name]


def _read(column: int, region: str) -> Prices:
    def cell(value: Any) -> Any:
        return value[column] if isinstance(value, list) else value

    rows = _DATA["prices"].items()
    return Prices({name: Price(region=region, **{key: cell(one) for key, one in row.items()}) for name, row in rows})


_PRICES = {region: _read(column, region) for column, region in enumerate(_DATA["regions"])}


def is_known(region: str) -> bool:
    """Whether the prices of ``region`` are in the file."""
    return region in _PRICES


def prices(region: str) -> Prices:
    """The prices of ``region``. Raises OpsError for a region that the file does not have."""
    if region not in _PRICES:
        raise OpsError(
            f"no prices of region {region!r} are known; known are {', '.join(_PRICES)}: name one of them with --region"
        )
    return _PRICES[region]
