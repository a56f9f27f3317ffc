"""What may remain of a deployment: plain data, as the inventory found it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)  # a vault may hold a million
class Point:
    """A recovery point in one of the deployment's vaults."""

    arn: str
    vault: str
    status: str
    resource: str = ""
    created: datetime | None = None
    expires: datetime | None = None
    bytes: int = 0
    storage: str = "WARM"
    role: str = ""  # the name of the IAM role that made it, if AWS says
    key: str = ""  # the ARN of the key that encrypts it, its vault's


@dataclass(frozen=True, kw_only=True)
class Vault:
    """A backup vault that carries the deployment's tag, with what is in it and on its way."""

    name: str
    arn: str
    table: str = ""
    key: str = ""
    created: datetime | None = None
    points: tuple[Point, ...] = ()
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TableBackup:
    """A backup that DynamoDB itself keeps: on demand (USER) or of a deleted table (SYSTEM)."""

    arn: str
    name: str
    table: str
    system: bool
    expires: datetime | None = None
    status: str = ""
    created: datetime | None = None
    bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table that still exists, with its data; ``stack`` is what its tag says.

    ``restored`` names the table of whose backup it was made, if it says so;
    ``creating`` says that it cannot be used yet.
    ``replicas`` are the other regions that have one.
    ``bytes`` are those of items and indexes, which DynamoDB counts every six hours;
    ``read_units`` and ``write_units`` are provisioned ones, 0 on demand.
    """

    name: str
    stack: str = ""
    restored: str = ""
    creating: bool = False
    key: str = ""
    protected: bool = False
    replicas: tuple[str, ...] = ()
    bytes: int = 0
    items: int = 0
    read_units: int = 0
    write_units: int = 0

    @property
    def origin(self) -> str:
        """For people; empty for a table that was not restored."""
        being = "being " if self.creating else ""
        return f"{being}restored from {self.restored}" if self.restored else ""


@dataclass(frozen=True, kw_only=True)
class Role:
    """A retained IAM role, with what must go before it.

    ``elsewhere`` is the region whose stack of the same name it belongs to, when
    that is not the region that was looked at: IAM knows no regions.
    """

    name: str
    policies: tuple[str, ...] = ()
    attached: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    elsewhere: str = ""
    created: datetime | None = None

    def may_have_made(self, role: str) -> bool:
        """Whether this is ``role``, the name that a recovery point says, or it says none."""
        return role in ("", self.name)


@dataclass(frozen=True, kw_only=True)
class Key:
    """A retained customer key; ``deleted_on`` when its deletion is ``scheduled`` already."""

    arn: str
    scheduled: bool = False
    deleted_on: datetime | None = None
    used_by: str = ""  # the name of a table that is encrypted with it


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """A kind of thing that the caller may not look for, so nobody knows what remains of it."""

    what: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """Everything that remains of one deployment in one account and region.

    ``older`` are on-demand backups of a table of the same name, made before the
    deployment's oldest trace: the backups of an earlier table.
    """

    vaults: tuple[Vault, ...] = ()
    backups: tuple[TableBackup, ...] = ()
    older: tuple[TableBackup, ...] = ()
    tables: tuple[Table, ...] = ()
    roles: tuple[Role, ...] = ()
    elsewhere: tuple[Role, ...] = ()
    keys: tuple[Key, ...] = ()
    log_groups: tuple[str, ...] = ()
    unseen: tuple[Unseen, ...] = ()
