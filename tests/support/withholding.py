"""The faults of DynamoDB that depend on the request, which microburst cannot make.

A relay that withholds a part of every batch and reports it as unprocessed, and
that refuses transactions because of some of their writes, as DynamoDB does when
it throttles
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html,
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
"""

import json
import threading
from random import Random
from typing import Any

from tests.support.relay import Answer, Relay, SendOn


class Withholding(Relay):
    """A relay: how much it withholds, and how much it has withheld."""

    def __init__(self) -> None:
        super().__init__()
        self.share, self.withheld, self.refused = 0.0, 0, 0
        self.random, self.lock = Random(1), threading.Lock()

    def answer(self, operation: str, body: bytes, send_on: SendOn) -> Answer:
        request = json.loads(body)
        if operation == "TransactWriteItems":
            causes = self.causes(len(request["TransactItems"]))
            return _refusal(causes) if any(causes) else send_on(body)
        if operation not in ("BatchWriteItem", "BatchGetItem"):
            return send_on(body)
        ((table, batch),) = request["RequestItems"].items()
        if operation == "BatchWriteItem":
            handed_on, kept = self.split(batch)
            unprocessed, request["RequestItems"] = kept, {table: handed_on}
        else:
            handed_on, kept = self.split(batch["Keys"])
            unprocessed = kept and {**batch, "Keys": kept}
            request["RequestItems"] = {table: {**batch, "Keys": handed_on}}
        status, answer = send_on(json.dumps(request).encode())
        if status != 200 or not unprocessed:
            return status, answer
        name = "UnprocessedItems" if operation == "BatchWriteItem" else "UnprocessedKeys"
        return status, json.dumps({**json.loads(answer), name: {table: unprocessed}}).encode()

    def split(self, requests: list[Any]) -> tuple[list[Any], list[Any]]:
        """What of a batch is handed on and what is withheld; at least one is handed on."""
        with self.lock:
            handed_on, kept = requests[:1], []
            for request in requests[1:]:
                (kept if self.random.random() < self.share else handed_on).append(request)
            self.withheld += len(kept)
            return handed_on, kept

    def causes(self, writes: int) -> list[bool]:
        """For each write of a transaction, whether it is refused; often none is.

        The first transaction is always refused: a test may have few of them.
        """
        with self.lock:
            if self.refused and self.random.random() >= self.share:
                return [False] * writes
            self.refused += 1
            return [True] + [self.random.random() < self.share for _ in range(writes - 1)]


def _refusal(causes: list[bool]) -> Answer:
    reasons = [{"Code": "ThrottlingError" if cause else "None"} for cause in causes]
    error = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
        "CancellationReasons": reasons,
    }
    return 400, json.dumps(error).encode()
