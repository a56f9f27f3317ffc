"""A YAML document whose every value knows the line that it came from."""

from collections.abc import Collection, Iterator
from pathlib import Path

import yaml


class SeedError(Exception):
    """The seed file is wrong; the text names file, line, value and rule."""


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
                raise value.error(f"unknown key {key!r}; known are {', '.join(allowed)}")
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
            key = Value(self._file, key_node, self._name).text()
            if key in seen:
                raise Value(self._file, key_node, self._name).error(f"key {key!r} appears twice")
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
        if self._node.tag.rsplit(":", 1)[-1] not in ("str", "timestamp"):
            raise self.error(f"{self._node.value!r} is not text; put it in quotes")
        return str(self._node.value)


Fields = dict[str, Value]


def load(file: Path) -> Value:
    """The document of ``file``, parsed but not yet checked.

    Only the node graph is built, so an alias is a reference, never a copy, and
    no tag constructs anything. Raises SeedError.
    """
    try:
        node = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise SeedError(f"{file}: is not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise SeedError(f"{file}: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise SeedError(f"{file}{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise SeedError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from None
    if node is None:
        raise SeedError(f"{file}: is empty; it needs users, start, every and messages")
    return Value(file, node, "file")
