"""A YAML document whose every value knows the line that it came from.

Nothing is constructed, whatever a tag says: plain values are read by the rules of YAML 1.2.
"""

import re
import shlex
from collections.abc import Collection, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer

from model.dataset import shown
from model.messages import LEVELS, Attribute, number_problem, short, within

# Some 30,000 short messages, which take 150 MB of memory.
MOST_BYTES = 2_000_000
# The tag of a scalar without quotes and without a tag: its text decides what it is.
_PLAIN = "plain"
_TEXT, _LIST, _MAPPING = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))
# An alias is a reference to its anchor's node, so few lines can stand for
# billions of values. No item that fits DynamoDB has so many.
_VALUES = 400_000
# What a scalar without quotes is follows from YAML 1.2
# (https://yaml.org/spec/1.2.2/#103-core-schema), where "no" and "on" are text.
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTH = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBER = re.compile(r"[-+]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
# A number to readers of YAML 1.1 or 1.2, not always the same one: octal,
# hexadecimal and binary, 1_000, sixties as in 12:30, infinity. 08 is none to either.
_LIKE_A_NUMBER = re.compile(
    r"[-+]?(\d[\d_]*(\.[\d_]*)?|\.\d[\d_]*)([eE][-+]?\d+)?"
    r"|[-+]?0(o[0-7_]+|x[\da-fA-F_]+|b[01_]+)"
    r"|[-+]?\d[\d_]*(:[0-5]?\d)+(\.[\d_]*)?"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    re.ASCII,
)


class SeedError(Exception):
    """The seed is wrong; the text names file, line, value and rule.

    It is one line, in which a terminal acts on nothing that stands in the file.
    """

    def __init__(self, text: str) -> None:
        super().__init__("".join(map(_printable, text)))


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode()


class Value:
    """One value of the document: a mapping, a list or a scalar."""

    def __init__(self, file: Path, node: yaml.Node, name: str) -> None:
        self._file, self._node, self._name = file, node, name

    def error(self, problem: object) -> SeedError:
        """``problem`` with file, line and the name of this value in front."""
        line = self._node.start_mark.line + 1
        return SeedError(f"{self._file}:{line}: {self._name}: {problem}")

    def fields(self, required: Collection[str], optional: Collection[str] = ()) -> "Fields":
        """The entries of a mapping that has all required keys and no unknown ones."""
        found = dict(self.entries())
        allowed = [*required, *optional]
        for key, value in found.items():
            if key not in allowed:
                raise value.error(f"unknown key {shown(key)}; known are {', '.join(allowed)}")
        for key in required:
            if key not in found:
                raise self.error(f"{key!r} is missing")
        return found

    def entries(self) -> Iterator[tuple[str, "Value"]]:
        """The keys and values of a mapping, in the order of the file."""
        if not isinstance(self._node, yaml.MappingNode):
            raise self.error("must be a mapping of keys to values")
        self._check_tag(_MAPPING)
        seen = set()
        for key_node, node in self._node.value:
            named = Value(self._file, key_node, self._name)
            key = named._key()
            if key in seen:
                raise named.error(f"key {shown(key)} appears twice")
            seen.add(key)
            yield key, Value(self._file, node, self._name)

    def _key(self) -> str:
        if self._node.value == "":
            raise self.error("a key is empty")
        if self._node.value == "<<" and self._node.tag == _PLAIN:
            raise self.error(
                "merge keys (<<) are not supported; write the keys themselves, or '<<' in quotes "
                "for an attribute of that name"
            )
        return self.text()

    def items(self, each: str) -> "list[Value]":
        """The members of a list, each named ``each`` and its number from 1."""
        if not isinstance(self._node, yaml.SequenceNode):
            raise self.error("must be a list")
        self._check_tag(_LIST)
        return [Value(self._file, node, f"{each} {number}") for number, node in enumerate(self._node.value, 1)]

    def named(self, name: str) -> "Value":
        """This value under another name for its errors."""
        return Value(self._file, self._node, name)

    def text(self) -> str:
        """A scalar as text; what is a number, a truth value or null without quotes is refused."""
        if not isinstance(self._node, yaml.ScalarNode):
            raise self.error("must be text")
        text = self._text()
        if self._node.tag != _PLAIN:
            return text
        if not text:
            raise self.error("has no value; must be text")
        if text in _NULLS or text in _TRUTH or _LIKE_A_NUMBER.fullmatch(text):
            raise self.error(f"{shown(text)} is not text; put it in quotes")
        return text

    def attribute(self) -> Attribute:
        """The value as DynamoDB stores it: text, number, truth value, list or map."""
        return self._attribute(LEVELS, [_VALUES])

    def _attribute(self, levels: int, values_left: list[int]) -> Attribute:
        values_left[0] -= 1
        if values_left[0] < 0:
            raise self.error(f"has more than {_VALUES} values; is an alias repeated?")
        if isinstance(self._node, yaml.ScalarNode):
            return self._scalar()
        try:
            inner = within(levels)
        except ValueError as error:
            raise self.error(error) from None
        if isinstance(self._node, yaml.SequenceNode):
            self._check_tag(_LIST)
            members = (Value(self._file, node, self._name) for node in self._node.value)
            return [member._attribute(inner, values_left) for member in members]
        return {k: v._attribute(inner, values_left) for k, v in self.entries()}

    def _scalar(self) -> Attribute:
        text = self._text()
        if self._node.tag != _PLAIN:
            return text
        if text in _NULLS:
            raise self.error("null cannot be stored; leave the attribute out, or if it is text, put it in quotes")
        if text in _TRUTH:
            return _TRUTH[text]
        return self._number(text) if _LIKE_A_NUMBER.fullmatch(text) else text

    def _text(self) -> str:
        """The characters of a scalar, whether it is text or not."""
        self._check_tag(_TEXT, _PLAIN)
        return str(self._node.value)

    def _number(self, text: str) -> Decimal:
        # The text of the file, not YAML's float: 0.1 stays 0.1.
        if not _NUMBER.fullmatch(text):
            raise self.error(f"{shown(text)} is not a decimal number; if it is text, put it in quotes")
        try:
            number = Decimal(text)
            problem = number_problem(number)
        except InvalidOperation:
            problem = "the exponent has too many digits"
        if problem:
            raise self.error(f"{short(text)}: {problem}")
        return number

    def _check_tag(self, *tags: str) -> None:
        tag = str(self._node.tag)
        if tag not in tags:
            spelled = re.sub("^tag:yaml.org,2002:", "!!", tag)
            raise self.error(f"the tag {short(spelled)} is not supported; write the value without it")


Fields = dict[str, Value]


def load(file: Path, *, most: int | None = MOST_BYTES) -> Value:
    """The document of ``file``, parsed but not yet checked.

    Raises SeedError, also for a file of more than ``most`` bytes.
    """
    try:
        node = yaml.compose(_content(file, most).decode("utf-8-sig"), Loader=_Loader)
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
    if node is None:
        raise SeedError(f"{file}: is empty; it needs users and messages")
    return Value(file, node, "file")


def _content(file: Path, most: int | None) -> bytes:
    with file.open("rb") as source:
        content = source.read() if most is None else source.read(most + 1)
    if most is not None and len(content) > most:
        raise SeedError(
            f"{file}: is larger than {most} bytes, and all of a seed in YAML is in memory at every "
            "synth; turn it into a dataset and name that in the setting seed_dataset: "
            f"python -m seed {shlex.quote(str(file))} --dataset > messages.jsonl"
        )
    return content


class _Nodes(Composer):
    def resolve(self, kind: type[yaml.Node], _value: Any, implicit: Any) -> str:
        """The tag of a node that has none; not as in YAML 1.1, where ``no`` is false."""
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _TEXT
        return _LIST if kind is yaml.SequenceNode else _MAPPING


class _Loader(_Nodes, yaml.CSafeLoader):
    """Parses with libyaml; composes in Python, so that ``resolve`` above decides."""

    def __init__(self, text: str) -> None:
        yaml.CSafeLoader.__init__(self, text)
        Composer.__init__(self)
