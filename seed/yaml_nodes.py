"""YAML text as a graph of nodes with their lines; nothing is constructed, whatever a tag says."""

from typing import Any

import yaml
from yaml.composer import Composer

from model.limits import short

# In the file: an attribute's levels, and the few that a seed has around them.
DEEPEST = 64
# The tag of a scalar without quotes and without a tag: what it is follows from its text.
PLAIN = "plain"
TEXT, LIST, MAPPING = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))


class TooDeep(yaml.MarkedYAMLError):
    """The text is nested deeper than DEEPEST levels."""


class _Nodes(Composer):
    """Composes nodes from a parser's events."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """The next node, with those in it; stops long before Python's recursion would."""
        if parent and self._depth == DEEPEST:
            raise TooDeep(problem_mark=parent.start_mark)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def resolve(self, kind: type[yaml.Node], _value: Any, implicit: Any) -> str:
        """The tag of a node that spells out none; not as in YAML 1.1, where ``no`` is false."""
        if kind is yaml.ScalarNode:
            return PLAIN if implicit[0] else TEXT
        return LIST if kind is yaml.SequenceNode else MAPPING


class _Loader(_Nodes, yaml.SafeLoader):
    """Says with its line what would end in an error of Python's own."""

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


class _FastLoader(_Nodes, yaml.CSafeLoader):
    """Parses with libyaml, which comes with PyYAML's wheels."""

    def __init__(self, text: str) -> None:
        yaml.CSafeLoader.__init__(self, text)
        Composer.__init__(self)


def compose(text: str) -> yaml.Node | None:
    """The root of the one document in ``text``; None for an empty text.

    An alias is a reference to its anchor's node, never a copy. Raises
    yaml.YAMLError, TooDeep among them.
    """
    try:
        return yaml.compose(text, Loader=_FastLoader)
    except yaml.YAMLError:
        # PyYAML's own parser says more about mistakes, and reads a pair of
        # surrogates, as JSON has it, which libyaml refuses.
        return yaml.compose(text, Loader=_Loader)
