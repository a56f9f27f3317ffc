"""``python -m tests.rules DIR``: every stage of cdk.json, held against cdk-nag's AwsSolutions.

Leaves the assembly of each stage under DIR, for cfn-lint. Not part of app.py:
a deployment needs none of this.
"""

import json
import sys
from pathlib import Path

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from seed.templates import load_items
from stacks.context import settings_from_context
from stacks.function import PROJECT
from stacks.messages_stack import MessagesStack


def main(folder: Path) -> int:
    """Print every finding; exit status 1 when there is one."""
    context = json.loads((PROJECT / "cdk.json").read_text())["context"]
    items = load_items(PROJECT / "seed" / "messages.yaml")
    failed = False
    # One stage more, with every optional part of the stack switched on.
    extremes = {"customer_key": True, "region": "eu-west-1", "billing_mode": "provisioned",
                "backups_on_destroy": "delete", "restore_testing": True,
                "alarms": True, "alarm_email": "team@example.org",
                "seed_dataset": "s3://some-bucket/messages.jsonl",
                "user_pool_id": "eu-west-1_Ab1cD2eF3"}  # fmt: skip
    for stage, more in [*((stage, {}) for stage in context["stages"]), ("extremes", extremes)]:
        app = App(context={**context, "stage": stage, **more}, outdir=str(folder / stage))
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        settings = settings_from_context(app.node.get_all_context())
        MessagesStack(app, settings=settings, items=items)
        try:
            app.synth()
        except RuntimeError as error:  # of jsii; findings are printed already
            if "Validation failed" not in str(error):
                raise
            failed = True
            print(f"nag: {stage}: findings", file=sys.stderr)
        else:
            print(f"nag: {stage}: no finding", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
