"""The rules that every stack is held against, and what came of it.

Four sets: cdk-nag's AwsSolutions, NIST 800-53 R5 and Serverless, and the
proactive controls of AWS Control Tower (in the language of cfn-guard), with
tests/policies/*.guard for what none of them knows. The engine that evaluates
the last is the CDK's own, which checks templates against CloudFormation's
schemas and best practices at the same time.
"""

import importlib.metadata
import json
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import App, CloudFormationValidatePlugin, ValidationRuleSource, Validations
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks, ServerlessChecks

# So that the app ends as usual, and what it found can be read from the report.
CONTEXT = {"@aws-cdk/core:failSynthOnValidationErrors": False}
_POLICIES = Path(__file__).parents[1] / "policies"
_CONTROLS = "cdklabs.cdk-validator-cfnguard"
_ACKNOWLEDGED = "aws:cdk:acknowledged-rules"


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
            if not _is_sentence(one.reason):
                yield f"{where} without a sentence for a reason: {one.reason!r}"


def check(app: App) -> Outcome:
    """Synthesize ``app``, made with CONTEXT, and hold it against every pack."""
    Validations.of(app).add_plugins(
        AwsSolutionsChecks(app),
        NIST80053R5Checks(app),
        ServerlessChecks(app),
        CloudFormationValidatePlugin(guard_rules=[*_control_tower(), *_own()]),
    )
    folder = Path(app.synth().directory)
    report = folder / "validation-report.json"
    # There is none where there is no finding, acknowledged or not.
    packs = json.loads(report.read_text())["pluginReports"] if report.exists() else []
    return Outcome(
        findings=tuple(line for pack in packs for line in _findings(pack)),
        acknowledged=tuple(_acknowledgements(folder, packs)),
    )


def _control_tower() -> Iterator[ValidationRuleSource]:
    """The rules in the package that would run them with a binary of its own; that is not used."""
    files = importlib.metadata.distribution(_CONTROLS).files or []
    (archive,) = [file for file in files if file.suffix == ".tgz"]
    with tarfile.open(str(archive.locate())) as package:
        for member in package:
            if member.name.endswith(".guard") and (rules := package.extractfile(member)):
                yield ValidationRuleSource(name=Path(member.name).stem, content=rules.read().decode())


def _own() -> Iterator[ValidationRuleSource]:
    for file in sorted(_POLICIES.glob("*.guard")):
        yield ValidationRuleSource(name=file.stem, content=file.read_text())


def _findings(pack: dict[str, Any]) -> Iterator[str]:
    """A line for each, warnings too; also where a pack could not do its work."""
    if problem := (pack.get("metadata") or {}).get("error"):
        yield problem
    for violation in pack["violations"]:
        for construct in violation["violatingConstructs"]:
            what = f"{pack['pluginName']}: {violation['ruleName']}"
            yield f"{construct['constructPath']}: {what}: {violation['description']}"


def _acknowledgements(folder: Path, packs: list[dict[str, Any]]) -> Iterator[Acknowledgement]:
    covered = _covered(packs)
    for file in sorted(folder.glob("*.metadata.json")):
        for path, entries in json.loads(file.read_text()).items():
            for entry in entries:
                if entry["type"] == _ACKNOWLEDGED:
                    ((rule, reason),) = entry["data"].items()
                    at = path.removeprefix("/")
                    yield Acknowledgement(at, rule, reason, tuple(sorted(covered[at, rule])))


def _covered(packs: list[dict[str, Any]]) -> dict[tuple[str, str], set[str]]:
    """The resources that each acknowledgement, by its place and rule, covers."""
    covered: dict[tuple[str, str], set[str]] = defaultdict(set)
    for pack in packs:
        for violation in pack.get("suppressedViolations") or []:
            at, rule = violation["acknowledgedAt"], violation["acknowledgedId"]
            paths = [construct["constructPath"] for construct in violation["violatingConstructs"]]
            covered[at, rule].update(paths)
    return covered


def _is_sentence(reason: str) -> bool:
    return len(reason.split()) >= 5 and reason.endswith(".")
