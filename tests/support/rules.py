"""``python -m tests.support.rules DIR``: hold every stage of cdk.json and the pipelines' access against the rule packs.

Leaves their assembly in DIR, for cfn-lint. Not part of app.py: a deployment needs none of this.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aws_cdk import App

from seed.templates import load_items
from stacks.messages_stack import add_stacks
from stacks.pipeline.access import Access
from stacks.pipeline_access import NAME, PipelineAccess
from stacks.setting_fields import PROJECT
from stacks.settings import settings_from_context
from tests.support import rule_packs
from tests.support.rule_packs import Acknowledgement, Outcome

# More stages, which together have every optional part of the stacks.
EXTREMES: dict[str, dict[str, Any]] = {
    "extremes": {
        "customer_key": True,
        "region": "eu-west-1",
        "billing_mode": "provisioned",
        "backups_on_destroy": "delete",
        "restore_testing": True,
        "alarms": True,
        "alarm_email": "team@example.org",
        "seed_dataset": "s3://some-bucket/messages.jsonl",
        "user_pool_id": "eu-west-1_Ab1cD2eF3",
    },
    # What excludes backups that are deleted with the stack.
    "extremely-safe": {
        "customer_key": True,
        "region": "eu-west-1",
        "daily_backup_retention_days": 35,
        "monthly_backup_retention_days": 365,
        "vault_lock": "compliance",
        "vault_lock_confirmed": "Messages-extremely-safe for 400 days",
        "copy_region": "eu-central-1",
        "copy_retention_days": 400,
    },
    # What excludes a customer key.
    "extremely-wide": {
        "region": "eu-west-1",
        "billing_mode": "provisioned",
        "max_write_capacity": 50,
        "copy_region": "eu-central-1",
        "replica_regions": ["eu-central-1", "us-east-1"],
        "alarms": True,
    },
}
_COPIES = "-Copies-"


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
    context = json.loads((PROJECT / "cdk.json").read_text())["context"]
    items = load_items(PROJECT / "seed" / "messages.yaml")
    app = App(context=context | rule_packs.CONTEXT, outdir=str(folder))
    for stage, more in ({stage: {} for stage in context["stages"]} | EXTREMES).items():
        settings = settings_from_context({**context, "stage": stage, **more})
        add_stacks(app, settings=settings, items=items)
    PipelineAccess(app, access=Access(repository="owner/name"))
    return rule_packs.check(app)


def acknowledged_table(acknowledged: Iterable[Acknowledgement]) -> str:
    """A row for each set of constructs, with the rules and the reasons; the same for every stage."""
    rules: dict[str, set[str]] = defaultdict(set)
    places: dict[str, set[str]] = defaultdict(set)
    for one in acknowledged:
        # The rule's own name, without its pack and without the resource it names.
        rules[one.reason].add(one.rule.partition("::")[2].partition("[")[0])
        stack, _, inside = one.at.partition("/")
        prefix = f"{NAME}/" if stack == NAME else "Copies/" if _COPIES in stack else ""
        places[one.reason].add(prefix + inside)
    rows: dict[str, list[str]] = defaultdict(list)
    for reason in rules:
        rows[_listed(places[reason])].append(f"{_listed(rules[reason])}: {reason}")
    lines = [f"| {where} | {'<br>'.join(sorted(accepted))} |" for where, accepted in sorted(rows.items())]
    return "\n".join(["| construct | rules and reasons |", "|---|---|", *lines])


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
