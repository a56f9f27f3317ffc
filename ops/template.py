"""The synthesized templates of a stage, read in one place for the cost estimate and the review."""

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from cli.clients import chosen_stack
from cli.command_line import to_stderr
from cli.errors import OpsError, UsageError

# What the CDK CLI adds to the context: without it, a plan would change the metadata of every resource.
AS_DEPLOYED = {"aws:cdk:enable-path-metadata": True, "aws:cdk:enable-asset-metadata": True}
PROJECT = Path(__file__).resolve().parent.parent
TABLE_TYPES = ("AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table")
# Application Auto Scaling's target where the template names none.
TARGET = 0.7
_VAULT = re.compile(r"arn:[^:]+:backup:([a-z0-9-]+):[^:]*:backup-vault:(.+)")
_FIELD = r"([*?]|[A-Z0-9]+(?:,[A-Z0-9]+)*)"
_CRON = re.compile(rf"cron\({' '.join([_FIELD] * 6)}\)")
# Minutes, hours, days of a month, months, days of a week.
_ALL = (60, 24, 365 / 12, 12, 7)

Properties = Mapping[str, Any]
Resources = Mapping[str, Properties]


@dataclass(frozen=True, kw_only=True)
class StackTemplate:
    """One stack; ``region`` is None where the credentials decide it, ``name`` empty for a template from a file."""

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

    def referred(self, reference: Properties) -> Properties:
        """The properties of the resource that ``{"Ref": ...}`` means; empty for one outside the stack."""
        return self.resources.get(reference.get("Ref", ""), {}).get("Properties", {})  # type: ignore[no-any-return]


Stacks = tuple[StackTemplate, ...]


def add_stage(parser: argparse.ArgumentParser) -> None:
    """The options for a stage and its settings, which ``of_stage`` takes."""
    add = parser.add_argument
    add("--stage", default=os.environ.get("STAGE") or "dev", help="default: $STAGE or dev")
    add("-c", "--context", action="append", default=[], metavar="KEY=VALUE", help="a setting, as with cdk -c")


@contextmanager
def of_stage(arguments: argparse.Namespace) -> Iterator[tuple[Path, Stacks]]:
    """The cloud assembly that the options mean, and its stacks, each after those that it depends on.

    Raises UsageError for a name that no stage can have.
    """
    chosen_stack(stage=arguments.stage)
    to_stderr(f"synthesizing stage {arguments.stage}")
    with assembly(arguments.stage, arguments.context) as folder:
        artifacts = json.loads((folder / "manifest.json").read_bytes())["artifacts"]
        needed = {id: one.get("dependencies", ()) for id, one in artifacts.items()}
        order = list(TopologicalSorter(needed).static_order())
        yield folder, tuple(sorted(stacks(folder), key=lambda stack: order.index(stack.name)))


def synthesize(stage: str, overrides: Sequence[str] = (), *, project: Path = PROJECT) -> Stacks:
    """The stacks of ``stage``, as ``assembly`` makes them."""
    with assembly(stage, overrides, project=project) as folder:
        return stacks(folder)


@contextmanager
def assembly(stage: str, overrides: Sequence[str] = (), *, project: Path = PROJECT) -> Iterator[Path]:
    """The cloud assembly of ``stage``, made without an AWS call; ``overrides`` are KEY=VALUE, as after ``cdk -c``.

    ``project`` may be another checkout; it runs with the packages of this one. Raises OpsError
    with the app's own error, or with the last line of its traceback.
    """
    # As the CDK CLI starts the app (https://docs.aws.amazon.com/cdk/v2/guide/context.html).
    context = json.loads((project / "cdk.json").read_text())["context"]
    if (own := project / "cdk.context.json").exists():  # of `make preview-context`
        context = json.loads(own.read_text()) | context
    context |= AS_DEPLOYED | {"stage": stage}
    for text in overrides:
        key, equals, context[key] = text.partition("=")
        if not key or not equals:
            raise UsageError(f"-c {text!r} is not KEY=VALUE")
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
            own_errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
            failed = f"stage {stage} cannot be synthesized: {lines[-1].strip()}; `make synth` shows the traceback"
            raise OpsError(own_errors[0] if own_errors else failed)
        yield Path(folder)


def stacks(path: Path) -> Stacks:
    """The stacks of a cloud assembly (a folder such as cdk.out), or the one template in a file.

    Raises OpsError for anything else, OSError for a file that cannot be read.
    """
    if not path.is_dir():
        return (StackTemplate(template=_template(path)),)
    found = []
    # https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.cloud_assembly_schema.ArtifactManifest.html
    for id, artifact in json.loads((path / "manifest.json").read_bytes())["artifacts"].items():
        if artifact["type"] == "aws:cloudformation:stack":
            properties, region = artifact["properties"], artifact["environment"].rpartition("/")[2]
            template, name = _template(path / properties["templateFile"]), properties.get("stackName", id)
            region = None if region == "unknown-region" else region
            found.append(StackTemplate(template=template, name=name, region=region))
    return tuple(found)


def _template(path: Path) -> Mapping[str, Any]:
    content = path.read_bytes()
    with suppress(ValueError, LookupError, TypeError, AttributeError):
        template: dict[str, Any] = json.loads(content)
        if all(resource["Type"] for resource in template["Resources"].values()):
            return template
    raise OpsError(f"{path} is not a CloudFormation template in JSON; name one, or a cdk.out folder")


def is_retained(resource: Properties, policy: str = "DeletionPolicy") -> bool:
    """Whether CloudFormation keeps the resource when it leaves the stack."""
    return str(resource.get(policy, "Delete")).startswith("Retain")


@dataclass(frozen=True, kw_only=True)
class Throughput:
    """Provisioned units: fixed, or scaled so that the part ``target`` of them is used."""

    minimum: int
    maximum: int
    target: float | None = None


# The table ("") or one of its indexes, and "read" or "write".
CapacityKey = tuple[str, str]


def throughputs(table: Properties) -> dict[CapacityKey, Throughput]:
    """What a table provisions; empty on demand. Raises OpsError for a capacity that only the deployment knows."""
    if table.get("BillingMode") == "PAY_PER_REQUEST":
        return {}
    # A global table has the capacities for reading in its replicas.
    replica = table.get("Replicas", [{}])[0]
    reads = {one["IndexName"]: one for one in replica.get("GlobalSecondaryIndexes", [])}
    found = {"": table | replica}
    for index in table.get("GlobalSecondaryIndexes", []):
        found[index["IndexName"]] = index | reads.get(index["IndexName"], {})
    return {(name, kind.lower()): _throughput(kind, one) for name, one in found.items() for kind in ("Write", "Read")}


def _throughput(kind: str, properties: Properties) -> Throughput:
    settings = properties.get("ProvisionedThroughput") or properties.get(f"{kind}ProvisionedThroughputSettings", {})
    scaling = settings.get(f"{kind}CapacityAutoScalingSettings")
    if scaling is None:
        units = _number(settings, f"{kind}CapacityUnits")
        return Throughput(minimum=units, maximum=units)
    target = scaling.get("TargetTrackingScalingPolicyConfiguration", {}).get("TargetValue", 100 * TARGET) / 100
    return Throughput(minimum=_number(scaling, "MinCapacity"), maximum=_number(scaling, "MaxCapacity"), target=target)


def _number(settings: Properties, name: str) -> int:
    try:
        return int(settings[name])
    except (LookupError, TypeError, ValueError):
        raise OpsError(f"{name} is {settings.get(name)!r}; the estimate needs a whole number there") from None


@dataclass(frozen=True, kw_only=True)
class KeptPoints:
    """The recovery points that a rule makes or copies, kept for ``days`` or for ever; cold storage is taken for warm.

    ``region`` and ``vault`` of a copy are None where the template does not name them.
    """

    item: str
    runs_a_day: float
    days: int | None
    is_copy: bool = False
    region: str | None = None
    vault: str | None = None


def kept_points(stack: StackTemplate) -> Iterator[KeptPoints]:
    """What the backup plans of a stack keep and copy. Raises OpsError for a schedule that is not understood."""
    for plan in stack.properties_of("AWS::Backup::BackupPlan"):
        for rule in plan["BackupPlan"]["BackupPlanRule"]:
            name, runs = rule["RuleName"], runs_a_day(rule["ScheduleExpression"])
            yield KeptPoints(item=f"backups, {name}", runs_a_day=runs, days=_days(rule))
            for copy in rule.get("CopyActions", []):
                region, vault = _vault(copy["DestinationBackupVaultArn"])
                yield KeptPoints(
                    item=f"copies, {name}", runs_a_day=runs, days=_days(copy), is_copy=True, region=region, vault=vault
                )


def _days(rule: Properties) -> int | None:
    lifecycle = rule.get("Lifecycle", {})
    return _number(lifecycle, "DeleteAfterDays") if "DeleteAfterDays" in lifecycle else None


def _vault(arn: Any) -> tuple[str | None, str | None]:
    parts = arn.get("Fn::Join", ["", []])[1] if isinstance(arn, Mapping) else [arn]
    found = _VAULT.fullmatch("".join(part if isinstance(part, str) else "?" for part in parts))
    return (found[1], found[2]) if found else (None, None)


def runs_a_day(schedule: str) -> float:
    """The average number of runs a day. Raises OpsError for a schedule that is not understood.

    Each field of cron(...) is ``*``, ``?`` or a list. The fields:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html.
    """
    cron = _CRON.fullmatch(str(schedule))
    if cron is None:
        raise OpsError(f"schedule {schedule!r} is not understood: use cron(...) with *, ? and lists")
    parts = zip(cron.groups(), _ALL, strict=False)
    return 24 * 60 * math.prod((field.count(",") + 1) / many for field, many in parts if field not in "*?")
