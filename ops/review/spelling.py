"""How a person reads what a template refers to: by short names. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

# The hash that the CDK appends to the path of a construct.
_HASHED = re.compile(r"(?<=[A-Za-z])[0-9A-F]{8}$")
_PSEUDO = re.compile(r"^AWS::")


def short(logical_id: str) -> str:
    """A logical id without its hash: ``MessagesTable``, not ``MessagesTable9E4E97A0``."""
    return _HASHED.sub("", logical_id)


def spelled(value: Any) -> str:
    """A value of a template in words: names for references, ``<region>`` for what AWS fills in."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return _plain(value)
    ((function, argument),) = value.items()
    if function == "Ref":
        return _reference(argument)
    if function == "Fn::GetAtt":
        name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
        return short(name) if attribute == "Arn" else f"{short(name)}.{attribute}"
    if function == "Fn::Join":
        return str(argument[0]).join(map(spelled, argument[1]))
    if function == "Fn::Sub" and isinstance(argument, str):
        return re.sub(r"\$\{([^}!]+)\}", lambda found: _in_text(found.group(1)), argument)
    if function == "Fn::Select":
        return f"<part {argument[0]} of {spelled(argument[1])}>"
    if function == "Fn::Split":
        return spelled(argument[1])
    return _plain(value)


def _plain(value: Any) -> str:
    """A value that refers to nothing, as a template has it."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {spelled(member)}' for key, member in value.items())}}}"
    if isinstance(value, list):
        return ", ".join(map(spelled, value))
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def _in_text(name: str) -> str:
    if "." in name:
        logical_id, attribute = name.split(".", 1)
        return spelled({"Fn::GetAtt": [logical_id, attribute]})
    return _reference(name)


def _reference(name: str) -> str:
    if name.startswith("AWS::"):
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", _PSEUDO.sub("", name)).lower()
        return f"<{words}>"
    return short(name)
