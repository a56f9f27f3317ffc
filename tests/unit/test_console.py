"""The console's surroundings: what reaches StackPort, and what StackPort reaches."""

import asyncio

import pytest

from local.console_server import Guard, environment

OWN = "localhost:8123"


async def _answering(scope, receive, send):  # noqa: ARG001 (the interface of ASGI)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]})
    await send({"type": "http.response.body", "body": b"from StackPort"})


def ask(path: str, kind: str = "http", **headers: str) -> list[dict]:
    """What a request through the guard is answered with."""
    sent = []

    async def send(message):
        sent.append(message)

    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    asyncio.run(Guard(_answering, 8123)({"type": kind, "path": path, "headers": pairs}, None, send))
    return sent


@pytest.mark.parametrize("host", ["127.0.0.1:8123", OWN])
@pytest.mark.parametrize("path", ["/", "/resources/dynamodb", "/api/s3/a..b//c", "/assets/x.js"])
def test_the_page_passes_and_may_send_requests_to_its_own_server_only(host, path):
    assert ask(path, host=host)[1]["body"] == b"from StackPort"
    started, body = ask(path, host=host, origin=f"http://{host}")
    assert body["body"] == b"from StackPort"
    policy = dict(started["headers"])[b"content-security-policy"].decode()
    assert policy.startswith("default-src 'self';")
    assert {word for word in policy.split() if "/" in word} == {"ws://127.0.0.1:8123", f"ws://{OWN}"}


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/", {"host": "127.0.0.1"}),
        ("/", {"host": "evil.example:8123"}),
        ("/", {"host": OWN, "origin": "https://evil.example"}),
        ("/", {"host": OWN, "origin": f"http://{OWN}.evil.example"}),
        ("/", {"host": OWN, "origin": "null"}),
        ("//etc/passwd", {"host": OWN}),
        ("/../../etc/passwd", {"host": OWN}),
        ("/api/..", {"host": OWN}),
        ("/a\\..\\b", {"host": OWN}),
    ],
)
def test_other_hosts_other_sites_and_paths_to_files_are_refused(path, headers):
    started, body = ask(path, **headers)
    assert started["status"] == 403
    assert body["body"].startswith(b"refused: ")
    (closed,) = ask(path, "websocket", **headers)
    assert closed["type"] == "websocket.close"


def test_stackport_has_a_home_of_its_own(tmp_path):
    theirs = dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "STACKPORT_DATA_DIR"), "/home/theirs")
    aws = {"AWS_ENDPOINT_URL": "https://127.0.0.1:4566", "AWS_CA_BUNDLE": "/ca.pem"}
    told = environment(tmp_path, {**theirs, **aws, "STACKPORT_PORT": "not a number", "LOG_LEVEL": "loud"})
    assert {name: told[name] for name in theirs} == dict.fromkeys(theirs, str(tmp_path))
    assert "STACKPORT_PORT" not in told
    assert told["LOG_LEVEL"] == "WARNING"
    assert told["STACKPORT_ENDPOINTS"] == "AWS=https://127.0.0.1:4566"
    assert told["AWS_CA_BUNDLE"] == "/ca.pem"
