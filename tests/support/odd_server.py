"""Servers in the place of AWS that answer late, wrongly or never."""

import contextlib
import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.relay import serving

# The body of an answer, a status and a body, or None for no answer at all.
Reply = bytes | tuple[int, bytes] | None
Answer = Callable[[str, dict[str, Any]], Reply]


@contextlib.contextmanager
def served(answer: Answer, kind: str = "application/x-amz-json-1.0") -> Iterator[dict[str, str]]:
    """The environment of clients of a server; ``answer`` gets an operation and its request."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            reply = answer(self.headers["X-Amz-Target"].partition(".")[2], request)
            if reply is None:
                self.close_connection = True
                return
            status, body = reply if isinstance(reply, tuple) else (200, reply)
            with contextlib.suppress(ConnectionError):
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as host:
        yield {
            "AWS_ENDPOINT_URL": f"http://{host}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
        }
