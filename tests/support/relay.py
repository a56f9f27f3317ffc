"""A relay in front of the embedded AWS that may answer by itself or change what passes.

Plain HTTP for its clients and the engine's TLS behind it. It presents the host
that the client has signed for: the engine verifies signatures.
"""

import contextlib
import http.client
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from embedded_aws.process import Running

Answer = tuple[int, bytes]
SendOn = Callable[[bytes], Answer]


class Relay:
    """A running relay of DynamoDB requests. ``host`` is that of its client, if not its own."""

    def __init__(self) -> None:
        self.endpoint = self.host = ""

    def answer(self, operation: str, body: bytes, send_on: SendOn) -> Answer:  # noqa: ARG002
        """Status and body of the answer to one request."""
        return send_on(body)


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The host and port of a server on loopback for the length of a ``with`` block."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads, server.block_on_close = True, False  # clients keep their connections open
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@contextlib.contextmanager
def relaying(aws: Running, relay: Relay) -> Iterator[None]:
    """``relay`` runs in front of ``aws`` for the length of a ``with`` block."""
    with serving(_handler(aws, relay)) as relay.host:
        relay.endpoint = f"http://{relay.host}"
        yield


def _handler(aws: Running, relay: Relay) -> type[BaseHTTPRequestHandler]:
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
            status, answer = relay.answer(operation, body, self.send_on)
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def send_on(self, body: bytes) -> Answer:
            replaced = ("host", "content-length", "connection")
            headers = {k: v for k, v in self.headers.items() if k.lower() not in replaced}
            self.upstream.request("POST", self.path, body, headers | {"Host": relay.host})
            reply = self.upstream.getresponse()
            return reply.status, reply.read()

        def log_message(self, *_: object) -> None:
            pass

    return Handler
