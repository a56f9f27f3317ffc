"""The clients of an account that nothing may be asked."""

from cli.clients import Identity


class FakeClients:
    """Stands in for ``cli.clients.Clients`` where a command must end before its first request but one."""

    region = "us-east-1"

    def __init__(self, **_: object) -> None:
        pass

    def identity(self) -> Identity:
        """Whose account it is."""
        return Identity(account="111122223333", region=self.region)

    def close(self) -> None:
        """There is nothing to close."""
