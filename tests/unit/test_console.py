"""The console's surroundings: what reaches StackPort, and what StackPort reaches."""

import asyncio

import pytest

from local.console_server import Guard, environment

PORT = 8123


async def _answering(scope, receive, send):  # noqa: ARG001 (the interface of ASGI)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")]})
    await send({"type": "http.response.body", "body": b"from StackPort"})


def ask(path: str, kind: str = "http", **headers: str) -> list[dict]:
    """What a request through the guard is answered with."""
    sent = []

    async def send(message):
        sent.append(message)

    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "path": path, "headers": pairs}
    asyncio.run(Guard(_answering, PORT)(scope, None, send))
    return sent


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("path", ["/", "/resources/dynamodb", "/api/s3/a..b//c", "/assets/x.js"])
def test_the_page_and_what_it_asks_for_pass(host, path):
    host = f"{host}:{PORT}"
    assert ask(path, host=host)[1]["body"] == b"from StackPort"
    assert ask(path, host=host, origin=f"http://{host}")[1]["body"] == b"from StackPort"


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", {}),
        ("/", {"host": "127.0.0.1"}),
        ("/", {"host": f"evil.example:{PORT}"}),
        ("/", {"host": f"localhost:{PORT}", "origin": "https://evil.example"}),
        ("/", {"host": f"localhost:{PORT}", "origin": f"http://localhost:{PORT}.evil.example"}),
        ("/", {"host": f"localhost:{PORT}", "origin": "null"}),
        ("//etc/passwd", {"host": f"localhost:{PORT}"}),
        ("/../../etc/passwd", {"host": f"localhost:{PORT}"}),
        ("/api/..", {"host": f"localhost:{PORT}"}),
        ("/a\\..\\b", {"host": f"localhost:{PORT}"}),
    ],
)
def test_what_is_not_the_page_is_refused(path, headers):
    started, body = ask(path, **headers)
    assert started["status"] == 403
    assert body["body"].startswith(b"refused: ")
    (closed,) = ask(path, "websocket", **headers)
    assert closed["type"] == "websocket.close"


def test_the_browser_is_told_to_ask_nobody_else():
    started, _ = ask("/", host=f"localhost:{PORT}")
    policy = dict(started["headers"])[b"content-security-policy"].decode()
    assert policy.startswith("default-src 'self';")
    allowed = {word for rule in policy.split(";") for word in rule.split()[1:]}
    assert {word for word in allowed if "/" in word} == {f"ws://127.0.0.1:{PORT}", f"ws://localhost:{PORT}"}


def test_stackport_has_a_home_of_its_own(tmp_path):
    told = environment(
        tmp_path,
        {
            "HOME": "/home/somebody",
            "XDG_CONFIG_HOME": "/home/somebody/.config",
            "STACKPORT_DATA_DIR": "/home/somebody/.stackport",
            "STACKPORT_PORT": "not a number",
            "LOG_LEVEL": "loud",
            "AWS_ENDPOINT_URL": "https://127.0.0.1:4566",
            "AWS_CA_BUNDLE": "/ca.pem",
        },
    )
    assert not [value for value in told.values() if "somebody" in value]
    assert told["HOME"] == told["XDG_CONFIG_HOME"] == told["STACKPORT_DATA_DIR"] == str(tmp_path)
    assert "STACKPORT_PORT" not in told
    assert told["LOG_LEVEL"] == "WARNING"
    assert told["STACKPORT_ENDPOINTS"] == "AWS=https://127.0.0.1:4566"
    assert told["AWS_CA_BUNDLE"] == "/ca.pem"
