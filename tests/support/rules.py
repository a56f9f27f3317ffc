"""``python -m tests.support.rules DIR``: every stage of cdk.json and the pipelines' access, held against
the packs of tests/support/rule_packs.py.

Leaves their assembly in DIR, for cfn-lint. With --write it refreshes the list of what is
acknowledged in docs/security.md. Not part of app.py: a deployment needs none of this.
"""

import json
import sys
from pathlib import Path
from typing import Any

from aws_cdk import App

from seed.templates import load_items
from stacks.context import settings_from_context
from stacks.function import PROJECT
from stacks.pipeline.access import Access
from stacks.pipeline_access import PipelineAccess
from stacks.stage_stacks import add_stacks
from tests.support import acknowledged, rule_packs

# Stages more, which together have every optional part of the stacks switched on.
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
    # What excludes backups that go with the stack.
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


def main(folder: Path, *, write: bool) -> int:
    """Print what is found, and what is wrong with an acknowledgement; exit status 1 for either.

    With ``write`` the list in docs/security.md is refreshed; without, an old one is an error.
    """
    outcome = rule_packs.check(everything(folder))
    lines = sorted({*outcome.findings, *outcome.objections})
    text = acknowledged.DOCUMENT.read_text()
    fresh = acknowledged.refreshed(text, outcome.acknowledged)
    if write:
        acknowledged.DOCUMENT.write_text(fresh)
    elif fresh != text:
        lines.append(f"docs/security.md has an old list: python -m tests.support.rules {folder} --write")
    for line in lines:
        print(line)
    count = len(outcome.acknowledged)
    print(f"rules: {len(lines)} findings, {count} acknowledged", file=sys.stderr)
    return int(bool(lines))


def everything(folder: Path) -> App:
    """One app of all stages, to be synthesized into ``folder``; so the packs load once."""
    context = json.loads((PROJECT / "cdk.json").read_text())["context"]
    items = load_items(PROJECT / "seed" / "messages.yaml")
    app = App(context=context | rule_packs.CONTEXT, outdir=str(folder))
    for stage, more in ({stage: {} for stage in context["stages"]} | EXTREMES).items():
        settings = settings_from_context({**context, "stage": stage, **more})
        add_stacks(app, settings=settings, items=items)
    PipelineAccess(app, access=Access(repository="owner/name"))
    return app


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), write=sys.argv[2:] == ["--write"]))
