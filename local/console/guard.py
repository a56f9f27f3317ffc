"""What may reach StackPort: its own page in a browser on this machine, and nothing else.

StackPort allows every web site to read its answers, and its fallback for the
addresses of pages joins any path to a folder. Without this guard ``//etc/passwd``
would answer with that file, also to a site that somebody visits meanwhile.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

# As the ASGI specification has them: https://asgi.readthedocs.io/en/latest/specs/main.html
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

_POLICY_VIOLATION = 1008  # https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1


class Guard:
    """``app``, reached at ``port`` of loopback alone, and by no page but its own."""

    def __init__(self, app: App, port: int) -> None:
        self._app = app
        self._hosts = tuple(f"{host}:{port}" for host in ("127.0.0.1", "localhost"))
        sockets = " ".join(f"ws://{host}" for host in self._hosts)
        # The browser itself then asks nobody but this server, whatever the page says.
        self._policy = (
            "default-src 'self'; script-src 'self' 'unsafe-inline'; "
            "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
            f"connect-src 'self' {sockets}"
        )

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Hand the request on, or refuse it; see https://asgi.readthedocs.io."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif reason := self._refusal(scope):
            await _refuse(scope, send, reason)
        else:
            await self._app(scope, receive, self._with_policy(send))

    def _refusal(self, scope: Message) -> str:
        """Why this request is refused; empty when it is not."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        # A site can give its own name the address 127.0.0.1, but not change this header.
        if headers.get("host") not in self._hosts:
            return "another host's name"
        if headers.get("origin", "http://" + headers["host"]) != "http://" + headers["host"]:
            return "another site's page"
        path = scope["path"]
        if path.startswith("//") or ".." in path.replace("\\", "/").split("/"):
            return "a path outside the page"
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
