"""The process of the console: StackPort behind a guard, on loopback. Started by ``local.console``.

StackPort's own command listens on every address of the machine, and keeps the first endpoint that
it ever saw under the home folder, so it is not used. StackPort allows every web site to read its
answers, and joins any path to a folder: without the guard ``//etc/passwd`` would return that file,
also to a site that the user visits meanwhile.
"""

import argparse
import asyncio
import importlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any, TypeAlias

import uvicorn

# As the ASGI specification has them: https://asgi.readthedocs.io/en/latest/specs/main.html
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]
_POLICY_VIOLATION = 1008  # https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
# The services that the stack and the CDK use; StackPort polls each of them every two seconds.
_SERVICES = "cloudformation,dynamodb,events,iam,kms,lambda,logs,monitoring,s3,sns,sqs,ssm,stepfunctions"
_HOMES = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
STOP_SECONDS = 1  # for requests in progress


def main() -> None:
    """Print the console's address once it listens; serve until standard input closes."""
    parser = argparse.ArgumentParser(prog="python -m local.console_server")
    parser.add_argument("folder", type=Path, help="the folder in which to create its home folder")
    parser.add_argument("--port", type=int, required=True, help="0 lets the kernel pick one")
    arguments = parser.parse_args()
    # The server below acts on these, and raises them again when it has ended.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    listener = _listen(arguments.port)
    home = Path(tempfile.mkdtemp(prefix="console-", dir=arguments.folder))
    try:
        asyncio.run(_serve(listener, home))
    finally:
        shutil.rmtree(home)


def environment(home: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` with ``home`` for all that StackPort keeps, and its own settings.

    https://github.com/DaviReisVieira/stackport names them.
    """
    kept = {key: value for key, value in environ.items() if not key.startswith("STACKPORT_")}
    return (
        kept
        | {key: str(home) for key in ("HOME", "TMPDIR", "STACKPORT_DATA_DIR", *_HOMES)}
        | {
            "LOG_LEVEL": "WARNING",
            "STACKPORT_ENDPOINTS": f"AWS={environ['AWS_ENDPOINT_URL']}",
            "STACKPORT_LEARN": "false",
            "STACKPORT_SERVICES": _SERVICES,
        }
    )


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        sys.exit(f"error: port {port}: {error}; name another with --port, or leave it out")


async def _serve(listener: socket.socket, home: Path) -> None:
    own = environment(home, os.environ)
    os.environ.clear()
    os.environ.update(own)
    # Imported here: it reads the environment.
    stackport = importlib.import_module("backend.main").app
    port = listener.getsockname()[1]
    config = uvicorn.Config(Guard(stackport, port), log_level="warning", timeout_graceful_shutdown=STOP_SECONDS)
    server = uvicorn.Server(config)
    asyncio.get_running_loop().add_reader(sys.stdin, lambda: setattr(server, "should_exit", True))
    print(f"http://127.0.0.1:{port}", flush=True)
    await server.serve(sockets=[listener])
    # Threads of StackPort may wait for a response of the embedded AWS, and an
    # orderly exit would wait for them.
    shutil.rmtree(home)
    os._exit(0)


class Guard:
    """``app``, reachable only at ``port`` of loopback, and only from its own page."""

    def __init__(self, app: App, port: int) -> None:
        self._app = app
        self._hosts = tuple(f"{host}:{port}" for host in ("127.0.0.1", "localhost"))
        sockets = " ".join(f"ws://{host}" for host in self._hosts)
        # The browser then sends requests to this server only, whatever the page says.
        self._policy = (
            "default-src 'self'; script-src 'self' 'unsafe-inline'; "
            "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
            f"connect-src 'self' {sockets}"
        )

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        reason = "" if scope["type"] == "lifespan" else self._refusal(scope)
        if reason:
            await _refuse(scope, send, reason)
        else:
            await self._app(scope, receive, self._with_policy(send))

    def _refusal(self, scope: Message) -> str:
        """Why this request is refused; empty when it is not."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        # A site can give its own name the address 127.0.0.1, but not change this header.
        if headers.get("host") not in self._hosts:
            return "the Host header names another host"
        if headers.get("origin", "http://" + headers["host"]) != "http://" + headers["host"]:
            return "the request comes from another site's page"
        path = scope["path"]
        if path.startswith("//") or ".." in path.replace("\\", "/").split("/"):
            return "the path leaves the console's folder"
        return ""

    def _with_policy(self, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                policy = (b"content-security-policy", self._policy.encode())
                message = {**message, "headers": [*message["headers"], policy]}
            await send(message)

        return sending


async def _refuse(scope: Message, send: Send, reason: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": reason})
        return
    plain = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 403, "headers": plain})
    await send({"type": "http.response.body", "body": f"refused: {reason}\n".encode()})


if __name__ == "__main__":
    main()
