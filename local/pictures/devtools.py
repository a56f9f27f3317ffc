"""Commands to a Chromium and its answers, over a pair of pipes.

https://chromedevtools.github.io/devtools-protocol/: JSON, each message ended by
a zero byte. Unlike the protocol's port, pipes are no way in for anybody else.
"""

import json
import os
import select
import time
from typing import IO, Any

REPLY_SECONDS = 30


class DevToolsError(Exception):
    """Chromium refused a command, did not answer in time or is gone."""


class DevTools:
    """One Chromium; ``requested`` has what its pages asked for, ``open`` what is unanswered."""

    def __init__(self, commands: IO[bytes], replies: IO[bytes]) -> None:
        self._commands, self._replies = commands.fileno(), replies.fileno()
        self._number, self._unread = 0, b""
        self.requested: list[str] = []
        self.open: set[str] = set()

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """The result of ``method``, in the page that ``session`` is attached to.

        Raises DevToolsError.
        """
        self._number += 1
        command = {"id": self._number, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        try:
            self._write(json.dumps(command).encode() + b"\0")
            reply = self._reply(self._number)
        except (BrokenPipeError, EOFError):
            raise DevToolsError(f"{method}: Chromium is gone") from None
        except TimeoutError:
            raise DevToolsError(f"{method}: no answer within {REPLY_SECONDS} s") from None
        if "error" in reply:
            raise DevToolsError(f"{method}: {reply['error']['message']}")
        result: dict[str, Any] = reply["result"]
        return result

    def _write(self, command: bytes) -> None:
        while command:
            command = command[os.write(self._commands, command) :]

    def _reply(self, number: int) -> dict[str, Any]:
        deadline = time.monotonic() + REPLY_SECONDS
        while True:
            message = self._message(deadline)
            self._note(message.get("method", ""), message.get("params", {}))
            if message.get("id") == number:
                return message

    def _note(self, event: str, of: dict[str, Any]) -> None:
        if event == "Network.requestWillBeSent":
            self.requested.append(of["request"]["url"])
            self.open.add(of["requestId"])
        elif event in ("Network.loadingFinished", "Network.loadingFailed"):
            self.open.discard(of["requestId"])

    def _message(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._unread:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([self._replies], [], [], left)[0]:
                raise TimeoutError
            read = os.read(self._replies, 1 << 20)
            if not read:
                raise EOFError
            self._unread += read
        first, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(first)
        return message
