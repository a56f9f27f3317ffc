"""Values of a template in few words, by which two of them can still be told apart. Pure."""

import json
from typing import Any

from ops.review.spelling import spelled

# Characters of a value that are shown, and of those that the other side has too.
_SHOWN, _COMMON = 60, 10


def apart(old: Any, new: Any) -> tuple[str, str]:
    """Two values that are not equal, in words: of long ones the part that differs."""
    if old is None or new is None:
        return in_words(old), in_words(new)
    was, now = _text(old), _text(new)
    if was == now:  # the words leave out hashes of names, and the types of values
        was, now = json.dumps(old), json.dumps(new)
    if max(len(was), len(now)) <= _SHOWN:
        return was, now
    begin = max(_common(was, now) - _COMMON, 0)
    # The ends are compared from behind, as far as what the beginnings have in common.
    ends = [text[: begin + _COMMON - 1 : -1] for text in (was, now)]
    end = max(_common(*ends) - _COMMON, 0)
    return _without(was, begin, end), _without(now, begin, end)


def in_words(value: Any) -> str:
    """The beginning of a value; ``nothing`` for None."""
    return _cut(_text(value))


def at_end(name: str) -> str:
    """The end of a name: of an ARN it is what tells it from others."""
    return name if len(name) <= _SHOWN else f"...{name[3 - _SHOWN :]}"


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _without(text: str, begin: int, end: int) -> str:
    """``text`` without so many characters at its two ends."""
    left = f"{'...' if begin else ''}{text[begin : len(text) - end]}"
    return _cut(left) if len(left) > _SHOWN else f"{left}{'...' if end else ''}"


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _text(value: Any) -> str:
    # On one line: what is shown may stand in somebody's comment, between fences.
    return "nothing" if value is None else " ".join(spelled(value).split())
