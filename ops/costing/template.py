"""What a synthesized template has, as far as it is billed."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ops.costing.plans import Rule, rules, tests_a_day
from ops.costing.tables import TABLE_TYPES, Table, table_of
from ops.errors import OpsError

# What costs nothing by itself, or is read below. Functions that nobody but a
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

Resource = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A Lambda function that reads the table's stream.

    ``filtered``: it sees the records of messages alone, not those of the lists
    that it keeps. Its log is kept for ``log_days``, None for ever.
    """

    memory_mib: int
    arm: bool
    filtered: bool
    log_days: float | None


@dataclass(frozen=True, kw_only=True)
class Template:
    """What is billed of a stack; ``unpriced`` counts resources of types unknown here."""

    table: Table
    readers: tuple[Reader, ...]
    rules: tuple[Rule, ...]
    restore_tests_a_day: float
    keys: int
    alarm_metrics: int
    composite_alarms: int
    dashboards: int
    metrics: int
    unpriced: tuple[tuple[str, int], ...]


def read(template: Mapping[str, Any], *, region: str | None = None) -> Template:
    """Read a template, deployed to ``region`` or to the one that it names.

    Raises OpsError for one without a table, with several, or with values that
    only the deployment will know.
    """
    resources: Mapping[str, Resource] = template.get("Resources", {})
    table = _table(resources)
    home = region or table.region
    kinds = Counter(resource["Type"] for resource in resources.values())
    return Template(
        table=table,
        readers=tuple(_readers(resources, table.id)),
        rules=tuple(
            rule for plan in _of(resources, "AWS::Backup::BackupPlan") for rule in rules(plan, home)
        ),
        restore_tests_a_day=_restore_tests(resources),
        keys=kinds["AWS::KMS::Key"] + kinds["AWS::KMS::ReplicaKey"],
        alarm_metrics=sum(map(_alarm_metrics, _of(resources, "AWS::CloudWatch::Alarm"))),
        composite_alarms=kinds["AWS::CloudWatch::CompositeAlarm"],
        dashboards=kinds["AWS::CloudWatch::Dashboard"],
        metrics=sum(len(one["MetricTransformations"])
                    for one in _of(resources, "AWS::Logs::MetricFilter")),
        unpriced=tuple(sorted((kind, count) for kind, count in kinds.items()
                              if kind not in TABLE_TYPES and not _NOT_BILLED.fullmatch(kind))),
    )  # fmt: skip


def _table(resources: Mapping[str, Resource]) -> Table:
    found = {id: one for id, one in resources.items() if one["Type"] in TABLE_TYPES}
    if len(found) != 1:
        raise OpsError(f"the template has {len(found)} DynamoDB tables; the estimate is for one")
    ((id, resource),) = found.items()
    return table_of(id, resource)


def _of(resources: Mapping[str, Resource], kind: str) -> list[Mapping[str, Any]]:
    """The properties of every resource of a type."""
    return [one.get("Properties", {}) for one in resources.values() if one["Type"] == kind]


def _readers(resources: Mapping[str, Resource], table: str) -> Iterator[Reader]:
    for mapping in _of(resources, "AWS::Lambda::EventSourceMapping"):
        source = mapping.get("EventSourceArn")
        if source != {"Fn::GetAtt": [table, "StreamArn"]}:
            continue
        function = _referred(resources, mapping["FunctionName"])
        group = _referred(resources, function.get("LoggingConfig", {}).get("LogGroup"))
        yield Reader(
            memory_mib=int(function.get("MemorySize", 128)),
            arm="arm64" in function.get("Architectures", []),
            filtered=bool(mapping.get("FilterCriteria", {}).get("Filters")),
            log_days=group.get("RetentionInDays"),
        )


def _referred(resources: Mapping[str, Resource], value: Any) -> Mapping[str, Any]:
    """The properties of the resource that ``value`` refers to; none for what is outside."""
    if not isinstance(value, Mapping):
        return {}
    id = value.get("Ref") or next(iter(value.get("Fn::GetAtt", [])), "")
    properties: Mapping[str, Any] = resources.get(id, {}).get("Properties", {})
    return properties


def _restore_tests(resources: Mapping[str, Resource]) -> float:
    """Points restored a day: one a run for every selection of a plan."""
    plans: dict[str, float] = {}
    for id, one in resources.items():
        if one["Type"] == "AWS::Backup::RestoreTestingPlan":
            # A selection names its plan, or refers to it.
            plan = one["Properties"]
            runs = tests_a_day(plan)
            plans |= {str(plan["RestoreTestingPlanName"]): runs, str({"Ref": id}): runs}
    selections = _of(resources, "AWS::Backup::RestoreTestingSelection")
    return sum(plans.get(str(one["RestoreTestingPlanName"]), 0.0) for one in selections)


def _alarm_metrics(alarm: Mapping[str, Any]) -> int:
    """What an alarm is billed for: each metric that it looks at, an anomaly band thrice.

    https://aws.amazon.com/cloudwatch/pricing/
    """
    queries = alarm.get("Metrics", [])
    metrics = sum("MetricStat" in query for query in queries) or 1
    banded = any("ANOMALY_DETECTION_BAND" in str(query.get("Expression")) for query in queries)
    return metrics * (3 if banded else 1)
