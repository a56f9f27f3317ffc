"""The engine's DynamoDB in this process, without a server: for tests that make thousands of calls."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import ministack.services.dynamodb as engine
from botocore.exceptions import ClientError

from tests.support.recoveries import KEYS

_NUMBERS = itertools.count()


class Dynamodb:
    """As much of a boto3 client as methods need; ``meddle(operation, call)`` may act before and after each call."""

    def __init__(self, meddle: Callable[[str, Callable[[], Any]], Any] = lambda _, call: call()) -> None:
        self.meddle = meddle

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        handler = getattr(engine, f"_{operation}")
        return lambda **request: self.meddle(operation, lambda: _answer(operation, handler, request))


def _answer(operation: str, handler: Callable[[Any], Any], request: Any) -> Any:
    status, _, body = handler(json.loads(json.dumps(request)))
    answer = json.loads(body) if body else {}
    if status < 400:
        return answer
    error = {"Code": answer["__type"].rpartition("#")[2], "Message": answer.get("message", "")}
    response = {"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}
    raise ClientError(response | {"CancellationReasons": answer.get("CancellationReasons", [])}, operation)


def create_table(items: list[Any]) -> str:
    """The name of a new table with the data model's keys and these typed items."""
    name, client = f"in-process-{next(_NUMBERS)}", Dynamodb()
    client.create_table(TableName=name, **KEYS, BillingMode="PAY_PER_REQUEST")
    for item in items:
        client.put_item(TableName=name, Item=item)
    return name
