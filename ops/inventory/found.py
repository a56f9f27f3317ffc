"""The records of an inventory: what may remain of a deployment. Plain data."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)  # a vault may hold a million
class Point:
    """A recovery point in a backup vault."""

    arn: str
    vault: str
    status: str
    resource: str = ""
    created: datetime | None = None
    expires: datetime | None = None
    bytes: int = 0
    storage: str = "WARM"
    role: str = ""  # the name of the IAM role that made it, if AWS shows it
    key: str = ""  # the ARN of its vault's key, which encrypts it


@dataclass(frozen=True, kw_only=True)
class Vault:
    """A backup vault with the deployment's tag, its points and the ids of its running jobs."""

    name: str
    arn: str
    table: str = ""
    key: str = ""
    created: datetime | None = None
    points: tuple[Point, ...] = ()
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A recovery point outside the deployment's vaults."""

    arn: str
    vault: str = ""  # the ARN, if AWS shows it
    doubt: str = ""  # why it may be gone already
    stack: str = ""  # the vault's stack, if it is the stage's own for copies
    role: str = ""  # the name of the role that made it, if AWS shows it


@dataclass(frozen=True, kw_only=True)
class NativeBackup:
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
class ExistingTable:
    """A table that still exists, with its data."""

    name: str
    stack: str = ""  # the value of its tag
    restored: str = ""  # the table whose backup it was restored from, if its tag says so
    creating: bool = False
    key: str = ""
    protected: bool = False
    replicas: tuple[str, ...] = ()  # the other regions that have one
    bytes: int = 0  # items and indexes, counted by DynamoDB every six hours
    items: int = 0
    read_units: int = 0  # provisioned; 0 for on demand
    write_units: int = 0


@dataclass(frozen=True, kw_only=True)
class Role:
    """A retained IAM role, with the policies that must be removed before it."""

    name: str
    policies: tuple[str, ...] = ()
    attached: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()  # those that its policies name
    elsewhere: str = ""  # its stack's region, if that is another one: IAM is global
    created: datetime | None = None

    def may_have_made(self, role: str) -> bool:
        """Whether it may have made a recovery point that names ``role``, or none."""
        return role in ("", self.name)


@dataclass(frozen=True, kw_only=True)
class Key:
    """A retained customer key."""

    arn: str
    scheduled: bool = False  # for deletion
    deleted_on: datetime | None = None
    used_by: str = ""  # the name of a table that is encrypted with it


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """A kind of resource that the caller has no permission to look for."""

    what: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """Everything that remains of one deployment in one account and region."""

    vaults: tuple[Vault, ...] = ()
    backups: tuple[NativeBackup, ...] = ()
    older: tuple[NativeBackup, ...] = ()  # on demand, older than the deployment's oldest trace
    tables: tuple[ExistingTable, ...] = ()
    roles: tuple[Role, ...] = ()
    elsewhere: tuple[Role, ...] = ()
    keys: tuple[Key, ...] = ()
    log_groups: tuple[str, ...] = ()
    unseen: tuple[Unseen, ...] = ()
