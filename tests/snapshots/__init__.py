"""The template of every stage as a reviewer reads it: one committed YAML file each, written by ``make accept``."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from aws_cdk import App
from aws_cdk.assertions import Template

from ops.review.wording import normalised
from seed.templates import load_items
from stacks.messages_stack import MessagesStack
from stacks.settings import settings_from_context
from tests.conftest import PROJECT, context

FOLDER = Path(__file__).parent


@cache
def snapshot(stage: str, **more: Any) -> str:
    """The stage's template; ``more`` are settings for this one, as after ``cdk -c``."""
    app = App(context={**context(), "stage": stage, **more})
    settings = settings_from_context(app.node.get_all_context())
    items = load_items(PROJECT / "seed" / "messages.yaml")
    return to_yaml(Template.from_stack(MessagesStack(app, settings=settings, items=items)).to_json())


def to_yaml(template: Mapping[str, Any]) -> str:
    """The normalised template as YAML, with every reference spelled as in Fn::Sub: ``${Table.Arn}``."""
    plain = _spelled(normalised(template))
    return yaml.dump(plain, sort_keys=False, width=100, allow_unicode=True, default_flow_style=None)


def _spelled(value: Any) -> Any:
    if isinstance(value, list):
        return [_spelled(member) for member in value]
    if not isinstance(value, Mapping):
        return value
    match list(value.items()):
        case [("Ref", name)]:
            return f"${{{name}}}"
        case [("Fn::GetAtt", [name, attribute])]:
            return f"${{{name}.{attribute}}}"
        case [("Fn::Sub", str(text))]:
            return text
    return {key: _spelled(member) for key, member in value.items()}
