"""A microburst process: errors, latency and resets between a client and the embedded AWS."""

import contextlib
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

from embedded_aws.process import Running
from tests.support.relay import Relay, relaying

START_SECONDS = 60
# Not through a proxy: it is on loopback, whatever the environment says.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Burst:
    """A running microburst; without rules it hands everything on."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def rules(self, *rules: dict[str, Any]) -> None:
        """Have these rules and no others; see microburst's README for what they can say."""
        self.control("rules", "POST", list(rules))

    def fired(self) -> list[dict[str, Any]]:
        """The faults so far, the oldest first."""
        found: list[dict[str, Any]] = self.control("fired?limit=5000")
        return found

    def clear(self) -> None:
        """Forget rules and faults."""
        self.rules()
        self.control("fired", "DELETE")

    def control(self, what: str, method: str = "GET", body: Any = None) -> Any:
        """The answer of microburst's control API."""
        request = urllib.request.Request(
            f"{self.endpoint}/_microburst/{what}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with _OPENER.open(request, timeout=60) as reply:
            return json.load(reply)


@contextlib.contextmanager
def running(aws: Running) -> Iterator[Burst]:
    """A microburst in front of ``aws`` for the length of a ``with`` block."""
    relay = Relay()
    with relaying(aws, relay):
        for _ in range(3):  # between finding a free port and taking it, another process may
            burst, process = _start(relay)
            try:
                if _is_ready(burst, process, relay):
                    yield burst
                    return
            finally:
                process.kill()  # this process's own child: its id cannot be another's
                process.wait()
    raise AssertionError("microburst did not start")


def _start(relay: Relay) -> tuple[Burst, subprocess.Popen[bytes]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    # A name without a dot: for any other one microburst first reads the model of every service, which takes 10 seconds.
    relay.host = f"localhost:{port}"
    command = [sys.executable, "-m", "microburst", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--upstream", relay.endpoint]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return Burst(f"http://{relay.host}"), process


def _is_ready(burst: Burst, process: subprocess.Popen[bytes], relay: Relay) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, OSError):
            return bool(burst.control("health")["upstream"] == relay.endpoint)
        time.sleep(0.05)
    return False
