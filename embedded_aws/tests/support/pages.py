"""A table in this process, read by the engine's own functions and by those that replace them."""

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import ministack.services.dynamodb as engine
import pytest

from embedded_aws import hooks
from embedded_aws.dynamodb import pages
from embedded_aws.replies import Json, Reply
from embedded_aws.settings import CURRENT

TABLE = "pages"
INDEXES = {"ByNumber": ["text", "number"], "ByText": ["text"], "ByNumberAlone": ["number"], "Local": ["pk", "number"]}
TYPES = {"pk": "S", "text": "S", "number": "N"}


@contextlib.contextmanager
def additions() -> Iterator[Json]:
    """The engine's DynamoDB with the additions, for the length of a ``with`` block; its own functions, by name.

    No page is too small for the additions, and pages hold 1,000 bytes.
    """
    own, kind, few = dict(vars(engine)), type(engine._tables), pages.FEW
    hooks.install("services.dynamodb:")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CURRENT, "restore_job_seconds", 0.0)
        patch.setattr(pages, "FEW", 0)
        patch.setattr(engine, "_DDB_PAGE_SIZE_BYTES", 1000)
        yield own
    engine._tables.pop(TABLE, None)
    vars(engine).update(own)
    engine._tables.__class__, pages.FEW = kind, few


def create(sort_type: str, indexes: dict[str, list[str]] = INDEXES) -> None:
    """Create the table anew, whose sort key has this type."""
    engine._tables.pop(TABLE, None)
    types = TYPES | {"sk": sort_type}
    made = {name: index(name, keys) for name, keys in indexes.items()}
    local = [made.pop("Local")] if "Local" in made else []
    used = {"pk", "sk"}.union(*indexes.values())
    request = {
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": index("", ["pk", "sk"])["KeySchema"],
        "AttributeDefinitions": [{"AttributeName": n, "AttributeType": t} for n, t in types.items() if n in used],
        **({"GlobalSecondaryIndexes": list(made.values())} if made else {}),
        **({"LocalSecondaryIndexes": local} if local else {}),
    }
    reply = engine._create_table(request)
    assert reply[0] == 200, reply


def index(name: str, keys: list[str]) -> Json:
    """The index ``name`` with these attributes as keys, as CreateTable takes it."""
    schema = [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)]
    return {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}


def item(sort: str, text: str | None = None, number: str | None = None) -> Json:
    """An item of one partition; without attributes its key."""
    more = {"text": {"S": text} if text else None, "number": {"N": number} if number else None}
    return {"pk": {"S": "a"}, "sk": {"S": sort}} | {name: value for name, value in more.items() if value}


def fill(count: int = 8) -> None:
    """Put items, whose numbers are 20 and more."""
    for number in range(count):
        write("_put_item", {"Item": item(f"{number}", text="t", number=f"{number + 20}")})


def write(operation: str, arguments: Json) -> None:
    """Call an operation that must succeed on the table."""
    reply = getattr(engine, operation)({"TableName": TABLE, **copy.deepcopy(arguments)})
    assert reply[0] == 200, reply


def compare(own: Json, operation: str, request: Json) -> Reply:
    """The reply, after it was found to be the engine's own."""
    expected = own[operation](copy.deepcopy(request))
    reply: Any = getattr(engine, operation)(copy.deepcopy(request))
    assert reply[0] == expected[0]
    assert reply[2] == expected[2]
    found: Reply = reply
    return found
