"""Replies and errors in the shape the engine's services give them."""

import json
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]
Reply = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Reply]  # of the calls of an API


class ApiError(Exception):
    """An error answer of an AWS API; its text is the message AWS shows."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status

    def reply(self) -> Reply:
        """The answer on the wire; SDKs read the code from the header or from the body."""
        headers = {"Content-Type": "application/json", "x-amzn-errortype": self.code}
        # Services differ in the case of this key, and SDKs accept either.
        body = {"__type": self.code, "message": self.message, "Message": self.message}
        return self.status, headers, json.dumps(body).encode()


def invalid(message: str) -> ApiError:
    """The error for a parameter that an API refuses."""
    return ApiError("InvalidParameterValueException", message)


def ok(body: Json | None) -> Reply:
    """A 200 with ``body`` as JSON, or with an empty body for None."""
    content = b"" if body is None else json.dumps(body).encode()
    return 200, {"Content-Type": "application/json"}, content


def body_of(reply: Any) -> Json:
    """The JSON body of an engine's reply.

    Raises ApiError when the reply is an error.
    """
    status, _, content = reply
    body: Json = json.loads(content) if content else {}
    if status >= 400:
        message = body.get("message") or body.get("Message") or ""
        raise ApiError(body.get("__type", "InternalFailure"), message, status)
    return body
