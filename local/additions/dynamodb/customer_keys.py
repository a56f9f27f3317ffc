"""Items of a table under a customer key are for callers who may decrypt with the key.

Source: KMS guide, "How Amazon DynamoDB uses KMS" (DynamoDB calls Decrypt for the table key on
behalf of the caller, "kms:ViaService"); aws-cdk#10010 (a PutItem fails without kms:Decrypt, and
how the text begins). What else of the documented "at a minimum" AWS asks a caller for is not
known, so only Decrypt is asked for here.
"""

import json
from collections.abc import Iterator
from typing import Any

import ministack.core.iam_actions as iam_actions
import ministack.core.iam_evaluator as evaluator
import ministack.services.dynamodb as engine
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import extract_access_key_id

from local.additions.replies import ApiError, Json

ACTION = "kms:Decrypt"
_OF_ITEMS = frozenset(
    {"BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan",
     "TransactGetItems", "TransactWriteItems", "UpdateItem"}
)  # fmt: skip


def install() -> None:
    """Check the caller before the engine touches items of an encrypted table."""
    engine_handle = engine.handle_request

    async def handle(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        if headers.get("x-amz-target", "").rsplit(".", 1)[-1] in _OF_ITEMS:
            try:
                for table in _tables(json.loads(body or b"{}")):
                    check(table, extract_access_key_id(headers, query))
            except ApiError as error:
                return error.reply()
        return await engine_handle(method, path, headers, body, query)

    engine.handle_request = handle


def check(table: str, access_key: str) -> None:
    """Raise ApiError when the table has a customer key that the caller may not decrypt with."""
    key = _customer_key(table)
    if not key:
        return
    denied = evaluator.enforce(
        access_key,
        ACTION,
        "kms",
        get_region(),
        resource_arn=key,
        service_context={"kms:ViaService": f"dynamodb.{get_region()}.amazonaws.com"},
    )
    if isinstance(denied, evaluator.EvalResult):
        message = iam_actions.identity_denial_message(
            ACTION, denied.principal_arn, key, denied.decision == "Deny"
        )
        raise ApiError("AccessDeniedException", f"KMS key access denied error: {message}")


def _tables(data: Json) -> Iterator[str]:
    """The names of the tables that a request for items names."""
    named = [data.get("TableName"), *(data.get("RequestItems") or {})]
    for action in data.get("TransactItems") or []:
        named += [operation.get("TableName") for operation in action.values()]
    for name in dict.fromkeys(filter(None, named)):
        yield engine._normalize_table_name(name)


def _customer_key(table: str) -> str:
    """The ARN of the table's customer key; empty for one of AWS's own."""
    found = engine._tables.get(table) or {}
    description = found.get("SSEDescription") or {}
    key = str(description.get("KMSMasterKeyArn") or "")
    if ":alias/aws/" in key or not key:
        return ""
    arn = f"arn:aws:kms:{get_region()}:{get_account_id()}:key/{key}"
    return key if key.startswith("arn:") else arn
