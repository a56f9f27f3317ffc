"""Recognises files that are one JSON document, and not one item a line. Pure."""

import re

from dynamo.values import TYPES

# As much of a file tells what it is.
HEAD_BYTES = 64 * 1024
_MARK = b"\xef\xbb\xbf"
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html#API_Scan_ResponseSyntax
_SCAN = re.compile(rb'\{\s*("(Count|ScannedCount|ConsumedCapacity)"\s*:[^\[]*)?"Items"\s*:\s*\[')
_TYPED = re.compile(rb'[^\[]*\[\s*\{\s*"[^"]*"\s*:\s*\{\s*"(' + "|".join(TYPES).encode() + rb')"\s*:')
_OPENING = re.compile(rb"\{\s*\n")


def document_problem(head: bytes) -> str | None:
    """What a file that begins with ``head`` is instead, and how to make lines of it."""
    head = head.removeprefix(_MARK).lstrip()
    made = " | {Item: .}" if _TYPED.match(head) else ""
    if _SCAN.match(head):
        return _problem("the output of a scan or query", f".Items[]{made}")
    if head.startswith(b"["):
        return _problem("a JSON array", f".[]{made}")
    return _problem("JSON over several lines", ".") if _OPENING.match(head) else None


def _problem(what: str, query: str) -> str:
    return f"is {what}; make it one item a line with: jq -c '{query}'"
