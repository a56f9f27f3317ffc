"""What AWS charges, in US dollars: the one place of prices in this project.

Where a figure is from stands beside it:

LISTED      AWS's price list, https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/<service>/
            current/<region>/index.json, as transcribed by
            https://github.com/catchmeif404/aws-cost-calculator on 2026-09-03
            (us-east-1, us-west-2, eu-central-1) and by
            https://github.com/henderjm/world-cup-sweepstake on 2026-10-04 (eu-west-1).
            Capacity units in eu-west-1: SKUs 36CGV8QUHJZG65HD and J7FH9ZNSN6J2RR9Q, 2025-08-28.
PUBLISHED   AWS's page of prices for the service, or others that quote it, in 2026; not read
            from the price list.
SCALED      not found: the price of us-east-1, times what the region's recovery or storage
            costs more. For eu-central-1 the price list agrees, by what it asks for a backup in
            a logically air-gapped vault (0.1408, where us-east-1 has 0.115).

``free`` is what nobody pays, every month and for good; an account has it once in a region. The
offers for new customers, which end, are left out.
"""

from dataclasses import dataclass

from cli.errors import OpsError

AS_OF = "2026-09-03"
GB = 2**30
HOURS = 730  # in a month, as AWS's own calculator has it
DAYS = HOURS / 24
MILLION = 1_000_000

LISTED, PUBLISHED, SCALED = "listed", "published", "scaled"


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
        """Dollars for ``quantity`` units, without the free ones."""
        return quantity / self.per * self.dollars


@dataclass(frozen=True, kw_only=True)
class Prices:
    """The prices of one region."""

    write_request: Price
    read_request: Price
    write_capacity: Price
    read_capacity: Price
    storage: Price
    recovery: Price
    backup_warm: Price
    backup_cold: Price
    restore: Price
    restore_test: Price
    transfer: Price
    key: Price
    key_rotation: Price
    key_request: Price
    function_request: Price
    function_arm: Price
    function_x86: Price
    log_ingestion: Price
    log_storage: Price
    alarm: Price
    composite_alarm: Price
    dashboard: Price
    metric: Price


@dataclass(frozen=True)
class _Row:
    """One price in each of the regions; ``also``: the regions whose source is another one."""

    dollars: tuple[float, float, float, float]
    unit: str
    source: str
    per: int = 1
    free: float = 0
    also: tuple[tuple[str, str], ...] = ()

    def price(self, column: int) -> Price:
        source = dict(self.also).get(_REGIONS[column], self.source)
        return Price(
            region=_REGIONS[column],
            dollars=self.dollars[column],
            unit=self.unit,
            per=self.per,
            free=self.free,
            source=source,
        )


def _same(
    dollars: float, unit: str, source: str, per: int = 1, free: float = 0, also: tuple[tuple[str, str], ...] = ()
) -> _Row:
    return _Row((dollars, dollars, dollars, dollars), unit, source, per, free, also)


_REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1")
_IRELAND, _FRANKFURT = ("eu-west-1", SCALED), ("eu-central-1", SCALED)
# The transcription of that region leaves some out.
_NOT_IN_IRELAND = (("eu-west-1", PUBLISHED),)
# Always free: 25 units of capacity, 25 GB (https://aws.amazon.com/dynamodb/pricing/provisioned/).
_CAPACITY = 25 * HOURS

# A GB-month of a table counts its indexes, and 100 bytes more for every item. Point-in-time
# recovery and backups count the table alone; each backup is a full copy; a restore counts the
# indexes too (https://aws.amazon.com/dynamodb/pricing/on-demand/).
_ROWS = {
    "write_request": _Row((0.625, 0.625, 0.705, 0.7625), "write units", LISTED, MILLION),
    "read_request": _Row((0.125, 0.125, 0.1415, 0.1525), "read units", LISTED, MILLION),
    "write_capacity": _Row((0.00065, 0.00065, 0.000735, 0.000793), "write unit-hours", LISTED, free=_CAPACITY),
    "read_capacity": _Row((0.00013, 0.00013, 0.000147, 0.0001586), "read unit-hours", LISTED, free=_CAPACITY),
    "storage": _Row((0.25, 0.25, 0.283, 0.306), "GB-months", LISTED, free=25),
    "recovery": _Row((0.20, 0.20, 0.22, 0.2448), "GB-months", LISTED, also=(("us-east-1", PUBLISHED), _FRANKFURT)),
    "backup_warm": _Row((0.10, 0.10, 0.11, 0.1224), "GB-months", PUBLISHED, also=(_IRELAND, _FRANKFURT)),
    # Of one secondary source: https://aws.amazon.com/backup/pricing/ has it in a script.
    "backup_cold": _Row((0.03, 0.03, 0.033, 0.0367), "GB-months", PUBLISHED, also=(_IRELAND, _FRANKFURT)),
    "restore": _Row((0.15, 0.15, 0.165, 0.1836), "GB", PUBLISHED, also=(_IRELAND, _FRANKFURT)),
    # https://aws.amazon.com/backup/pricing/
    "restore_test": _same(1.50, "recovery points", PUBLISHED),
    "transfer": _same(0.02, "GB", PUBLISHED),
    "key": _same(1.00, "keys", LISTED, also=_NOT_IN_IRELAND),
    "key_rotation": _same(1.00, "rotations", PUBLISHED),  # https://aws.amazon.com/kms/pricing/
    "key_request": _same(0.03, "requests", LISTED, 10_000, free=20_000, also=_NOT_IN_IRELAND),
    # https://aws.amazon.com/lambda/pricing/
    "function_request": _same(0.20, "requests", LISTED, MILLION, free=MILLION),
    "function_arm": _same(13.3334, "GB-seconds", LISTED, MILLION, free=400_000, also=_NOT_IN_IRELAND),
    "function_x86": _same(16.6667, "GB-seconds", LISTED, MILLION, free=400_000),
    # https://aws.amazon.com/cloudwatch/pricing/
    "log_ingestion": _Row((0.50, 0.50, 0.57, 0.63), "GB", LISTED, free=5),
    "log_storage": _Row((0.03, 0.03, 0.03, 0.0324), "GB-months", LISTED, free=5),
    "alarm": _same(0.10, "alarm metrics", LISTED, free=10),
    "composite_alarm": _same(0.50, "alarms", PUBLISHED),
    "dashboard": _same(3.00, "dashboards", PUBLISHED, free=3),
    "metric": _same(0.30, "custom metrics", PUBLISHED, free=10),
}

_PRICES = {
    region: Prices(**{name: row.price(column) for name, row in _ROWS.items()}) for column, region in enumerate(_REGIONS)
}


def is_known(region: str) -> bool:
    """Whether the prices of ``region`` are here."""
    return region in _PRICES


def prices(region: str) -> Prices:
    """The prices of ``region``. Raises OpsError for a region whose prices are not here."""
    try:
        return _PRICES[region]
    except KeyError:
        raise OpsError(
            f"no prices of region {region!r} are known; known are {', '.join(_REGIONS)}: name one of them with --region"
        ) from None
