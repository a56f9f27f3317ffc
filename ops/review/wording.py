"""A template in one plain form, its values in words, and where two of them differ. Pure."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Template = Mapping[str, Any]
_TYPES = yaml.safe_load(Path(__file__).with_name("resource_types.yaml").read_text())
CREATE_ONLY: dict[str, list[str]] = _TYPES["create_only"]
HOLDS: dict[str, str] = _TYPES["holds"]
POLICY_OF: dict[str, str] = _TYPES["policy_of"]
# A hash of an asset, which every change of its content changes.
HASH = re.compile(r"[0-9a-f]{64}")
# The hash that the CDK appends to the path of a construct.
_ID_HASH = re.compile(r"(?<=[A-Za-z])[0-9A-F]{8}$")
_BOOTSTRAP = {"BootstrapVersion", "CheckBootstrapVersion"}
# What tells the elements of a list apart, where all of them have it and no two the same.
_NAMES = "Region IndexName AttributeName RuleName Sid PolicyName DestinationBackupVaultArn Key Id Name".split()
_SHOWN, _COMMON = 60, 10  # characters of a value, and those of them that the other value has too
# https://docs.aws.amazon.com/general/latest/gr/rande.html
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov", "eusc-": "aws-eusc"}


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
        if set(value) == {"Fn::Sub"} and isinstance(value["Fn::Sub"], str) and "${" not in value["Fn::Sub"]:
            return _plain(value["Fn::Sub"])
        return {key: _widgets(member) if key == "DashboardBody" else _plain(member) for key, member in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(one, Mapping) and set(one) == {"Key", "Value"} for one in value):
            return {tag["Key"]: _plain(tag["Value"]) for tag in value}
        return [_plain(member) for member in value]
    return HASH.sub("<hash>", value) if isinstance(value, str) else value


def _joined(separator: str, parts: Any) -> Any:
    """A join as the text or ``Fn::Sub`` that says the same; None where there is none."""
    if not isinstance(parts, list):
        return None
    if all(isinstance(part, str) for part in parts):
        return separator.join(parts)
    texts = []
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
    partition = next((name for begin, name in _PARTITIONS.items() if region.startswith(begin)), "aws")
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
    if isinstance(value, list):
        return ", ".join(map(spelled, value))
    if not isinstance(value, Mapping):
        return json.dumps(value) if value is None or isinstance(value, bool) else str(value)
    if len(value) == 1:
        ((function, argument),) = value.items()
        if function == "Ref":
            return _reference(argument)
        if function == "Fn::GetAtt":
            return _reference(".".join(listed(argument)))
        if function == "Fn::Join":
            return str(argument[0]).join(map(spelled, argument[1]))
        if function == "Fn::Sub" and isinstance(argument, str):
            return re.sub(r"\$\{([^}!]+)\}", lambda found: _reference(found.group(1)), argument)
        if function == "Fn::Select":
            return f"<part {argument[0]} of {spelled(argument[1])}>"
        if function == "Fn::Split":
            return spelled(argument[1])
    return f"{{{', '.join(f'{key}: {spelled(member)}' for key, member in value.items())}}}"


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
            yield "{}: {} → {}".format(path, *_apart(before.get(path), after.get(path)))


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
        names = [spelled(one[key]) for one in elements if isinstance(one, Mapping) and key in one]
        if len(set(names)) == len(elements):
            # The end of an ARN tells it from others.
            return [name if len(name) <= _SHOWN else f"...{name[3 - _SHOWN :]}" for name in names]
    return list(map(str, range(len(elements))))


def _apart(old: Any, new: Any) -> tuple[str, str]:
    """Two different values; long ones from a little before the place where they differ."""
    was, now = _text(old), _text(new)
    if was == now:  # the words leave out hashes of names, and the types of values
        was, now = json.dumps(old), json.dumps(new)
    alike = next((at for at, (one, other) in enumerate(zip(was, now, strict=False)) if one != other), 0)
    begin = alike - _COMMON if alike > _COMMON and max(len(was), len(now)) > _SHOWN else 0
    return _cut(was, begin), _cut(now, begin)


def _cut(text: str, begin: int) -> str:
    text = f"{'...' if begin else ''}{text[begin:]}"
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _text(value: Any) -> str:
    # On one line: it may stand in a comment, between fences.
    return "nothing" if value is None else " ".join(spelled(value).split())
