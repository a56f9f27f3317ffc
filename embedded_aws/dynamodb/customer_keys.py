"""Tables under a customer key: only a key of the region, and only for callers who may decrypt.

A key of another region is refused: KMS keys are of one region, and even a multi-Region key has a
key of its own, with an ARN of its own, in each (KMS guide, "Multi-Region keys"; AWS Backup guide,
"Restore a DynamoDB table", says so of copies). The text of that refusal is not known.

Source of the rest: KMS guide, "How Amazon DynamoDB uses KMS" (DynamoDB calls Decrypt for the table key on behalf of
the caller, "kms:ViaService"); aws-cdk#10010 (a PutItem fails without kms:Decrypt, and how the text begins). What
else of the documented "at a minimum" AWS asks a caller for is not known, so only Decrypt is asked for here.
"""

import json
from collections.abc import Iterator
from typing import Any

import ministack.services.dynamodb as engine
from ministack.core.responses import get_region
from ministack.core.router import extract_access_key_id

from embedded_aws.encryption import key_of_table
from embedded_aws.iam import roles
from embedded_aws.replies import ApiError, Handler, Json, Reply

_OF_ITEMS = frozenset(
    "BatchGetItem BatchWriteItem DeleteItem GetItem PutItem Query Scan TransactGetItems TransactWriteItems "
    "UpdateItem".split()
)


async def handle_request(original: Any, method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
    """Check the caller before the engine touches encrypted items."""
    if headers.get("x-amz-target", "").rsplit(".", 1)[-1] in _OF_ITEMS:
        try:
            for table in _tables(json.loads(body or b"{}")):
                _check_caller(table, extract_access_key_id(headers, query))
        except ApiError as error:
            return error.reply()
    return await original(method, path, headers, body, query)


def check_region(key: str | None) -> None:
    """Raise ApiError for the ARN of a key that is in another region than the request."""
    if key and key.startswith("arn:") and key.split(":")[3] != get_region():
        raise ApiError("ValidationException", f"KMS validation error: {key} is not in {get_region()}")


def encrypt(table: Json, specification: Json) -> None:
    """Encrypt the engine's record of a table as an SSESpecification says."""
    check_region(specification.get("KMSMasterKeyId"))
    table["SSEDescription"] = engine._sse_description_from_spec(specification)


def create_or_update_table(original: Handler, data: Json) -> Reply:
    """CreateTable or UpdateTable, with a key of this region."""
    check_region((data.get("SSESpecification") or {}).get("KMSMasterKeyId"))
    return original(data)


def _check_caller(table: str, access_key: str) -> None:
    """Raise ApiError when the table has a customer key that the caller may not decrypt with."""
    key = key_of_table(engine._tables.get(table) or {})
    if not key:
        return
    keys = {"kms:ViaService": f"dynamodb.{get_region()}.amazonaws.com"}
    if denied := roles.caller_denial(access_key, "kms:Decrypt", key, keys):
        raise ApiError("AccessDeniedException", f"KMS key access denied error: {denied}")


def _tables(data: Json) -> Iterator[str]:
    """The names of the tables that a request for items names."""
    named = [data.get("TableName"), *(data.get("RequestItems") or {})]
    for action in data.get("TransactItems") or []:
        named += [operation.get("TableName") for operation in action.values()]
    for name in dict.fromkeys(filter(None, named)):
        yield engine._normalize_table_name(name)
