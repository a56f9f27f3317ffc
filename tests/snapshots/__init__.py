"""The template of every stage as a reviewer reads it: one committed YAML file each."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from aws_cdk import App
from aws_cdk.assertions import Template

from seed.templates import load_items
from stacks.context import settings_from_context
from stacks.messages_stack import MessagesStack
from tests.conftest import PROJECT
from tests.snapshots.short_yaml import to_yaml

FOLDER = Path(__file__).parent
# A snapshot that is longer is one that nobody reads.
MOST_LINES = 1000


def stages() -> list[str]:
    """The stages that cdk.json lists."""
    return list(_context()["stages"])


@cache
def snapshot(stage: str, **more: Any) -> str:
    """The stage's template; ``more`` are settings for this one, as after ``cdk -c``."""
    app = App(context={**_context(), "stage": stage, **more})
    settings = settings_from_context(app.node.get_all_context())
    items = load_items(PROJECT / "seed" / "messages.yaml")
    template = Template.from_stack(MessagesStack(app, settings=settings, items=items))
    return to_yaml(template.to_json())


def file(stage: str) -> Path:
    """Where the snapshot of ``stage`` is kept."""
    return FOLDER / f"{stage}.yaml"


def _context() -> dict[str, Any]:
    return dict(json.loads((PROJECT / "cdk.json").read_text())["context"])
