"""A YAML document whose every value knows the line that it came from."""

import re
from collections.abc import Collection, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from chat.limits import DIGITS, LEVELS, RANGE, is_in_range, short, significant_digits, within
from chat.model import Attribute
from seed.dataset_line import characters, shown

# An alias is a reference to its anchor's node, so few lines can stand for
# billions of values. No item that fits DynamoDB has so many.
_VALUES = 400_000
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
# In the file: an attribute's levels, and the few that a seed has around them.
_DEEPEST = 64


class SeedError(Exception):
    """The seed is wrong; the text names file, line, value and rule."""


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
        seen = set()
        for key_node, node in self._node.value:
            named = Value(self._file, key_node, self._name)
            key = named.text()
            if not key:
                raise named.error("a key is empty")
            if key in seen:
                raise named.error(f"key {shown(key)} appears twice")
            seen.add(key)
            yield key, Value(self._file, node, self._name)

    def items(self, each: str) -> "list[Value]":
        """The members of a list, each named ``each`` and its number from 1."""
        if not isinstance(self._node, yaml.SequenceNode):
            raise self.error("must be a list")
        return [
            Value(self._file, node, f"{each} {number}")
            for number, node in enumerate(self._node.value, 1)
        ]

    def named(self, name: str) -> "Value":
        """This value under another name for its errors."""
        return Value(self._file, self._node, name)

    def text(self) -> str:
        """A scalar as text; what YAML takes for a number, a truth value or null is refused."""
        if not isinstance(self._node, yaml.ScalarNode):
            raise self.error("must be text")
        if self._tag not in ("str", "timestamp"):
            raise self.error(f"{shown(self._node.value)} is not text; put it in quotes")
        try:
            return characters(str(self._node.value))
        except ValueError as error:
            raise self.error(error) from None

    def attribute(self) -> Attribute:
        """The value as DynamoDB stores it: text, number, truth value, list or map."""
        return self._attribute(LEVELS, [_VALUES])

    def _attribute(self, levels: int, values_left: list[int]) -> Attribute:
        values_left[0] -= 1
        if values_left[0] < 0:
            raise self.error(f"stands for more than {_VALUES} values; is an alias repeated?")
        if isinstance(self._node, yaml.ScalarNode):
            return self._scalar()
        try:
            inner = within(levels)
        except ValueError as error:
            raise self.error(error) from None
        if isinstance(self._node, yaml.SequenceNode):
            members = (Value(self._file, node, self._name) for node in self._node.value)
            return [member._attribute(inner, values_left) for member in members]
        return {k: v._attribute(inner, values_left) for k, v in self.entries()}

    def _scalar(self) -> Attribute:
        if self._tag == "bool":
            return str(self._node.value).lower() in ("true", "yes", "on")
        if self._tag in ("int", "float"):
            return self._number(str(self._node.value))
        return self.text()

    def _number(self, text: str) -> Decimal:
        # The text of the file, not YAML's float: 0.1 stays 0.1. YAML's other
        # spellings (octal, 1_000, 1:30) mean different things to different
        # readers of the file.
        if not _NUMBER.fullmatch(text) or re.fullmatch(r"[-+]?0\d+", text):
            raise self.error(
                f"{shown(text)} is not a decimal number; if it is text, put it in quotes"
            )
        try:
            number = Decimal(text)
        except InvalidOperation:  # the exponent is beyond Decimal's own range
            raise self.error(f"{short(text)} is beyond {RANGE}") from None
        if significant_digits(number) > DIGITS:
            raise self.error(f"{short(text)} has more than {DIGITS} digits")
        if not is_in_range(number):
            raise self.error(f"{short(text)} is beyond {RANGE}")
        return number

    @property
    def _tag(self) -> str:
        return str(self._node.tag).rsplit(":", 1)[-1]


Fields = dict[str, Value]


class _TooDeep(yaml.MarkedYAMLError):
    pass


class _Loader(yaml.SafeLoader):
    """Says with its line what would end in an error of Python's own."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The next node, with those in it; stops long before Python's recursion would."""
        if parent and self._depth == _DEEPEST:
            raise _TooDeep(problem_mark=parent.start_mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def scan_flow_scalar_non_spaces(self, double: bool, start_mark: yaml.Mark) -> list[str]:
        """A stretch of a text in quotes, its escapes as characters."""
        try:
            return list(super().scan_flow_scalar_non_spaces(double, start_mark))
        except (ValueError, OverflowError):  # of chr(), the digits still ahead
            problem = f"\\U{self.prefix(8)} is no character; the last is \\U0010FFFF"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=self.get_mark()) from None

    def scan_yaml_directive_number(self, start_mark: yaml.Mark) -> int:
        """One of the two numbers in ``%YAML 1.2``."""
        try:
            return int(super().scan_yaml_directive_number(start_mark))
        except ValueError:  # of int(), the digits still ahead
            problem = f"{short(self.prefix(100))} is no version's number"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=self.get_mark()) from None


def load(file: Path) -> Value:
    """The document of ``file``, parsed but not yet checked.

    Only the node graph is built, so an alias is a reference, never a copy, and
    no tag constructs anything. Raises SeedError.
    """
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), Loader=_Loader)
    except UnicodeDecodeError as error:
        raise SeedError(f"{file}: is not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise SeedError(f"{file}: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        if isinstance(error, _TooDeep):
            raise SeedError(f"{file}{line}: is nested deeper than {_DEEPEST} levels") from None
        raise SeedError(f"{file}{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise SeedError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from None
    if node is None:
        raise SeedError(f"{file}: is empty; it needs users and messages")
    return Value(file, node, "file")
