"""What the synthesized templates of a stage say: one reading for the cost estimate and the review."""

import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cli.errors import OpsError, UsageError

PROJECT = Path(__file__).resolve().parent.parent
TABLE_TYPES = ("AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table")
# Application Auto Scaling's target where the template names none.
_TARGET_PERCENT = 70
_VAULT = re.compile(r"arn:[^:]+:backup:([a-z0-9-]+):[^:]*:backup-vault:(.+)")
# A plan without a schedule runs daily
# (https://docs.aws.amazon.com/aws-backup/latest/devguide/API_BackupRuleInput.html).
_DAILY = "cron(0 5 ? * * *)"
_FIELD = r"([*?]|[A-Z0-9]+(?:,[A-Z0-9]+)*)"
_CRON = re.compile(rf"cron\({' '.join([_FIELD] * 6)}\)")
_ALL = (60, 24, 365 / 12, 12, 7)
_RATE = re.compile(r"rate\(([1-9]\d*) (minute|hour|day)s?\)")
_PER_DAY = {"minute": 24 * 60, "hour": 24, "day": 1}

Properties = Mapping[str, Any]
Resources = Mapping[str, Properties]


@dataclass(frozen=True, kw_only=True)
class StackTemplate:
    """One stack with its template.

    ``region`` is None where the credentials decide it; ``name`` is empty for a template
    that was given as a file.
    """

    template: Mapping[str, Any]
    name: str = ""
    region: str | None = None

    @property
    def resources(self) -> Resources:
        """The resources by their logical ids."""
        return self.template.get("Resources", {})  # type: ignore[no-any-return]

    def properties_of(self, kind: str) -> list[Properties]:
        """The properties of every resource of a type."""
        return [one.get("Properties", {}) for one in self.resources.values() if one["Type"] == kind]

    def referred(self, value: Any) -> Properties:
        """The properties of the resource that ``value`` refers to; empty for one outside the stack."""
        if not isinstance(value, Mapping):
            return {}
        id = value.get("Ref") or next(iter(value.get("Fn::GetAtt", [])), "")
        return self.resources.get(id, {}).get("Properties", {})  # type: ignore[no-any-return]


Stacks = tuple[StackTemplate, ...]


def synthesize(stage: str, overrides: Sequence[str] = (), *, project: Path = PROJECT) -> Stacks:
    """The stacks of ``stage``; ``overrides`` are KEY=VALUE, as after ``cdk -c``.

    ``project`` may be another checkout; it runs with the packages of this one. The app is
    started as the CDK CLI starts it, with the context of cdk.json
    (https://docs.aws.amazon.com/cdk/v2/guide/context.html). No AWS call is made. Raises
    OpsError with the app's own error, or with the last line of its traceback.
    """
    context = json.loads((project / "cdk.json").read_text())["context"]
    context |= {"stage": stage} | dict(map(_override, overrides))
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "CDK_CONTEXT_JSON": json.dumps(context),
            "CDK_OUTDIR": folder,
            "CDK_VALIDATION": "false",  # half of the time; `make check` validates
        }
        done = subprocess.run(
            [sys.executable, "-B", "app.py"], cwd=project, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no output"]
            own = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
            failed = f"stage {stage} cannot be synthesized: {lines[-1].strip()}; `make synth` shows the traceback"
            raise OpsError(own[0] if own else failed)
        return stacks(Path(folder))


def _override(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(f"-c {text!r} is not KEY=VALUE")
    return key, value


def stacks(path: Path) -> Stacks:
    """The stacks of a cloud assembly (a folder such as cdk.out), or the one template of a file.

    Raises OpsError for anything else, OSError for a file that cannot be read. The manifest:
    https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.cloud_assembly_schema.ArtifactManifest.html
    """
    if not path.is_dir():
        return (StackTemplate(template=_template(path)),)
    manifest = path / "manifest.json"
    if not manifest.exists():
        raise OpsError(f"{path} has no {manifest.name}; name a synthesized template, or a cdk.out")
    found = []
    for id, artifact in _parsed(manifest).get("artifacts", {}).items():
        if artifact["type"] == "aws:cloudformation:stack":
            properties, region = artifact["properties"], artifact["environment"].rpartition("/")[2]
            one = StackTemplate(
                template=_template(path / properties["templateFile"]),
                name=properties.get("stackName", id),
                region=None if region == "unknown-region" else region,
            )
            found.append(one)
    return tuple(found)


def _template(path: Path) -> Mapping[str, Any]:
    template = _parsed(path)
    resources = template.get("Resources") if isinstance(template, dict) else None
    if not isinstance(resources, dict) or not all(
        isinstance(one, dict) and "Type" in one for one in resources.values()
    ):
        raise OpsError(f"{path} has no Resources; name a synthesized CloudFormation template")
    return template  # type: ignore[no-any-return]


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise OpsError(f"{path} is not JSON ({error}); name a synthesized template") from None


def is_retained(resource: Properties, policy: str = "DeletionPolicy") -> bool:
    """Whether CloudFormation keeps the resource when it leaves the stack."""
    return str(resource.get(policy, "Delete")).startswith("Retain")


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """Provisioned units: fixed, or scaled so that the ``target`` part of them is used."""

    minimum: int
    maximum: int
    target: float = _TARGET_PERCENT / 100
    scaled: bool = False


# A table ("") or one of its indexes, and "read" or "write".
CapacityKey = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class IndexDefinition:
    """A global secondary index; ``attributes`` are what it projects beside the keys."""

    name: str
    keys: tuple[str, ...]
    projection: str
    attributes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Replica:
    """The table in one region; None is the region that the stack is deployed to."""

    region: str | None
    recovery: bool


@dataclass(frozen=True, kw_only=True)
class TableDefinition:
    """A table; ``throughputs`` are empty on demand."""

    id: str
    keys: tuple[str, ...]
    indexes: tuple[IndexDefinition, ...]
    replicas: tuple[Replica, ...]
    throughputs: Mapping[CapacityKey, Throughput]

    @property
    def capacity_keys(self) -> list[CapacityKey]:
        """The table and its indexes, each for writing and for reading."""
        return [(name, kind) for name in ("", *(one.name for one in self.indexes)) for kind in ("write", "read")]

    def home(self, known: str | None) -> str | None:
        """The region of the table's stack: the ``known`` one, or that of the only replica.

        None where the template leaves it to the deployment. Raises OpsError where several
        replicas are in other regions: the stack's own region always has one.
        """
        named = [replica.region or known for replica in self.replicas]
        if len(named) == 1:
            return known or named[0]
        if known not in named:
            raise OpsError(
                f"the table has replicas in {' and '.join(map(str, named))}; name the region of its stack with --region"
            )
        return known

    def regions(self, home: str) -> list[tuple[str, Replica]]:
        """Every replica with its region, ``home`` first."""
        if len(self.replicas) == 1:
            return [(home, self.replicas[0])]
        found = [(replica.region or home, replica) for replica in self.replicas]
        return sorted(found, key=lambda one: one[0] != home)


def table_definition(id: str, resource: Properties) -> TableDefinition:
    """The table that a resource of TABLE_TYPES makes.

    Raises OpsError for a capacity that only the deployment will know.
    """
    properties: Properties = resource.get("Properties", {})
    local = resource["Type"] == TABLE_TYPES[1]
    replicas = [properties] if local else properties.get("Replicas", [{}])
    indexes = properties.get("GlobalSecondaryIndexes", [])
    throughputs: dict[CapacityKey, Throughput] = {}
    if properties.get("BillingMode") != "PAY_PER_REQUEST":
        replica_indexes = {one.get("IndexName"): one for one in replicas[0].get("GlobalSecondaryIndexes", [])}
        throughputs |= _throughputs(id, "", properties, replicas[0])
        for one in indexes:
            name = one["IndexName"]
            throughputs |= _throughputs(f"{id}, index {name}", name, one, replica_indexes.get(name, {}))
    return TableDefinition(
        id=id,
        keys=_keys(properties),
        indexes=tuple(
            IndexDefinition(
                name=one["IndexName"],
                keys=_keys(one),
                projection=one.get("Projection", {}).get("ProjectionType", "KEYS_ONLY"),
                attributes=tuple(one.get("Projection", {}).get("NonKeyAttributes", [])),
            )
            for one in indexes
        ),
        replicas=tuple(
            Replica(
                region=region if isinstance(region := one.get("Region"), str) and not local else None,
                recovery=bool(one.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled")),
            )
            for one in replicas
        ),
        throughputs=throughputs,
    )


def _keys(properties: Properties) -> tuple[str, ...]:
    return tuple(key["AttributeName"] for key in properties.get("KeySchema", []))


def _throughputs(
    where: str, name: str, properties: Properties, replica: Properties
) -> Iterator[tuple[CapacityKey, Throughput]]:
    """The capacities of a table or index; a global table has those to read in its replicas."""
    for kind, holder in (("Write", properties), ("Read", replica)):
        settings = properties.get("ProvisionedThroughput") or holder.get(f"{kind}ProvisionedThroughputSettings", {})
        scaling = settings.get(f"{kind}CapacityAutoScalingSettings")
        if scaling is None:
            units = _number(where, settings, f"{kind}CapacityUnits")
            yield (name, kind.lower()), Throughput(minimum=units, maximum=units)
            continue
        tracked = {"TargetValue": _TARGET_PERCENT} | scaling.get("TargetTrackingScalingPolicyConfiguration", {})
        lowest, highest = (_number(where, scaling, f"{bound}Capacity") for bound in ("Min", "Max"))
        target = _number(where, tracked, "TargetValue") / 100
        yield (name, kind.lower()), Throughput(minimum=lowest, maximum=highest, target=target, scaled=True)


def _number(where: str, settings: Properties, name: str, default: int | None = None) -> int:
    value = settings.get(name, default)
    try:
        return int(value)
    except (TypeError, ValueError):
        raise OpsError(f"{name} of {where} is {value!r}; the estimate needs a whole number there") from None


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Recovery points kept for ``days``, or for ever. Cold storage is taken for warm.

    ``elsewhere``: they are copies in another region, or may be; ``region`` names it, None
    where the template does not.
    """

    days: int | None = None
    elsewhere: bool = False
    region: str | None = None


@dataclass(frozen=True, kw_only=True)
class BackupRule:
    """One rule of a backup plan, with the copies that it makes of every point."""

    name: str
    runs_a_day: float
    kept: Retention
    copies: tuple[Retention, ...] = ()


def backup_rules(plan: Properties, home: str | None) -> Iterator[BackupRule]:
    """The rules of an AWS::Backup::BackupPlan that is deployed to the region ``home``.

    Raises OpsError for a schedule or a retention that is not spelled out.
    """
    for rule in plan["BackupPlan"].get("BackupPlanRule", []):
        yield BackupRule(
            name=rule.get("RuleName", "unnamed"),
            runs_a_day=runs_a_day(rule.get("ScheduleExpression", _DAILY)),
            kept=_retention(rule),
            copies=tuple(_copies(copy, home) for copy in rule.get("CopyActions", [])),
        )


def copy_vaults(plan: Properties) -> Iterator[tuple[str, str]]:
    """Region and name of every vault that an AWS::Backup::BackupPlan copies to, where it names them."""
    for rule in plan["BackupPlan"].get("BackupPlanRule", []):
        yield from filter(None, map(_vault, rule.get("CopyActions", [])))


def _vault(copy: Properties) -> tuple[str, str] | None:
    arn = copy.get("DestinationBackupVaultArn")
    parts = arn.get("Fn::Join", ["", []])[1] if isinstance(arn, Mapping) else [arn]
    found = _VAULT.fullmatch("".join(part if isinstance(part, str) else "?" for part in parts))
    return (found[1], found[2]) if found else None


def _retention(rule: Properties) -> Retention:
    """What a rule or a copy action keeps; without a number, or with -1, it is for ever."""
    days = _number("a backup rule", rule.get("Lifecycle", {}), "DeleteAfterDays", -1)
    return Retention(days=None if days < 0 else days)


def _copies(copy: Properties, home: str | None) -> Retention:
    """A vault that the template does not name is taken to be in another region."""
    vault = _vault(copy)
    region = vault[0] if vault and vault[0] != home else None
    return replace(_retention(copy), elsewhere=vault is None or region is not None, region=region)


def runs_a_day(schedule: Any) -> float:
    """The average number of runs a day. Raises OpsError for a schedule that is not understood.

    In each field of cron(...) it is ``*``, ``?`` or a list; rate(...) is understood too. The fields:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html.
    """
    if rate := _RATE.fullmatch(str(schedule)):
        return _PER_DAY[rate[2]] / int(rate[1])
    cron = _CRON.fullmatch(str(schedule))
    if cron is None:
        raise OpsError(f"schedule {schedule!r} is not understood: use cron(...) with *, ? and lists, or rate(...)")
    # Minutes, hours, days of the month, months, days of the week.
    parts = [
        (field.count(",") + 1, many) for field, many in zip(cron.groups(), _ALL, strict=False) if field not in "*?"
    ]
    return 24 * 60 * math.prod(count for count, _ in parts) / math.prod(many for _, many in parts)
