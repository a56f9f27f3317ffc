"""The templates of stages, as the CDK CLI would synthesize them."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from aws_cdk import App
from aws_cdk.assertions import Template as Assertions

from stacks.backup_copies import CopiesStack
from stacks.messages_stack import MessagesStack
from stacks.settings import Settings
from tests.conftest import PROJECT
from tests.privileges.statements import REGION, Template

DATASET = "tests/privileges/dataset.jsonl"
# Where the stage with everything has it: an object in S3 is checked before it is loaded.
BUCKET = f"cdk-hnb659fds-assets-000000000000-{REGION}"
DATASET_KEY = "datasets/messages.jsonl"
# A stage with every part that has permissions of its own.
EVERYTHING: dict[str, Any] = {
    "region": REGION,
    "alarms": True,
    "backups_on_destroy": "delete",
    "customer_key": True,
    "restore_testing": True,
    "seed_dataset": f"s3://{BUCKET}/{DATASET_KEY}",
    "user_pool_id": f"{REGION}_Ab1cD2eF3",
}
COPIES: dict[str, Any] = {"region": REGION, "customer_key": True, "copy_region": "eu-central-1"}
# The stages that the table of permissions is about, by their settings.
STAGES: dict[str, dict[str, Any]] = {
    "dev": {},
    "prod": {"alarms": True, "restore_testing": True},
    "with a customer key": {"region": REGION, "customer_key": True},
    "with a dataset": {"seed_dataset": DATASET},
    "with a dataset in S3": {"seed_dataset": EVERYTHING["seed_dataset"]},
    "whose backups go": {"backups_on_destroy": "delete"},
    "with a user pool": {"user_pool_id": f"{REGION}_Ab1cD2eF3"},
    "with copies": COPIES,
    "with replicas": {"region": REGION, "replica_regions": ["eu-central-1"]},
}


@contextmanager
def assembly(stage: str, **settings: Any) -> Iterator[tuple[Path, Template]]:
    """The folder of the stage's assembly, for as long as it is needed, and its template."""
    with tempfile.TemporaryDirectory() as folder:
        app = App(outdir=folder, context=_flags())
        stack = MessagesStack(app, settings=Settings(stage=stage, **settings), items=[])
        app.synth()
        file = Path(folder) / f"{stack.stack_name}.template.json"
        yield Path(folder), json.loads(file.read_text())


def with_copies(stage: str, template: Template) -> Template:
    """The template of a stage with everything, whose backups are copied as well.

    No stage has both: backups that are copied do not go with the stage. The
    role that makes them has the policy of a stage with copies all the same.
    """
    with assembly(stage, **COPIES) as (_, copying):
        (name,) = [n for n in template["Resources"] if n.startswith("BackupRole")]
    own, other = (each["Resources"][name]["Properties"] for each in (template, copying))
    own["Policies"] = other["Policies"]
    return template


@cache
def template(name: str) -> Template:
    """The template of one of STAGES."""
    with assembly("example", **STAGES[name]) as (_, found):
        return found


@cache
def everything() -> Template:
    """The template that has every permission."""
    with assembly("example", **EVERYTHING) as (_, found):
        return with_copies("example", found)


@cache
def copies() -> Template:
    """The template of the stack that holds the copies."""
    app = App(context=_flags())
    settings = Settings(stage="example", **COPIES)
    return dict(Assertions.from_stack(CopiesStack(app, settings=settings)).to_json())


def _flags() -> dict[str, Any]:
    """What cdk.json decides of how policies are written."""
    return dict(json.loads((PROJECT / "cdk.json").read_text())["context"])
