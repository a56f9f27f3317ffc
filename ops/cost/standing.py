"""What a stack is billed for whatever it is about: its keys, and what watches it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ops.cost.tables import TABLE_TYPES

# What costs nothing by itself, or is read elsewhere. Functions that nobody but a
# deployment, a destroy or a restore test calls are among it, and queues and
# topics, which get something only when something failed.
_NOT_BILLED = re.compile(
    r"AWS::IAM::.*|AWS::CDK::.*|AWS::CloudFormation::.*|Custom::.*"
    r"|AWS::Backup::(BackupVault|BackupPlan|BackupSelection|RestoreTesting(Plan|Selection))"
    r"|AWS::Lambda::(Function|Permission|EventSourceMapping|EventInvokeConfig|LayerVersion|Version)"
    r"|AWS::Logs::(LogGroup|MetricFilter|QueryDefinition)|AWS::KMS::(Key|ReplicaKey|Alias)"
    r"|AWS::SQS::(Queue|QueuePolicy)|AWS::SNS::(Topic|TopicPolicy|Subscription)"
    r"|AWS::Events::Rule|AWS::StepFunctions::StateMachine"
    r"|AWS::CloudWatch::(Alarm|CompositeAlarm|Dashboard)"
)

Resources = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Counts; ``unpriced`` those of the resources of types unknown here.

    ``rotation_days``: how often each key that rotates does.
    """

    keys: int = 0
    rotation_days: tuple[float, ...] = ()
    alarm_metrics: int = 0
    composite_alarms: int = 0
    dashboards: int = 0
    metrics: int = 0
    unpriced: tuple[tuple[str, int], ...] = ()


def standing(resources: Resources) -> Standing:
    """What the resources of a template are billed for, beside a table and its backups."""
    kinds = Counter(resource["Type"] for resource in resources.values())
    return Standing(
        keys=kinds["AWS::KMS::Key"] + kinds["AWS::KMS::ReplicaKey"],
        rotation_days=tuple(_rotation_days(properties_of(resources, "AWS::KMS::Key"))),
        alarm_metrics=sum(map(_alarm_metrics, properties_of(resources, "AWS::CloudWatch::Alarm"))),
        composite_alarms=kinds["AWS::CloudWatch::CompositeAlarm"],
        dashboards=kinds["AWS::CloudWatch::Dashboard"],
        metrics=sum(len(one["MetricTransformations"]) for one in properties_of(resources, "AWS::Logs::MetricFilter")),
        unpriced=tuple(
            sorted(
                (kind, count)
                for kind, count in kinds.items()
                if kind not in TABLE_TYPES and not _NOT_BILLED.fullmatch(kind)
            )
        ),
    )


def properties_of(resources: Resources, kind: str) -> list[Mapping[str, Any]]:
    """The properties of every resource of a type."""
    return [one.get("Properties", {}) for one in resources.values() if one["Type"] == kind]


def _rotation_days(keys: Iterable[Mapping[str, Any]]) -> Iterator[float]:
    """The periods of the keys that rotate: a year unless the template says another."""
    for key in keys:
        if key.get("EnableKeyRotation") in (True, "true"):
            yield float(key.get("RotationPeriodInDays", 365))


def _alarm_metrics(alarm: Mapping[str, Any]) -> int:
    """What an alarm is billed for: each metric that it looks at, an anomaly band thrice.

    https://aws.amazon.com/cloudwatch/pricing/
    """
    queries = alarm.get("Metrics", [])
    metrics = sum("MetricStat" in query for query in queries) or 1
    banded = any("ANOMALY_DETECTION_BAND" in str(query.get("Expression")) for query in queries)
    return metrics * (3 if banded else 1)
