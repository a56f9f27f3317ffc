"""``python -m tests.support.rules DIR``: hold every stage of cdk.json and the pipelines' access against the rule packs.

cdk-nag's AwsSolutions, NIST 800-53 R5 and Serverless, and the proactive controls of AWS Control
Tower (in the language of cfn-guard), with tests/policies/*.guard for what none of them knows. The
CDK's own engine evaluates the last, and checks templates against CloudFormation's schemas too. IAM statements
are held against AWS's Service Authorization Reference (service_authorization.py).

Leaves the stacks' assembly in DIR, for cfn-lint. Not part of app.py: a deployment needs none of this.
"""

import importlib.metadata
import json
import sys
import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import App, CloudFormationValidatePlugin, ValidationRuleSource, Validations
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

from seed.templates import load_items
from stacks.messages_stack import add_stacks
from stacks.pipeline_access import NAME, Access, PipelineAccess
from stacks.settings import settings_from_context
from tests.conftest import PROJECT, context
from tests.support import service_authorization

# More stages, which together have every optional part of the stacks.
_KEYED: dict[str, Any] = {"customer_key": True, "region": "eu-west-1"}
_COPIED: dict[str, Any] = {"copy_region": "eu-central-1", "region": "eu-west-1"}
EXTREMES: dict[str, dict[str, Any]] = {
    "extremes": _KEYED
    | {
        "billing_mode": "provisioned",
        "backups_on_destroy": "delete",
        "restore_testing": True,
        "alarms": True,
        "alarm_email": "team@example.org",
        "seed_dataset": "s3://some-bucket/messages.jsonl",
        "user_pool_id": "eu-west-1_Ab1cD2eF3",
    },
    # What excludes backups that are deleted with the stack.
    "extremely-safe": _KEYED
    | _COPIED
    | {
        "daily_backup_retention_days": 35,
        "monthly_backup_retention_days": 365,
        "vault_lock": "compliance",
        "vault_lock_confirmed": "Messages-extremely-safe for 400 days",
        "copy_retention_days": 400,
        "seed_dataset": "s3://some-bucket/export/",
    },
    # What excludes a customer key.
    "extremely-wide": _COPIED
    | {
        "billing_mode": "provisioned",
        "max_write_capacity": 50,
        "replica_regions": ["eu-central-1", "us-east-1"],
        "alarms": True,
    },
    # What only stages of pull requests have: names for the state machines.
    "pr-1": _KEYED | {"backups_on_destroy": "delete", "seed_dataset": "s3://some-bucket/messages.jsonl"},
}


@dataclass(frozen=True)
class Acknowledgement:
    """A finding accepted at the construct ``at``, for ``reason``; it covers ``resources``."""

    at: str
    rule: str
    reason: str
    resources: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What the packs say: a line for each finding, and what was acknowledged."""

    findings: tuple[str, ...]
    acknowledged: tuple[Acknowledgement, ...]

    @property
    def objections(self) -> Iterator[str]:
        """What is wrong with an acknowledgement itself."""
        for one in self.acknowledged:
            where = f"{one.at}: acknowledged {one.rule}"
            if "/" not in one.at:
                yield f"{where} for a whole stack; move it to the one construct concerned"
            elif not one.resources:
                yield f"{where}, which nothing raises any more; remove it"
            elif len(one.resources) > 1:
                yield f"{where} covers {', '.join(one.resources)}; acknowledge each by itself"
            if len(one.reason.split()) < 5 or not one.reason.endswith("."):
                yield f"{where} without a sentence for a reason: {one.reason!r}"


def main(folder: Path) -> int:
    """Print findings, wrong acknowledgements, and that the list in the docs is old; exit status 1 for any of them."""
    from tests.support import generated

    found = outcome(folder)
    lines = sorted({*found.findings, *found.objections})
    document = generated.document_with("acknowledged")
    if acknowledged_table(found.acknowledged) not in document.read_text():
        lines.append(f"{document.relative_to(PROJECT)} has an old list of acknowledged findings: make accept")
    for line in lines:
        print(line)
    print(f"rules: {len(lines)} findings, {len(found.acknowledged)} acknowledged", file=sys.stderr)
    return int(bool(lines))


def outcome(folder: Path) -> Outcome:
    """What the packs find in one app of all stages, synthesized into ``folder``; so the packs load once."""
    committed, items = context(), load_items(PROJECT / "seed" / "messages.yaml")
    app = App(context=committed | CONTEXT, outdir=str(folder))
    for stage, more in ({stage: {} for stage in committed["stages"]} | EXTREMES).items():
        add_stacks(app, settings=settings_from_context({**committed, "stage": stage, **more}), items=items)
    PipelineAccess(app, access=Access(repository="owner/name"))
    return check(app)


def acknowledged_table(acknowledged: Iterable[Acknowledgement]) -> str:
    """A row for each set of constructs, with the rules and the reasons; the same for every stage."""
    rules: dict[str, set[str]] = defaultdict(set)
    places: dict[str, set[str]] = defaultdict(set)
    for one in acknowledged:
        # The rule's own name, without its pack and without the resource it names.
        rules[one.reason].add(one.rule.partition("::")[2].partition("[")[0])
        stack, _, inside = one.at.partition("/")
        prefix = f"{NAME}/" if stack == NAME else "Copies/" if "-Copies-" in stack else ""
        places[one.reason].add(prefix + inside)
    rows: dict[str, list[str]] = defaultdict(list)
    for reason in rules:
        rows[_listed(places[reason])].append(f"{_listed(rules[reason])}: {reason}")
    lines = [f"| {where} | {'<br>'.join(sorted(accepted))} |" for where, accepted in sorted(rows.items())]
    return "\n".join(["| construct | rules and reasons |", "|---|---|", *lines])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


# So that the app ends as usual, and what it found can be read from the report.
CONTEXT = {"@aws-cdk/core:failSynthOnValidationErrors": False}
_CONTROLS = "cdklabs.cdk-validator-cfnguard"
_ACKNOWLEDGED = "aws:cdk:acknowledged-rules"


def check(app: App) -> Outcome:
    """Synthesize ``app``, made with CONTEXT, and hold it against every pack."""
    Validations.of(app).add_plugins(
        AwsSolutionsChecks(app),
        NIST80053R5Checks(app),
        ServerlessChecks(app),
        CloudFormationValidatePlugin(guard_rules=[*_guard_rules()]),
    )
    folder = Path(app.synth().directory)
    templates = {file.name.partition(".")[0]: json.loads(file.read_text()) for file in folder.glob("*.template.json")}
    report = folder / "validation-report.json"
    # There is none where there is no finding, acknowledged or not.
    packs = json.loads(report.read_text())["pluginReports"] if report.exists() else []
    return Outcome(
        findings=(*(line for pack in packs for line in _findings(pack)), *service_authorization.findings(templates)),
        acknowledged=tuple(_acknowledgements(folder, packs)),
    )


def _guard_rules() -> Iterator[ValidationRuleSource]:
    """This project's own, and those in a package that would run them with a binary, which is not used."""
    for file in sorted((Path(__file__).parents[1] / "policies").glob("*.guard")):
        yield ValidationRuleSource(name=file.stem, content=file.read_text())
    files = importlib.metadata.distribution(_CONTROLS).files or []
    (archive,) = [file for file in files if file.suffix == ".tgz"]
    with tarfile.open(str(archive.locate())) as package:
        for member in package:
            if member.name.endswith(".guard") and (rules := package.extractfile(member)):
                yield ValidationRuleSource(name=Path(member.name).stem, content=rules.read().decode())


def _findings(pack: dict[str, Any]) -> Iterator[str]:
    """A line for each, warnings too; also where a pack could not do its work."""
    if problem := (pack.get("metadata") or {}).get("error"):
        yield problem
    for violation in pack["violations"]:
        for construct in violation["violatingConstructs"]:
            what = f"{pack['pluginName']}: {violation['ruleName']}"
            yield f"{construct['constructPath']}: {what}: {violation['description']}"


def _acknowledgements(folder: Path, packs: list[dict[str, Any]]) -> Iterator[Acknowledgement]:
    covered: dict[tuple[str, str], set[str]] = defaultdict(set)
    for violation in (violation for pack in packs for violation in pack.get("suppressedViolations") or []):
        paths = [construct["constructPath"] for construct in violation["violatingConstructs"]]
        covered[violation["acknowledgedAt"], violation["acknowledgedId"]].update(paths)
    for file in sorted(folder.glob("*.metadata.json")):
        for path, entries in json.loads(file.read_text()).items():
            for entry in entries:
                if entry["type"] == _ACKNOWLEDGED:
                    ((rule, reason),) = entry["data"].items()
                    at = path.removeprefix("/")
                    yield Acknowledgement(at, rule, reason, tuple(sorted(covered[at, rule])))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
