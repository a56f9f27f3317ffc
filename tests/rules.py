"""``python -m tests.rules DIR``: every stage of cdk.json and the pipelines' access, held against
cdk-nag's AwsSolutions.

Leaves the assembly of each stage under DIR, for cfn-lint. Not part of app.py:
a deployment needs none of this.
"""

import json
import sys
from pathlib import Path
from typing import Any

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from seed.templates import load_items
from stacks.context import settings_from_context
from stacks.function import PROJECT
from stacks.pipeline.access import Access
from stacks.pipeline_access import PipelineAccess
from stacks.stage_stacks import add_stacks

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


def main(folder: Path) -> int:
    """Print every finding; exit status 1 when there is one."""
    context = json.loads((PROJECT / "cdk.json").read_text())["context"]
    items = load_items(PROJECT / "seed" / "messages.yaml")
    failed = False
    for stage, more in ({stage: {} for stage in context["stages"]} | EXTREMES).items():
        app = App(context={**context, "stage": stage, **more}, outdir=str(folder / stage))
        settings = settings_from_context(app.node.get_all_context())
        add_stacks(app, settings=settings, items=items)
        failed |= has_findings(app, stage)
    app = App(context=context, outdir=str(folder / "pipeline-access"))
    PipelineAccess(app, access=Access(repository="owner/name"))
    failed |= has_findings(app, "pipeline-access")
    return int(failed)


def has_findings(app: App, name: str) -> bool:
    """Synthesize ``app``, held against the rules; says so under ``name``."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    try:
        app.synth()
    except RuntimeError as error:  # of jsii; findings are printed already
        if "Validation failed" not in str(error):
            raise
        print(f"nag: {name}: findings", file=sys.stderr)
        return True
    print(f"nag: {name}: no finding", file=sys.stderr)
    return False


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
