"""A YAML document whose every value knows the line that it came from."""

import re
import shlex
from collections.abc import Collection, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path

import yaml

from model.dataset import characters, shown
from model.limits import DIGITS, LEVELS, RANGE, is_in_range, short, significant_digits, within
from model.messages import Attribute
from seed.yaml_nodes import DEEPEST, LIST, MAPPING, PLAIN, TEXT, TooDeep, compose

# Some 30,000 short messages, which take 150 MB of memory.
MOST_BYTES = 2_000_000
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
        self._refuse_other_tags_than(MAPPING)
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
        if self._node.value == "<<" and self._node.tag == PLAIN:
            raise self.error(
                "merge keys (<<) are not supported; write the keys themselves, or '<<' in quotes "
                "for an attribute of that name"
            )
        return self.text()

    def items(self, each: str) -> "list[Value]":
        """The members of a list, each named ``each`` and its number from 1."""
        if not isinstance(self._node, yaml.SequenceNode):
            raise self.error("must be a list")
        self._refuse_other_tags_than(LIST)
        return [Value(self._file, node, f"{each} {number}") for number, node in enumerate(self._node.value, 1)]

    def named(self, name: str) -> "Value":
        """This value under another name for its errors."""
        return Value(self._file, self._node, name)

    def text(self) -> str:
        """A scalar as text; what is a number, a truth value or null without quotes is refused."""
        if not isinstance(self._node, yaml.ScalarNode):
            raise self.error("must be text")
        text = self._text()
        if self._node.tag != PLAIN:
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
            raise self.error(f"stands for more than {_VALUES} values; is an alias repeated?")
        if isinstance(self._node, yaml.ScalarNode):
            return self._scalar()
        try:
            inner = within(levels)
        except ValueError as error:
            raise self.error(error) from None
        if isinstance(self._node, yaml.SequenceNode):
            self._refuse_other_tags_than(LIST)
            members = (Value(self._file, node, self._name) for node in self._node.value)
            return [member._attribute(inner, values_left) for member in members]
        return {k: v._attribute(inner, values_left) for k, v in self.entries()}

    def _scalar(self) -> Attribute:
        text = self._text()
        if self._node.tag != PLAIN:
            return text
        if text in _NULLS:
            raise self.error("null cannot be stored; leave the attribute out, or if it is text, put it in quotes")
        if text in _TRUTH:
            return _TRUTH[text]
        return self._number(text) if _LIKE_A_NUMBER.fullmatch(text) else text

    def _text(self) -> str:
        """What is written, whether it is text or not."""
        self._refuse_other_tags_than(TEXT, PLAIN)
        try:
            return characters(str(self._node.value))
        except ValueError as error:
            raise self.error(error) from None

    def _number(self, text: str) -> Decimal:
        # The text of the file, not YAML's float: 0.1 stays 0.1.
        if not _NUMBER.fullmatch(text):
            raise self.error(f"{shown(text)} is not a decimal number; if it is text, put it in quotes")
        try:
            number = Decimal(text)
        except InvalidOperation:  # the exponent is beyond Decimal's own range
            raise self.error(f"{short(text)} is beyond {RANGE}") from None
        if significant_digits(number) > DIGITS:
            raise self.error(f"{short(text)} has more than {DIGITS} digits")
        if not is_in_range(number):
            raise self.error(f"{short(text)} is beyond {RANGE}")
        return number

    def _refuse_other_tags_than(self, *tags: str) -> None:
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
        node = compose(_content(file, most).decode())
    except UnicodeDecodeError as error:
        raise SeedError(f"{file}: is not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise SeedError(f"{file}: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise SeedError(f"{file}{line}: {_problem(error)}") from None
    except yaml.YAMLError as error:
        raise SeedError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from None
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


def _problem(error: yaml.MarkedYAMLError) -> str:
    if isinstance(error, TooDeep):
        return f"is nested deeper than {DEEPEST} levels"
    if error.problem == "but found another document":
        return "a second document begins here; a seed is one"
    return f"not valid YAML: {error.problem}"
