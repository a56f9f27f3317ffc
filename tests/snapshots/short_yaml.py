"""A template as YAML for people: normalised, in CloudFormation's short forms."""

from collections.abc import Mapping
from typing import Any

import yaml

from ops.review.wording import normalised

_WIDTH = 100


def to_yaml(template: Mapping[str, Any]) -> str:
    """The normalised template as YAML in CloudFormation's short forms, ``!Ref`` and ``!GetAtt``."""
    return yaml.dump(
        _tagged(normalised(template)),
        Dumper=_Dumper,
        sort_keys=False,
        width=_WIDTH,
        allow_unicode=True,
        default_flow_style=None,
    )


class _Short:
    """An intrinsic function in its short form."""

    def __init__(self, tag: str, value: Any) -> None:
        self.tag, self.value = tag, value


class _Dumper(yaml.SafeDumper):
    """Lists indented below their key; no anchors, which nobody wants to follow."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


def _represent_short(dumper: yaml.SafeDumper, short: _Short) -> yaml.Node:
    if isinstance(short.value, str):
        return dumper.represent_scalar(short.tag, short.value)
    return dumper.represent_sequence(short.tag, short.value, flow_style=True)


_Dumper.add_representer(_Short, _represent_short)


def _tagged(value: Any) -> Any:
    if isinstance(value, Mapping):
        if len(value) == 1:
            ((key, member),) = value.items()
            if key == "Ref" or (key.startswith("Fn::") and isinstance(member, str | list)):
                short = ".".join(member) if key == "Fn::GetAtt" else _tagged(member)
                return _Short(f"!{key.removeprefix('Fn::')}", short)
        return {key: _tagged(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_tagged(member) for member in value]
    return value
