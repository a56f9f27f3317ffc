"""Templates of stacks as the CDK synthesizes them, and what to look for in them."""

import json
from functools import cache

from aws_cdk import App
from aws_cdk.assertions import Template

from seed.templates import load_items
from stacks.context import settings_from_context
from stacks.messages_stack import MessagesStack
from stacks.settings import Settings
from tests.conftest import PROJECT

ITEMS = load_items(PROJECT / "seed/messages.yaml")
TABLE, ROLE, VAULT = "AWS::DynamoDB::GlobalTable", "AWS::IAM::Role", "AWS::Backup::BackupVault"
PLAN, SELECTION = "AWS::Backup::BackupPlan", "AWS::Backup::BackupSelection"
FULL = {
    "customer_key": True,
    "region": "eu-west-1",
    "billing_mode": "provisioned",
    "backups_on_destroy": "delete",
    "restore_testing": True,
}


@cache
def stack(**settings) -> Template:
    return Template.from_stack(MessagesStack(App(), settings=Settings(**settings), items=ITEMS))


def only(template: Template, kind: str) -> dict:
    """The one resource of a kind."""
    (resource,) = template.find_resources(kind).values()
    return resource


def replica(template: Template) -> dict:
    (found,) = only(template, TABLE)["Properties"]["Replicas"]
    return found


def statements(template: Template) -> list[dict]:
    found = []
    for policy in template.find_resources("AWS::IAM::Policy").values():
        found += policy["Properties"]["PolicyDocument"]["Statement"]
    for role in template.find_resources(ROLE).values():
        for policy in role["Properties"].get("Policies", []):
            found += policy["PolicyDocument"]["Statement"]
    return found


@cache
def stage(name):
    """The template of a stage of cdk.json."""
    context = json.loads((PROJECT / "cdk.json").read_text())["context"]
    settings = settings_from_context(context | {"stage": name})
    found = {field: getattr(settings, field) for field in settings.__dataclass_fields__}
    return stack(**{key: value for key, value in found.items() if key != "tags"}).to_json()


def synthesized(**settings):
    """The template of these settings."""
    return stack(**settings).to_json()
