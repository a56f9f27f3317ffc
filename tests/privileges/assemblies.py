"""The templates of stages, as the CDK CLI would synthesize them."""

from functools import cache
from typing import Any

from aws_cdk import App
from aws_cdk.assertions import Template as Assertions

from stacks.backup_copies import CopiesStack
from stacks.messages_stack import MessagesStack
from stacks.settings import Settings
from tests.conftest import context
from tests.privileges.statements import REGION, Permission, Template, permissions

DATASET = "tests/privileges/dataset.jsonl"
# An object in S3 is checked before it is loaded.
BUCKET = f"cdk-hnb659fds-assets-000000000000-{REGION}"
DATASET_KEY = "datasets/messages.jsonl"
# All objects below a prefix are an export.
EXPORT = "exports/AWSDynamoDB/01-a/"
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
    "with an export": {"seed_dataset": f"s3://{BUCKET}/{EXPORT}"},
    "whose backups go": {"backups_on_destroy": "delete"},
    "with a user pool": {"user_pool_id": EVERYTHING["user_pool_id"]},
    "with copies": COPIES,
    "with replicas": {"region": REGION, "replica_regions": ["eu-central-1"]},
}


def with_copies(stage: str, template: Template) -> Template:
    """The template of a stage with everything, whose backups are copied as well.

    No stage has both: backups that are copied do not go with the stage. The
    role that makes them has the policy of a stage with copies all the same.
    """
    copying = _synthesized(stage, **COPIES)
    (name,) = [n for n in template["Resources"] if n.startswith("BackupRole")]
    own, other = (each["Resources"][name]["Properties"] for each in (template, copying))
    own["Policies"] = other["Policies"]
    return template


@cache
def template(name: str) -> Template:
    """The template of one of STAGES."""
    return _synthesized("example", **STAGES[name])


@cache
def everything() -> Template:
    """The template that has every permission."""
    return with_copies("example", _synthesized("example", **EVERYTHING))


def of_an_export() -> list[Permission]:
    """The permissions that a stage has for an export as its dataset, and that no other stage has."""
    known = {permission.key for permission in permissions(everything())}
    return [permission for permission in permissions(template("with an export")) if permission.key not in known]


@cache
def copies() -> Template:
    """The template of the stack that holds the copies."""
    return _synthesized("example", CopiesStack, **COPIES)


def _synthesized(stage: str, kind: Any = MessagesStack, **settings: Any) -> Template:
    items = {"items": []} if kind is MessagesStack else {}
    made = kind(App(context=context()), settings=Settings(stage=stage, **settings), **items)
    return dict(Assertions.from_stack(made).to_json())
