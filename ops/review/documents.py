"""The policy documents in the properties of any resource, by what a document is. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ops.review.spelling import spelled

Document = Mapping[str, Any]


def documents(value: Any, where: str = "") -> Iterator[tuple[str, Document]]:
    """Every policy document at any depth, with the region of the replica that it is of."""
    found = as_document(value)
    if found:
        yield where, found
    elif isinstance(value, Mapping):
        for key, member in value.items():
            region = value.get("Region") if key != "Region" else None
            yield from documents(member, spelled(region) if region else where)
    elif isinstance(value, list):
        for member in value:
            yield from documents(member, where)


def without_documents(value: Any) -> Any:
    """The value less its policy documents."""
    if isinstance(value, Mapping):
        return {key: without_documents(member) for key, member in value.items() if not as_document(member)}
    if isinstance(value, list):
        return [without_documents(member) for member in value if not as_document(member)]
    return value


def statements(document: Document) -> list[Mapping[str, Any]]:
    """The statements of a document, which may have one outside a list."""
    return listed(document["Statement"])


def as_document(value: Any) -> Document | None:
    """The value as a policy document, where it is one or the text of one."""
    if isinstance(value, str) or (isinstance(value, Mapping) and len(value) == 1):
        text = spelled(value)
        if '"Statement"' in text:
            value = _read(text)
    if not isinstance(value, Mapping) or "Statement" not in value:
        return None
    # At any depth: a statement may be inside Fn::If.
    return value if '"Effect":' in json.dumps(value["Statement"]) else None


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def listed(value: Any) -> list[Any]:
    """What may be given alone or as a list, as a list."""
    return value if isinstance(value, list) else [value]
