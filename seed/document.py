"""A YAML document as plain values that know their lines.

Nothing is constructed, whatever a tag says: a scalar without quotes is read by the rules of YAML 1.2
(https://yaml.org/spec/1.2.2/#103-core-schema), where "no" and "on" are text, and numbers are exact.
"""

import re
import shlex
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from model.dataset import shown
from model.messages import short

# Some 30,000 short messages, which take 150 MB of memory.
MOST_BYTES = 2_000_000
# More than such a file has. An alias is a reference to its anchor's node: few lines can stand for billions of values.
_VALUES = 1_000_000
# The tag of a scalar without quotes and without a tag: its text decides what it is.
_PLAIN = "plain"
_TEXT, _LIST, _MAPPING = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))
_WORDS = dict.fromkeys(("", "~", "null", "Null", "NULL")) | {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
_NUMBER = re.compile(r"[-+]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
# Numbers that YAML 1.1 and 1.2 read differently (octal, hexadecimal, binary, 1_000, 12:30, infinity), and 08.
_LIKE_A_NUMBER = re.compile(
    r"[-+]?(\d[\d_]*(\.[\d_]*)?|\.\d[\d_]*)([eE][-+]?\d+)?"
    r"|[-+]?0(o[0-7_]+|x[\da-fA-F_]+|b[01_]+)"
    r"|[-+]?\d[\d_]*(:[0-5]?\d)+(\.[\d_]*)?"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    re.ASCII,
)


class SeedError(Exception):
    """The seed is not valid: one line with file, line, value and rule, control characters escaped."""

    def __init__(self, text: str) -> None:
        super().__init__("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text))


class Entries(dict[str, Any]):
    """A mapping, with the line on which it begins and those of its values."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


def load(file: Path, *, most: int | None = MOST_BYTES) -> Entries:
    """The document of ``file``. Raises SeedError, also for a file of more than ``most`` bytes."""
    try:
        with file.open("rb") as source:
            content = source.read(-1 if most is None else most + 1)
        if most is not None and len(content) > most:
            raise SeedError(
                f"{file}: is larger than {most} bytes, the limit for a YAML seed; convert it to a dataset and set "
                f"seed_dataset to it: python -m seed {shlex.quote(str(file))} --dataset > messages.jsonl"
            )
        node = yaml.compose(content.decode("utf-8-sig"), Loader=_Loader)
        root = _Reader(file).value(node) if node else None
    except UnicodeDecodeError as error:
        raise SeedError(f"{file}: is not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise SeedError(f"{file}: {error.strerror}") from None
    except RecursionError:
        raise SeedError(f"{file}: is nested too deeply") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        parts = (getattr(error, "context", None), getattr(error, "problem", None) or error)
        problem = " ".join(" ".join(map(str, filter(None, parts))).split())
        raise SeedError(f"{file}{line}: not valid YAML: {problem}") from None
    if not isinstance(root, Entries):
        raise SeedError(f"{file}: is {'empty' if root is None else 'not a mapping'}; it needs users and messages")
    return root


class _Loader(yaml.CSafeLoader):
    def resolve(self, kind: type[yaml.Node], _value: Any, implicit: Any) -> str:
        """The tag of a node that has none; not as in YAML 1.1, where ``no`` is false."""
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TEXT
        return _LIST if kind is yaml.SequenceNode else _MAPPING


class _Reader:
    """Turns the nodes of one file into values."""

    def __init__(self, file: Path) -> None:
        self._file, self._count = file, 0

    def value(self, node: yaml.Node) -> Any:
        self._count += 1
        if self._count > _VALUES:
            raise self._error(node, f"has more than {_VALUES} values; check the aliases")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, _LIST)
            return [self.value(member) for member in node.value]
        self._check_tag(node, _MAPPING)
        entries = Entries(node.start_mark.line + 1)
        for key_node, member in node.value:
            key = self._key(key_node)
            if key in entries:
                raise self._error(key_node, f"key {shown(key)} appears twice")
            entries[key] = self.value(member)
            entries.lines[key] = member.start_mark.line + 1
        return entries

    def _key(self, node: yaml.Node) -> str:
        if node.value == "<<" and node.tag == _PLAIN:
            raise self._error(
                node,
                "merge keys (<<) are not supported; write the keys themselves, or '<<' in quotes "
                "for an attribute of that name",
            )
        key = self.value(node)
        if not isinstance(key, str):
            raise self._error(node, f"key {shown(node.value)} is not text; put it in quotes")
        return key

    def _scalar(self, node: yaml.Node) -> Any:
        self._check_tag(node, _TEXT, _PLAIN)
        text = str(node.value)
        if node.tag != _PLAIN:
            return text
        if text in _WORDS:
            return _WORDS[text]
        if not _LIKE_A_NUMBER.fullmatch(text):
            return text
        if not _NUMBER.fullmatch(text):
            raise self._error(node, f"{shown(text)} is not a decimal number; if it is text, put it in quotes")
        try:
            return Decimal(text)  # of the file's text, not of YAML's float: 0.1 stays 0.1
        except InvalidOperation:
            raise self._error(node, f"{short(text)}: the exponent has too many digits") from None

    def _check_tag(self, node: yaml.Node, *tags: str) -> None:
        if (tag := str(node.tag)) not in tags:
            spelled = re.sub("^tag:yaml.org,2002:", "!!", tag)
            raise self._error(node, f"the tag {short(spelled)} is not supported; write the value without it")

    def _error(self, node: yaml.Node, problem: str) -> SeedError:
        return SeedError(f"{self._file}:{node.start_mark.line + 1}: {problem}")
