"""What a clean-up does, decided before it does anything. Pure: calls nothing in AWS."""

import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cli import output
from ops.cleanup.guards import Guards
from ops.inventory import stack_tables
from ops.inventory.found import Copy, Inventory, Point
from ops.inventory.vaults import RESTORABLE

# The kinds in every list, in the order of their deletion.
LOCK, JOB, POINT, BACKUP = "vault lock", "backup job", "recovery point", "table backup"
VAULT, ROLE, KEY, LOGS = "backup vault", "role", "key", "log group"
TABLE, COPY = "table", "copy"
KEY_WINDOW_DAYS = 7  # the shortest that KMS allows
ROLE_KEPT = "kept: AWS Backup needs it to delete the remaining recovery points"
KEY_KEPT = "kept: remaining resources may be encrypted with it"
_UNKNOWN = "kept: it is unknown whether something still needs it"
_EXPIRED = (
    "AWS Backup could not delete it before, and bills it; deleting it needs dynamodb:DeleteBackup "
    "and iam:CreateServiceLinkedRole"
)


@dataclass(frozen=True, kw_only=True, slots=True)  # a plan may have a million
class Entry:
    """One resource in a list: to delete, left or kept; ``reason`` and ``until`` say why."""

    kind: str
    id: str
    reason: str = ""
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """``actions`` in order; ``blocked`` should be deleted and cannot be; ``stays`` is kept."""

    actions: list[Entry]
    blocked: list[Entry]
    stays: list[Entry]


def summary(entries: Iterable[Entry]) -> str:
    """``entries`` in numbers: ``2 recovery points, 1 role``."""
    counts = Counter(entry.kind for entry in entries if entry.kind != JOB)
    return ", ".join(output.count(number, kind) for kind, number in counts.items())


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The options that decide the plan; ``now`` is one moment for the whole command.

    ``table``, ``before`` and ``keep_last`` select recovery points: those of one table, those made
    before a moment, all but the newest of each table. All three must hold.
    """

    table: str = ""
    before: datetime | None = None
    keep_last: int | None = None
    tables: tuple[str, ...] = ()
    unlock: bool = False
    deployed: bool = False
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def partial(self) -> bool:
        """Whether points may be left out; then vault, role and key stay too."""
        return bool(self.table) or self.before is not None or self.keep_last is not None

    def select(self, points: Collection[Point]) -> Iterator[Point]:
        """The points to delete. One without a creation date counts as new, so it is kept."""
        usable, far = defaultdict[str, list[str]](list), datetime.max.replace(tzinfo=UTC)
        for point in sorted(points, key=lambda point: point.created or far):
            if point.status in RESTORABLE:
                usable[point.resource].append(point.arn)
        kept = {arn for arns in usable.values() for arn in arns[-self.keep_last :]} if self.keep_last else set()
        for point in points:
            if point.arn in kept or (self.table and stack_tables.name_of(point.resource) != self.table):
                continue
            if self.before is None or (point.created is not None and point.created < self.before):
                yield point


def make(
    inventory: Inventory,
    *,
    region: str,
    guards: Guards | None = None,
    choices: Choices | None = None,
    copies: Collection[Copy] = (),
) -> Plan:
    """The plan for ``inventory``, by its ``guards`` and the caller's ``choices``.

    Recovery points go first, then what AWS Backup needs to delete them: a point whose role is gone turns EXPIRED and
    stays billed (https://docs.aws.amazon.com/aws-backup/latest/devguide/deleting-backups.html). So a role stays while
    points or copies are left that it made, and every key stays while any point is left. All of them stay while the
    caller may not see the points.
    """
    guards, choices = guards or Guards(), choices or Choices()
    chosen = list(choices.select([point for vault in inventory.vaults for point in vault.points]))
    held = [point for point in chosen if point.arn in guards.points]
    free = [point for point in chosen if point.arn not in guards.points]
    blocked = [Entry(kind=unseen.what, id="?", reason=unseen.reason) for unseen in inventory.unseen]
    for point in held:
        reason, until = guards.points[point.arn]
        blocked.append(Entry(kind=POINT, id=point.arn, reason=reason, until=until))
    made = Plan(actions=list(_first(inventory, guards, choices, free)), blocked=blocked, stays=[])
    if choices.partial:
        made.stays.extend(_left_out(inventory, choices, len(chosen)))
    else:
        made.stays.extend(_kept(inventory, region))
        _add_rest(made, inventory, guards, held, copies)
    made.stays.extend(map(_copy, copies))
    return made


def _first(inventory: Inventory, guards: Guards, choices: Choices, free: Collection[Point]) -> Iterator[Entry]:
    """The points that can be deleted, after the locks and the jobs that come before them."""
    for name in sorted({point.vault for point in free} & guards.unlock):
        yield Entry(kind=LOCK, id=name, reason="removed because of --unlock; it is not restored")
    for vault in inventory.vaults if not choices.partial else ():
        for job in vault.jobs:
            yield Entry(kind=JOB, id=job, reason="waited for")
    for point in free:
        text = f"{point.status}, of {point.resource or '?'}"
        # Interned: a hundred thousand points share a few reasons.
        reason = sys.intern(f"{text}; {_EXPIRED}" if point.status == "EXPIRED" else text)
        yield Entry(kind=POINT, id=point.arn, reason=reason)


def _add_rest(
    made: Plan, inventory: Inventory, guards: Guards, held: Collection[Point], copies: Collection[Copy]
) -> None:
    """Add what goes after the points, to ``blocked`` or ``stays`` where something that is left needs it."""

    def add(kind: str, id: str, why_not: str, reason: str = "") -> None:
        (made.blocked if why_not else made.actions).append(Entry(kind=kind, id=id, reason=why_not or reason))

    blind = any(unseen.what in ("vaults", "tables") for unseen in inventory.unseen)
    for backup in inventory.backups:
        if not backup.system:
            add(BACKUP, backup.arn, "", f"{backup.name}, on demand")
    for vault in inventory.vaults:
        contents = f"holds {output.count(len(vault.points), POINT)}" if vault.points else "empty"
        if vault.jobs:
            contents += f", {output.count(len(vault.jobs), 'running backup job')}"
        number = sum(point.vault == vault.name for point in held)
        why_not = f"{contents}, {number} cannot be deleted" if number else guards.vaults.get(vault.name, "")
        add(VAULT, vault.name, why_not, contents)
    for role in inventory.roles:
        needed = any(role.may_have_made(point.role) for point in held)
        # A copy in the stage's own vault for copies that the role may have made.
        if copied := next((one for one in copies if one.stack and role.may_have_made(one.role)), None):
            why = f"AWS Backup needs this role to expire the copies: run `{_cleanup_of(copied)}`, then run this again"
            made.stays.append(Entry(kind=ROLE, id=role.name, reason=why))
        else:
            add(ROLE, role.name, _UNKNOWN if blind else ROLE_KEPT if needed else "")
    needed = any(entry.kind in (POINT, VAULT) for entry in made.blocked)
    for key in inventory.keys:
        if not key.scheduled and not key.used_by:
            goes = f"deleted in {KEY_WINDOW_DAYS} days; data encrypted with it is then unreadable"
            add(KEY, key.arn, _UNKNOWN if blind else KEY_KEPT if needed else "", goes)
    for name in inventory.log_groups:
        add(LOGS, name, "")


def _left_out(inventory: Inventory, choices: Choices, chosen: int) -> Iterator[Entry]:
    """What a clean-up of selected points leaves, whatever becomes of those points."""
    why = "the stack is deployed" if choices.deployed else "only recovery points were selected"
    rest = output.count(sum(len(vault.points) for vault in inventory.vaults) - chosen, POINT)
    for vault in inventory.vaults:
        yield Entry(kind=VAULT, id=vault.name, reason=f"{why}; {rest} of the stack not selected")
    for role in inventory.roles:
        yield Entry(kind=ROLE, id=role.name, reason=why)
    for backup in inventory.backups:
        if not backup.system and not choices.deployed:
            yield Entry(kind=BACKUP, id=backup.arn, reason=why)


def _kept(inventory: Inventory, region: str) -> Iterator[Entry]:
    """What a clean-up never deletes, or not yet: tables, system backups, what belongs to others."""
    for table in inventory.tables:
        why = stack_tables.origin(table) or "retained"
        why += f"{' and protected against deletion' if table.protected else ''}, it holds data; to delete it: "
        why += stack_tables.how_to_delete(table, region)
        if table.replicas:  # go-to-k/cdkd#1442
            why += (
                f"; delete its replicas in {', '.join(table.replicas)} in the same way, each with its own --region; "
                "DynamoDB does not delete a table for 24 hours after a replica was created from it"
            )
        yield Entry(kind=TABLE, id=table.name, reason=why)
    for backup in inventory.backups:
        if backup.system:
            why = "DynamoDB keeps it for 35 days after a table is deleted; free, cannot be deleted"
            yield Entry(kind=BACKUP, id=backup.arn, reason=why, until=backup.expires)
    for backup in inventory.older:
        why = (
            "older than the stack, so it belongs to an earlier table with that name; "
            f"to delete it: `aws dynamodb delete-backup --backup-arn {backup.arn}`"
        )
        yield Entry(kind=BACKUP, id=backup.arn, reason=why)
    for role in inventory.elsewhere:
        why = f"belongs to the stack with that name in {role.elsewhere}: run this with --region {role.elsewhere}"
        yield Entry(kind=ROLE, id=role.name, reason=why)
    for key in inventory.keys:
        if key.scheduled:
            why = "its deletion is scheduled; `aws kms cancel-key-deletion` cancels that"
            yield Entry(kind=KEY, id=key.arn, reason=why, until=key.deleted_on)
        elif key.used_by:
            yield Entry(kind=KEY, id=key.arn, reason=f"table {key.used_by} is encrypted with it")


def _copy(copied: Copy) -> Entry:
    """A point in a vault that is not the stack's; only copy jobs show which vault it is."""
    if not copied.vault:
        why = "recovery point of the stack's table in a vault outside the stack"
        return Entry(kind=COPY, id=copied.arn, reason=why)
    _, _, _, region, account, _, vault = copied.vault.split(":", 6)
    if copied.stack:
        why = f"a copy in region {region}; to delete all of them: `{_cleanup_of(copied)}`"
    else:
        why = (
            f"{copied.doubt}{'; ' if copied.doubt else ''}in vault {vault}, account {account}, region {region}, which "
            f"is not the stack's; to delete it: `aws backup delete-recovery-point --backup-vault-name {vault} "
            f"--recovery-point-arn {copied.arn} --region {region}`"
        )
    return Entry(kind=COPY, id=copied.arn, reason=why)


def _cleanup_of(copied: Copy) -> str:
    """The command that deletes the stack's copies."""
    region = copied.vault.split(":")[3]
    return f"python -m ops cleanup --stack {copied.stack} --region {region}"
