"""Clients for commands that must end before they make a request, and errors that AWS answers with."""

from botocore.exceptions import ClientError


class FakeClients:
    """Stands in for ``cli.clients.Clients``: a command may ask only which account it acts in."""

    region = "us-east-1"

    def __init__(self, **_: object) -> None:
        pass

    def account(self) -> str:
        """Whose account it is."""
        return "111122223333"

    def close(self) -> None:
        """There is nothing to close."""


def refusal(code: str, text: str = "text", operation: str = "Operation") -> ClientError:
    """The error of an operation that AWS refused."""
    return ClientError({"Error": {"Code": code, "Message": text}}, operation)
