"""What a thing of an inventory costs a month, in US dollars: list prices, without any free tier."""

from dataclasses import dataclass

from ops.cost.prices import AS_OF, GB, HOURS, Prices, is_known, prices

# Whose prices stand in for those of a region that has none here.
REGION = "us-west-2"


@dataclass(frozen=True)
class Rates:
    """The prices of what is in ``region``."""

    region: str

    def backup(self, size: int, *, storage: str = "WARM") -> float:
        """A backup of ``size`` bytes, AWS Backup's or DynamoDB's own; SYSTEM backups are free."""
        price = self._prices.backup_cold if storage == "COLD" else self._prices.backup_warm
        return price.of(size / GB)

    def table(self, size: int, *, recovery: bool, read_units: int = 0, write_units: int = 0) -> float:
        """A table of ``size`` bytes, indexes included; units are 0 for one on demand."""
        used = self._prices
        stored = used.storage.of(size / GB) + (used.recovery.of(size / GB) if recovery else 0)
        capacity = used.read_capacity.of(read_units) + used.write_capacity.of(write_units)
        return stored + HOURS * capacity

    def key(self) -> float:
        """A customer key."""
        return self._prices.key.of(1)

    def logs(self, size: int) -> float:
        """A log group that holds ``size`` bytes."""
        return self._prices.log_storage.of(size / GB)

    @property
    def note(self) -> str:
        """Whose prices they are, for people."""
        instead = "" if is_known(self.region) else (f" because those of {self.region} are not known;")
        return f"list prices of {self._whose} as of {AS_OF},{instead} without any free tier"

    @property
    def origin(self) -> dict[str, str]:
        """The same for programs."""
        return {"region": self._whose, "as_of": AS_OF}

    @property
    def _whose(self) -> str:
        return self.region if is_known(self.region) else REGION

    @property
    def _prices(self) -> Prices:
        return prices(self._whose)
