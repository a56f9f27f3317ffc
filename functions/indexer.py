"""The stream's Lambda function: keeps the lists of conversations current.

Its event source mapping hands over up to 100 records of messages in the order of the stream; the answer names those to
retry (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from dynamo import table as _  # noqa: F401 (lets boto3 read every number)
from dynamo.memberships import Unsettled, bring_up_to_date
from functions.log import log
from model.messages import CONVERSATION_PREFIX, Position, is_message, key_of
from model.names import TABLE_VARIABLE

_CLIENT = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=2, read_timeout=5)


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Bring every conversation that the records name up to date, each of them once."""
    return index(_table(), event["Records"])


def index(table: Any, records: list[dict[str, Any]]) -> dict[str, Any]:
    """Index stream records; the first failed one of each conversation is in batchItemFailures.

    A failed conversation does not stop the others. Lambda retries from the first failed record on, which harms none.
    """
    horizons: dict[str, Position] = {}
    first: dict[str, str] = {}
    for record in records:
        pk, sk = key_of(record["dynamodb"]["Keys"])
        if is_message(pk, sk):
            conversation, position = pk.removeprefix(CONVERSATION_PREFIX), Position.of(sk)
            horizons[conversation] = max(horizons.get(conversation, position), position)
            first.setdefault(conversation, record["dynamodb"]["SequenceNumber"])
    failed = [number for name, number in first.items() if not _indexed(table, name, horizons[name])]
    log("indexed", records=len(records), conversations=len(horizons), failed=len(failed))
    # In the order of the stream, because `first` is.
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}


def _indexed(table: Any, conversation: str, horizon: Position) -> bool:
    try:
        bring_up_to_date(table, conversation, horizon)
    except (ClientError, BotoCoreError, Unsettled, ValueError) as error:
        log("failed", conversation=conversation, reason=f"{type(error).__name__}: {error}")
        return False
    return True


@cache
def _table() -> Any:
    """The table; made once, and found again by the next invocation."""
    return boto3.resource("dynamodb", config=_CLIENT).Table(os.environ[TABLE_VARIABLE])
