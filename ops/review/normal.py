"""A template in one form, in which equal things are equal: for snapshots and comparisons. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

Template = Mapping[str, Any]
# What every deployment of the same source has anew, or what the CDK CLI needs and nobody reviews.
HASH = re.compile(r"[0-9a-f]{64}")
_BOOTSTRAP = {"BootstrapVersion", "CheckBootstrapVersion"}


def normalised(template: Template) -> dict[str, Any]:
    """The template without hashes of assets, the CDK's own metadata and its bootstrap check."""
    sections = {}
    for name, section in template.items():
        if isinstance(section, Mapping):
            section = {key: value for key, value in section.items() if key not in _BOOTSTRAP}
        if section:
            sections[name] = _plain(section)
    for resource in sections.get("Resources", {}).values():
        description = resource.pop("Metadata", {}).get("Description")
        if description:
            resource["Metadata"] = {"Description": description}
    return sections


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {"Fn::Join"} and (text := _joined(*value["Fn::Join"])) is not None:
            return _plain(text) if isinstance(text, str) else text
        return {key: _widgets(member) if key == "DashboardBody" else _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(one, Mapping) and set(one) == {"Key", "Value"} for one in value):
            return {tag["Key"]: _plain(tag["Value"]) for tag in value}
        return [_plain(member) for member in value]
    if isinstance(value, str):
        return HASH.sub("<hash>", value)
    return value


def _joined(separator: str, parts: Any) -> Any:
    """A join as the one text or ``Fn::Sub`` that says the same; None where there is none."""
    texts, parts = [], parts if isinstance(parts, list) else [parts]
    if all(isinstance(part, str) for part in parts):
        return separator.join(parts)
    for part in parts:
        if isinstance(part, str):
            texts.append(part.replace("${", "${!"))
        elif isinstance(part, Mapping) and set(part) == {"Ref"}:
            texts.append(f"${{{part['Ref']}}}")
        elif isinstance(part, Mapping) and set(part) == {"Fn::GetAtt"}:
            texts.append(f"${{{'.'.join(part['Fn::GetAtt'])}}}")
        else:
            return None
    return {"Fn::Sub": separator.join(texts)}


def _widgets(body: Any) -> Any:
    """What a dashboard shows: the titles of its widgets, and not where they stand."""
    joined = _plain(body)
    text = joined.get("Fn::Sub", "") if isinstance(joined, Mapping) else str(joined)
    try:
        widgets = json.loads(text)["widgets"]
    except (ValueError, KeyError, TypeError):
        return joined
    return [
        properties.get("title") or properties.get("markdown", "").splitlines()[0]
        for properties in (widget.get("properties", {}) for widget in widgets)
    ]
