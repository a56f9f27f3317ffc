"""Templates of stacks as the CDK synthesizes them, each once in a process, and what to look for in them."""

import json
from functools import cache

from aws_cdk import App
from aws_cdk.assertions import Template

from seed.templates import load_items
from stacks.messages_stack import MessagesStack, add_stacks
from stacks.settings import Settings, settings_from_context
from tests.conftest import PROJECT

ITEMS = load_items(PROJECT / "seed/messages.yaml")
TABLE, ROLE, POLICY = "AWS::DynamoDB::GlobalTable", "AWS::IAM::Role", "AWS::IAM::Policy"
VAULT, PLAN, SELECTION = "AWS::Backup::BackupVault", "AWS::Backup::BackupPlan", "AWS::Backup::BackupSelection"
SEED = "Custom::MessageSeed"
KEYED = {"customer_key": True, "region": "eu-west-1"}
FULL = KEYED | {"billing_mode": "provisioned", "backups_on_destroy": "delete", "restore_testing": True}
WITH_COPIES = {
    "stage": "prod",
    "region": "eu-west-1",
    "copy_region": "eu-central-1",
    "daily_backup_retention_days": 7,
    "monthly_backup_retention_days": 30,
}
COPIES_STACK = "Messages-prod-Copies-eu-west-1"


@cache
def stack(**settings) -> Template:
    """The stage's own stack with these settings."""
    return Template.from_stack(MessagesStack(App(), settings=Settings(**settings), items=ITEMS))


@cache
def stacks(**settings) -> tuple[Template, Template | None]:
    """The stacks of a stage and of the copies of its backups, which is None without any."""
    app = App()
    home = add_stacks(app, settings=Settings(**WITH_COPIES | settings), items=ITEMS)
    copies = app.node.try_find_child(COPIES_STACK)
    return Template.from_stack(home), copies and Template.from_stack(copies)


def synthesized(**settings):
    """The template of the stage's own stack, as JSON has it."""
    return stack(**settings).to_json()


@cache
def stage(name):
    """The template of a stage of cdk.json."""
    context = json.loads((PROJECT / "cdk.json").read_text())["context"]
    settings = settings_from_context(context | {"stage": name})
    found = {field: getattr(settings, field) for field in settings.__dataclass_fields__}
    return synthesized(**{key: value for key, value in found.items() if key != "tags"})


def only(template: Template, kind: str) -> dict:
    """The one resource of a kind."""
    (resource,) = template.find_resources(kind).values()
    return resource


def properties(template: Template, kind: str) -> dict:
    """The properties of the one resource of a kind."""
    return only(template, kind)["Properties"]


def replica(template: Template) -> dict:
    """The table's one replica."""
    (found,) = properties(template, TABLE)["Replicas"]
    return found


def listed(value) -> list:
    """A list, also of a single value."""
    return value if isinstance(value, list) else [value]


def statements(template: Template, holder: str = "") -> list[dict]:
    """The statements of all policies, or of those whose role or policy has ``holder`` in its logical id."""
    found = []
    for name, policy in template.find_resources(POLICY).items():
        if holder in name:
            found += policy["Properties"]["PolicyDocument"]["Statement"]
    for name, role in template.find_resources(ROLE).items():
        for policy in role["Properties"].get("Policies", []) if holder in name else []:
            found += policy["PolicyDocument"]["Statement"]
    return found


def granted(template: Template, holder: str) -> dict[str, list[str]]:
    """Each action that the policies of ``holder`` allow, and the resources, as JSON texts."""
    found: dict[str, list[str]] = {}
    for statement in statements(template, holder):
        for action in listed(statement["Action"]):
            found.setdefault(action, []).extend(map(json.dumps, listed(statement["Resource"])))
    return found
