"""The faults of DynamoDB that depend on the request, which microburst cannot make.

A proxy that withholds a part of every batch and reports it as unprocessed, and
that refuses transactions because of some of their writes, as DynamoDB does when
it throttles
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html,
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
"""

import contextlib
import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any
from urllib.parse import urlsplit

from local.process import Running

Answer = tuple[int, bytes]


@dataclass
class Withholding:
    """A running proxy: how much it withholds, and how much it has withheld."""

    endpoint: str = ""
    share: float = 0.0
    withheld: int = 0
    refused: int = 0
    random: Random = field(default_factory=lambda: Random(1))
    lock: threading.Lock = field(default_factory=threading.Lock)

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


@contextlib.contextmanager
def running(aws: Running) -> Iterator[Withholding]:
    """A proxy in front of ``aws`` for the length of a ``with`` block."""
    state = Withholding()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(aws, state))
    server.daemon_threads = True
    state.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(aws: Running, state: Withholding) -> type[BaseHTTPRequestHandler]:
    context = ssl.create_default_context(cafile=aws.ca_file)
    upstream = urlsplit(aws.endpoint)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            self.upstream = http.client.HTTPSConnection(upstream.netloc, context=context)

        def finish(self) -> None:
            self.upstream.close()
            super().finish()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
            status, answer = _answer(state, operation, body, self.send_on)
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def send_on(self, body: bytes) -> Answer:
            hop = ("host", "content-length", "connection")
            headers = {k: v for k, v in self.headers.items() if k.lower() not in hop}
            self.upstream.request("POST", self.path, body, headers)
            reply = self.upstream.getresponse()
            return reply.status, reply.read()

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _answer(state: Withholding, operation: str, body: bytes, send_on: Any) -> Answer:
    request = json.loads(body)
    if operation == "TransactWriteItems":
        causes = state.causes(len(request["TransactItems"]))
        return _refusal(causes) if any(causes) else send_on(body)
    if operation not in ("BatchWriteItem", "BatchGetItem"):
        return send_on(body)  # type: ignore[no-any-return]
    ((table, batch),) = request["RequestItems"].items()
    if operation == "BatchWriteItem":
        handed_on, kept = state.split(batch)
        unprocessed, request["RequestItems"] = kept, {table: handed_on}
    else:
        handed_on, kept = state.split(batch["Keys"])
        unprocessed = kept and {**batch, "Keys": kept}
        request["RequestItems"] = {table: {**batch, "Keys": handed_on}}
    status, answer = send_on(json.dumps(request).encode())
    if status != 200 or not unprocessed:
        return status, answer
    name = "UnprocessedItems" if operation == "BatchWriteItem" else "UnprocessedKeys"
    return status, json.dumps({**json.loads(answer), name: {table: unprocessed}}).encode()


def _refusal(causes: list[bool]) -> Answer:
    reasons = [{"Code": "ThrottlingError" if cause else "None"} for cause in causes]
    error = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, please refer cancellation reasons for specific reasons",
        "CancellationReasons": reasons,
    }
    return 400, json.dumps(error).encode()
