"""What a thing of an inventory costs a month, in US dollars: list prices, without any free tier."""

from ops.costing.prices import AS_OF, GB, HOURS, prices

REGION = "us-west-2"
NOTE = f"list prices of {REGION} as of {AS_OF}, without any free tier"
ORIGIN = {"region": REGION, "as_of": AS_OF}

_PRICES = prices(REGION)


def backup(size: int, *, storage: str = "WARM") -> float:
    """A backup of ``size`` bytes, AWS Backup's or DynamoDB's own; SYSTEM backups are free."""
    price = _PRICES.backup_cold if storage == "COLD" else _PRICES.backup_warm
    return price.of(size / GB)


def table(size: int, *, recovery: bool, read_units: int = 0, write_units: int = 0) -> float:
    """A table of ``size`` bytes, indexes included; units are 0 for one on demand."""
    stored = _PRICES.storage.of(size / GB) + (_PRICES.recovery.of(size / GB) if recovery else 0)
    capacity = _PRICES.read_capacity.of(read_units) + _PRICES.write_capacity.of(write_units)
    return stored + HOURS * capacity


def key() -> float:
    """A customer key."""
    return _PRICES.key.of(1)


def logs(size: int) -> float:
    """A log group that holds ``size`` bytes."""
    return _PRICES.log_storage.of(size / GB)
