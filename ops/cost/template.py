"""What the synthesized templates of a stage have, as far as it is billed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cli.errors import OpsError
from ops.cost.assembly import Stacks, StackTemplate
from ops.cost.plans import Rule, rules, tests_a_day
from ops.cost.standing import Resources, Standing, properties_of, standing
from ops.cost.tables import TABLE_TYPES, Table, table_of


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
class Other:
    """A stack of the stage that is not the table's; ``region`` None: that of the credentials."""

    stack: str
    region: str | None
    standing: Standing


@dataclass(frozen=True, kw_only=True)
class Template:
    """What is billed of the stack that has the table, and of the ``others`` of its stage.

    The copies that ``rules`` make are counted with the plan that makes them,
    whichever stack has their vault. ``home`` is the region of the table's stack,
    None where only the deployment knows it, ``not_estimated`` the other tables.
    """

    stack: str = ""
    home: str | None = None
    table: Table
    readers: tuple[Reader, ...]
    rules: tuple[Rule, ...]
    restore_tests_a_day: float
    standing: Standing
    others: tuple[Other, ...] = ()
    not_estimated: tuple[str, ...] = ()


def read(stacks: Stacks, *, region: str | None = None) -> Template:
    """Read the templates of a stage, deployed to ``region`` or to the one that they name.

    Raises OpsError where they have no table, or none is theirs, or values that only
    the deployment will know; also for replicas none of which is in that region.
    """
    tables = list(_tables(stacks))
    main, id = _own(tables)
    resources = _resources(main)
    table = table_of(id, resources[id])
    home = table.home(region or main.region)
    return Template(
        stack=main.name,
        home=home,
        table=table,
        readers=tuple(_readers(resources, table.id)),
        rules=tuple(rule for plan in properties_of(resources, "AWS::Backup::BackupPlan") for rule in rules(plan, home)),
        restore_tests_a_day=_restore_tests(resources),
        standing=standing(resources),
        others=tuple(
            Other(stack=one.name, region=one.region, standing=standing(_resources(one)))
            for one in stacks
            if one is not main
        ),
        not_estimated=tuple(other for stack, other in tables if (stack, other) != (main, id)),
    )


def _own(tables: list[tuple[StackTemplate, str]]) -> tuple[StackTemplate, str]:
    """The table that there is; of several the one whose name its stack has in its outputs."""
    found = tables if len(tables) == 1 else [one for one in tables if _is_named(*one)]
    if len(found) != 1:
        raise OpsError(
            f"the template has {len(tables)} DynamoDB tables; the estimate is for one, "
            "of several for that of the output TableName"
        )
    return found[0]


def _is_named(stack: StackTemplate, table: str) -> bool:
    output = stack.template.get("Outputs", {}).get("TableName", {})
    return bool(output.get("Value") == {"Ref": table})


def _tables(stacks: Stacks) -> Iterator[tuple[StackTemplate, str]]:
    for stack in stacks:
        for id, resource in _resources(stack).items():
            if resource["Type"] in TABLE_TYPES:
                yield stack, id


def _resources(stack: StackTemplate) -> Resources:
    resources: Resources = stack.template.get("Resources", {})
    return resources


def _readers(resources: Resources, table: str) -> Iterator[Reader]:
    for mapping in properties_of(resources, "AWS::Lambda::EventSourceMapping"):
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


def _referred(resources: Resources, value: Any) -> Mapping[str, Any]:
    """The properties of the resource that ``value`` refers to; none for what is outside."""
    if not isinstance(value, Mapping):
        return {}
    id = value.get("Ref") or next(iter(value.get("Fn::GetAtt", [])), "")
    properties: Mapping[str, Any] = resources.get(id, {}).get("Properties", {})
    return properties


def _restore_tests(resources: Resources) -> float:
    """Points restored a day: one a run for every selection of a plan."""
    plans: dict[str, float] = {}
    for id, one in resources.items():
        if one["Type"] == "AWS::Backup::RestoreTestingPlan":
            # A selection names its plan, or refers to it.
            plan = one["Properties"]
            runs = tests_a_day(plan)
            plans |= {str(plan["RestoreTestingPlanName"]): runs, str({"Ref": id}): runs}
    selections = properties_of(resources, "AWS::Backup::RestoreTestingSelection")
    return sum(plans.get(str(one["RestoreTestingPlanName"]), 0.0) for one in selections)
