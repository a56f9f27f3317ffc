"""A Cognito user pool of the embedded AWS, as tests fill it."""

from collections.abc import Callable
from typing import Any


class UserPool:
    """A new pool; ``id`` names it. The test that makes it deletes it."""

    def __init__(self, client: Callable[..., Any], name: str) -> None:
        self._cognito = client("cognito-idp")
        pool = self._cognito.create_user_pool(PoolName=name)["UserPool"]
        self.id, self.arn = str(pool["Id"]), str(pool["Arn"])
        self._count = 0

    def add(self, name: str | None = None) -> str:
        """Add a user of that preferred_username, or without one; return the sub."""
        attributes = [] if name is None else [{"Name": "preferred_username", "Value": name}]
        self._count += 1
        made = self._cognito.admin_create_user(
            UserPoolId=self.id, Username=f"user-{self._count}", UserAttributes=attributes, MessageAction="SUPPRESS"
        )
        return next(a["Value"] for a in made["User"]["Attributes"] if a["Name"] == "sub")

    def delete(self) -> None:
        """Delete the pool with its users."""
        self._cognito.delete_user_pool(UserPoolId=self.id)
