"""The seed file as validated, rendered items; runs at synth. The same file always gives the same items."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from model.dataset import check_keys, line_item, shown, text_of
from model.messages import Item, format_time, key_of, number_problem, parse_time
from model.time_span import parse_span
from model.users import check_user
from seed.document import MOST_BYTES, Entries, SeedError, load


def load_items(file: Path, *, most: int | None = MOST_BYTES) -> list[Item]:
    """The items of the seed ``file``, in its order. Raises SeedError, which names file, line, message and rule."""
    return list(_Seed(file, load(file, most=most)).items())


class _Seed:
    def __init__(self, file: Path, root: Entries) -> None:
        self._file, self._root, self._seen = file, root, set[tuple[str, str]]()

    def items(self) -> Iterator[Item]:
        root = self._root
        self._check_keys(root, "file", ("users",), ("start", "every", "messages", "conversations"))
        with self._named(root.line, "file"):
            if not {"messages", "conversations"} & root.keys():
                raise ValueError("has neither 'messages' nor 'conversations'")
        with self._named(root.lines["users"], "users"):
            self._users = {alias: text_of(_mapping(root["users"]), alias) for alias in _mapping(root["users"])}
            for name in self._users.values():
                check_user(name)
        times = self._times(root, {}, "")
        if "messages" in root:
            yield from self._group(root, times, "")
        for number, group in enumerate(self._list(root, "conversations", ""), 1):
            name = f"conversation {number}: "
            self._check_keys(group, name[:-2], ("messages",), ("start", "every"))
            yield from self._group(group, self._times(group, times, name), name)

    def _times(self, entries: Entries, outer: Mapping[str, Any], name: str) -> dict[str, Any]:
        """``outer`` with the ``start`` and ``every`` of ``entries``."""
        found = dict(outer)
        for key, read in (("start", parse_time), ("every", parse_span)):
            if key in entries:
                with self._named(entries.lines[key], f"{name}{key}"):
                    found[key] = read(text_of(entries, key))
        return found

    def _group(self, group: Entries, times: Mapping[str, Any], name: str) -> Iterator[Item]:
        for index, message in enumerate(self._list(group, "messages", name)):
            called = f"{name}message {index + 1}"
            self._check_keys(message, called, ("from", "to", "body"), ("at", "id", "attributes"))
            with self._named(message.line, called):
                item = self._item(message, times, index)
                key = key_of(item)
                if key in self._seen:
                    raise ValueError(
                        f"has the same key as an earlier message ({' / '.join(key)}); change 'at' or add an 'id'"
                    )
                self._seen.add(key)
                yield item

    def _item(self, message: Entries, times: Mapping[str, Any], index: int) -> Item:
        names = {}
        for side in ("from", "to"):
            alias = text_of(message, side)
            if alias not in self._users:
                raise ValueError(f"unknown user {shown(alias)}; must be one of {', '.join(self._users) or 'none'}")
            names[side] = self._users[alias]
        rendered = {"body": render(text_of(message, "body"), names), **names}
        if "at" not in message:
            for key in ("start", "every") if index else ("start",):
                if key not in times:
                    raise ValueError(f"has no 'at', and there is no {key!r}")
            try:
                rendered["at"] = format_time(times["start"] + index * times.get("every", timedelta()))
            except OverflowError:
                raise ValueError("would be sent after year 9999: check 'start' and 'every'") from None
        return line_item(message | rendered, number_problem=number_problem)

    def _list(self, entries: Entries, key: str, name: str) -> list[Entries]:
        """The mappings in the list under ``key``, if there is one."""
        found = entries.get(key, [])
        with self._named(entries.lines.get(key, entries.line), f"{name}{key}"):
            if not isinstance(found, list):
                raise ValueError("must be a list")
            return list(map(_mapping, found))

    def _check_keys(self, entries: Entries, name: str, required: Sequence[str], optional: Sequence[str]) -> None:
        unknown = [line for key, line in entries.lines.items() if key not in (*required, *optional)]
        with self._named((unknown or [entries.line])[0], name):
            check_keys(entries, required, optional)

    @contextmanager
    def _named(self, line: int, name: str) -> Iterator[None]:
        """Put file, line and name in front of a ValueError."""
        try:
            yield
        except ValueError as error:
            raise SeedError(f"{self._file}:{line}: {name}: {error}") from None


def _mapping(value: Any) -> Entries:
    if not isinstance(value, Entries):
        raise ValueError(f"{shown(value)} must be a mapping of keys to values")
    return value


def render(template: str, values: Mapping[str, str]) -> str:
    """``template`` with each ``{name}`` replaced; ``{{`` and ``}}`` are literal braces. Raises ValueError.

    Unlike with str.format, a data file cannot reach into objects.
    """
    known = ", ".join(f"{{{name}}}" for name in values)

    def replaced(found: re.Match[str]) -> str:
        if found[1] in values:
            return values[found[1]]
        if found[1] is None and len(found[0]) == 1:
            raise ValueError(f"malformed placeholder; must be one of {known}; write a literal brace twice")
        if found[1] is not None:
            raise ValueError(f"unknown placeholder {found[0]}; must be one of {known}")
        return found[0][0]

    return re.sub(r"\{\{|\}\}|\{([^{}]*)\}|[{}]", replaced, template)
