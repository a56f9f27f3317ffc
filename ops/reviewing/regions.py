"""Templates of stacks whose region is known, with its name in the place of references. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from ops.reviewing.normal import normalised

Template = Mapping[str, Any]
_REGION = "AWS::Region"


def in_region(template: Template, region: str | None) -> Template:
    """The template with the region in the place of every reference to it, where it is known."""
    return dict(_placed(template, region)) if region else template


def settled(before: Template, after: Template, region: str | None) -> str:
    """That the change fixes the region of a stack, or frees it; empty where it does neither."""
    was, now = (_REGION not in json.dumps(one["Resources"]) for one in (before, after))
    if not before["Resources"] or not after["Resources"] or was == now:
        return ""
    where = f"region {region}" if region else "a region"
    if now:
        return f"now fixed to {where}: it was deployed where the credentials said"
    return f"no longer fixed to {where}: it is deployed where the credentials say"


def are_alike(one: Template, region: str | None, other: Template, elsewhere: str | None) -> bool:
    """Whether two templates have the same resources, each for its own region."""
    return _anywhere(one, region) == _anywhere(other, elsewhere)


def _anywhere(template: Template, region: str | None) -> str:
    text = json.dumps(normalised(in_region(template, region)).get("Resources"), sort_keys=True)
    return text.replace(region, "<region>") if region else text


def _placed(value: Any, region: str) -> Any:
    if isinstance(value, list):
        return [_placed(member, region) for member in value]
    if not isinstance(value, Mapping):
        return value
    if value == {"Ref": _REGION}:
        return region
    text = value.get("Fn::Sub")
    if len(value) == 1 and isinstance(text, str):
        text = text.replace(f"${{{_REGION}}}", region)
        return {"Fn::Sub": text} if "${" in text else text
    return {key: _placed(member, region) for key, member in value.items()}
