"""The templates of stages, as the CDK CLI would synthesize them."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from aws_cdk import App

from stacks.messages_stack import MessagesStack
from stacks.settings import Settings
from tests.conftest import PROJECT
from tests.privileges.statements import Template

REGION = "us-east-1"
DATASET = "tests/privileges/dataset.jsonl"
# A stage with every part that has permissions of its own.
EVERYTHING: dict[str, Any] = {
    "region": REGION,
    "alarms": True,
    "backups_on_destroy": "delete",
    "customer_key": True,
    "restore_testing": True,
    "seed_dataset": DATASET,
    "user_pool_id": f"{REGION}_Ab1cD2eF3",
}
# The stages that the table of permissions is about, by their settings.
STAGES: dict[str, dict[str, Any]] = {
    "dev": {},
    "prod": {"alarms": True, "restore_testing": True},
    "with a customer key": {"region": REGION, "customer_key": True},
    "with a dataset": {"seed_dataset": DATASET},
    "with a dataset in S3": {"seed_dataset": "s3://some-bucket/messages.jsonl"},
    "whose backups go": {"backups_on_destroy": "delete"},
    "with a user pool": {"user_pool_id": f"{REGION}_Ab1cD2eF3"},
    "with everything": EVERYTHING,
}


@contextmanager
def assembly(stage: str, **settings: Any) -> Iterator[tuple[Path, Template]]:
    """The folder of the stage's assembly, for as long as it is needed, and its template.

    With the flags of cdk.json, some of which decide how policies are written.
    """
    flags = json.loads((PROJECT / "cdk.json").read_text())["context"]
    with tempfile.TemporaryDirectory() as folder:
        app = App(outdir=folder, context=flags)
        stack = MessagesStack(app, settings=Settings(stage=stage, **settings), items=[])
        app.synth()
        file = Path(folder) / f"{stack.stack_name}.template.json"
        yield Path(folder), json.loads(file.read_text())


@cache
def template(name: str) -> Template:
    """The template of one of STAGES."""
    with assembly("example", **STAGES[name]) as (_, found):
        return found
