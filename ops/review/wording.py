"""A template in one plain form, its values in words, and where two of them differ. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Template = Mapping[str, Any]
TYPES: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("resource_types.yaml").read_text())
# A hash of an asset, which every change of its content changes.
HASH = re.compile(r"[0-9a-f]{64}")
# The hash that the CDK appends to the path of a construct.
_ID_HASH = re.compile(r"(?<=[A-Za-z])[0-9A-F]{8}$")
_BOOTSTRAP = {"BootstrapVersion", "CheckBootstrapVersion"}
# What tells the elements of a list apart, where all of them have it and no two the same.
_NAMES = "Region IndexName AttributeName RuleName Sid PolicyName DestinationBackupVaultArn Key Id Name".split()
_SHOWN, _COMMON = 60, 10  # characters of a value, and those of them that the other value has too


def normalised(template: Template) -> dict[str, Any]:
    """The template without hashes of assets, the CDK's own metadata and its bootstrap check."""
    sections = {}
    for name, section in template.items():
        if isinstance(section, Mapping):
            section = {key: value for key, value in section.items() if key not in _BOOTSTRAP}
        if section:
            sections[name] = _plain(section)
    for resource in sections.get("Resources", {}).values():
        if description := resource.pop("Metadata", {}).get("Description"):
            resource["Metadata"] = {"Description": description}
    return sections


def _plain(value: Any) -> Any:
    match value:
        case {"Fn::Join": [str(separator), list(parts)]} if (text := _joined(separator, parts)) is not None:
            return _plain({"Fn::Sub": text})
        case {"Fn::Sub": str(text)} if "${" not in text:
            return _plain(text)
        case Mapping():
            return {key: _widgets(one) if key == "DashboardBody" else _plain(one) for key, one in value.items()}
        case list() if value and all(isinstance(one, Mapping) and set(one) == {"Key", "Value"} for one in value):
            return {tag["Key"]: _plain(tag["Value"]) for tag in value}
        case list():
            return [_plain(member) for member in value]
        case str():
            return HASH.sub("<hash>", value)
    return value


def _joined(separator: str, parts: list[Any]) -> str | None:
    """A join as the text of the ``Fn::Sub`` that says the same; None where there is none."""
    texts = []
    for part in parts:
        match part:
            case str():
                texts.append(part.replace("${", "${!"))
            case {"Ref": name}:
                texts.append(f"${{{name}}}")
            case {"Fn::GetAtt": [id, attribute]}:
                texts.append(f"${{{id}.{attribute}}}")
            case _:
                return None
    return separator.join(texts)


def _widgets(body: Any) -> Any:
    """The titles of a dashboard's widgets, without their places."""
    joined = _plain(body)
    text = joined.get("Fn::Sub", "") if isinstance(joined, Mapping) else str(joined)
    try:
        widgets = [widget.get("properties", {}) for widget in json.loads(text)["widgets"]]
    except (ValueError, KeyError, TypeError):
        return joined
    return [one.get("title") or one.get("markdown", "").splitlines()[0] for one in widgets]


def in_region(template: Template, region: str | None) -> Template:
    """The template with the names of a known region and its partition in place of references."""
    if not region:
        return template
    partition = next((name for begin, name in TYPES["partitions"].items() if region.startswith(begin)), "aws")
    text = json.dumps(template)
    for name, word in (("AWS::Region", region), ("AWS::Partition", partition)):
        text = text.replace(json.dumps({"Ref": name}), json.dumps(word)).replace(f"${{{name}}}", word)
    return json.loads(text)  # type: ignore[no-any-return]


def short(logical_id: str) -> str:
    """A logical id without its hash: ``MessagesTable``, not ``MessagesTable9E4E97A0``."""
    return _ID_HASH.sub("", logical_id)


def titled(logical_id: str, resource: Mapping[str, Any]) -> str:
    """``MessagesTable (AWS::DynamoDB::GlobalTable)``."""
    return f"{short(logical_id)} ({resource['Type']})"


def listed(value: Any) -> list[Any]:
    """What may be given alone or as a list, as a list."""
    return value if isinstance(value, list) else [value]


def spelled(value: Any) -> str:
    """A value in words: names for references, ``<region>`` for what AWS fills in."""
    match value:
        case list():
            return ", ".join(map(spelled, value))
        case {"Ref": name}:
            return _reference(name)
        case {"Fn::GetAtt": name}:
            return _reference(".".join(listed(name)))
        case {"Fn::Join": [separator, list(parts)]}:
            return str(separator).join(map(spelled, parts))
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{([^}!]+)\}", lambda found: _reference(found.group(1)), text)
        case {"Fn::Select": [place, parts]}:
            return f"<part {place} of {spelled(parts)}>"
        case {"Fn::Split": [_, text]}:
            return spelled(text)
        case Mapping():
            return f"{{{', '.join(f'{key}: {spelled(member)}' for key, member in value.items())}}}"
        case None | bool():
            return json.dumps(value)
    return str(value)


def _reference(name: str) -> str:
    """A logical id, or ``Id.Attribute``: a resource is known by its ARN."""
    if name.startswith("AWS::"):
        return f"<{re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', name.removeprefix('AWS::')).lower()}>"
    logical_id, _, attribute = name.partition(".")
    return short(logical_id) + (f".{attribute}" if attribute not in ("", "Arn") else "")


def is_function(value: Any) -> bool:
    """Whether a value is a reference or another function of CloudFormation."""
    return isinstance(value, Mapping) and any(key == "Ref" or key.startswith("Fn::") for key in value)


def differences(old: Any, new: Any) -> Iterator[str]:
    """``path: was → now`` for every value that is not the same; an element of a list is known by its name."""
    before, after = dict(_values("", old)), dict(_values("", new))
    for path in dict.fromkeys([*before, *after]):
        if before.get(path) != after.get(path):
            yield f"{path}: {' → '.join(_apart(before.get(path), after.get(path)))}"


def _values(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The values at the ends of a property, each with its path: ``Replicas[eu-west-1].ReadCapacityUnits``."""
    if isinstance(value, Mapping) and not is_function(value) and (value or not path):
        for key, member in value.items():
            yield from _values(f"{path}.{key}" if path else key, member)
    elif isinstance(value, list) and any(isinstance(one, Mapping) and not is_function(one) for one in value):
        for name, member in zip(_names(value), value, strict=True):
            yield from _values(f"{path}[{name}]", member)
    else:
        yield path, value


def _names(elements: list[Any]) -> list[str]:
    """What tells the elements of a list apart: a property that all have and no two share, or their places."""
    for key in _NAMES:
        # The name at the end of an ARN tells it from others.
        names = [spelled(one[key]).rpartition(":")[2] for one in elements if isinstance(one, Mapping) and key in one]
        if len(set(names)) == len(elements):
            return names
    return list(map(str, range(len(elements))))


def _apart(*values: Any) -> list[str]:
    """Two different values on one line each; long ones from a little before the place where they differ."""
    texts = ["nothing" if one is None else " ".join(spelled(one).split()) for one in values]
    if texts[0] == texts[1]:  # the words leave out hashes of names, and the types of values
        texts = list(map(json.dumps, values))
    begin = next((at for at, (one, other) in enumerate(zip(*texts, strict=False)) if one != other), 0) - _COMMON
    if begin > 0 and max(map(len, texts)) > _SHOWN:
        texts = [f"...{text[begin:]}" for text in texts]
    return [text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..." for text in texts]
