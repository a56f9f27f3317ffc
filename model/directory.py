"""Who a user is: the names that people use, and the ids that keys carry.

Standard library and boto3 only: the seeding function imports this module.

In a stage without a user pool a name is the id (``PlainNames``). In a stage
with one (``Directory``) the id is the ``sub`` that Cognito gave the user, which
never changes, and the name is the attribute ``preferred_username``, which does.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from model.messages import user_id

NAME_ATTRIBUTE = "preferred_username"
# https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsers.html
USERS_PER_PAGE = 60
_FILTER_CHARACTERS = 256
_SUB = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class UnknownUser(ValueError):
    """Nobody has a name, or several have; the text names it, the pool and the remedy."""


class Names(Protocol):
    """What commands and functions need to know of users."""

    def resolve(self, name: str) -> str:
        """The id of the user whom a person calls ``name``.

        Raises UnknownUser, and ValueError for what cannot name a user.
        """

    def names(self, ids: Iterable[str]) -> dict[str, str]:
        """What to show for each id; an id that nobody knows shows itself."""


class PlainNames:
    """The users of a stage without a user pool: their names are their ids."""

    def resolve(self, name: str) -> str:
        """``name`` as it is. Raises ValueError for what cannot name a user."""
        user_id(name)
        return name

    def names(self, ids: Iterable[str]) -> dict[str, str]:
        """Every id as its own name."""
        return {user: user for user in ids}


@dataclass(frozen=True, kw_only=True)
class User:
    """One user of a pool; ``name`` is None where the attribute is not set."""

    sub: str
    name: str | None
    username: str
    status: str
    enabled: bool


class Directory:
    """The users of one Cognito user pool. ``client`` is boto3's, of ``pool_region``.

    It remembers what it has learned, so it is made for one run or one event.
    botocore's errors pass through.

    No request has AttributesToGet: with it Cognito refuses the whole page when
    one user lacks an attribute that is asked for.
    """

    def __init__(self, client: Any, user_pool_id: str) -> None:
        self.user_pool_id = user_pool_id
        self._client = client
        self._subs: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def resolve(self, name: str) -> str:
        """The sub of the user named ``name``, whatever the case of its letters.

        A sub stands for itself and is not looked up, so that the messages of a
        user who was deleted can still be read. A user who is disabled or not
        yet confirmed is found like every other one: this says who somebody is,
        not who may sign in. Raises UnknownUser, also for a name that several
        users have: a pool may let them choose it themselves, so no rule can
        tell whose it is.
        """
        folded = user_id(name)
        if _SUB.fullmatch(folded):
            return folded
        if folded not in self._subs:
            self._subs[folded] = self._one(name).sub
        return self._subs[folded]

    def names(self, ids: Iterable[str]) -> dict[str, str]:
        """The name of each sub; a sub that the pool does not know, or without a name, itself.

        Takes at most two requests for each sub that was not met before, and one
        for all of them in a pool of up to 60 users.
        """
        wanted = list(dict.fromkeys(ids))
        # What is no sub was written without a pool, as the name that it is.
        unknown = {user for user in wanted if _SUB.fullmatch(user)} - self._names.keys()
        pages, read = self._pages(), 0
        # A page more is worth it while more subs than pages are left.
        while len(unknown) > read + 1 and (page := next(pages, None)) is not None:
            read += 1
            self._names |= {user.sub: user.name or user.sub for user in page}
            unknown -= self._names.keys()
        for sub in unknown:
            found = self._search("sub", sub)
            self._names[sub] = next((user.name for user in found if user.name), sub)
        return {user: self._names.get(user, user) for user in wanted}

    def users(self) -> Iterator[User]:
        """All users of the pool, read page by page as they are used."""
        for page in self._pages():
            yield from page

    def _one(self, name: str) -> User:
        """The one user of that name. Raises UnknownUser."""
        found = [user for user in self._search(NAME_ATTRIBUTE, name) if _is_called(user, name)]
        if not found:
            raise UnknownUser(
                f"user {name!r} is not in user pool {self.user_pool_id}: nobody there has that "
                f"{NAME_ATTRIBUTE}; set it for the user, or mend the name"
            )
        if len(found) > 1:
            subs = ", ".join(sorted(user.sub for user in found))
            raise UnknownUser(
                f"user {name!r} is not one user: {len(found)} in user pool {self.user_pool_id} "
                f"have that {NAME_ATTRIBUTE} ({subs}); rename the others, or give the sub instead"
            )
        return found[0]

    def _search(self, attribute: str, value: str) -> Iterator[User]:
        """Users whose attribute may be ``value``; the caller compares.

        A search ignores the case of letters. How a value with a quotation mark
        in it, or one longer than a filter, is searched for is not said; so the
        filter asks for what comes before.
        """
        value = unicodedata.normalize("NFC", value)
        room = _FILTER_CHARACTERS - len(f'{attribute} ^= ""')
        part = re.split(r'["\\]', value, maxsplit=1)[0][:room]
        comparison = "=" if part == value else "^="
        for page in self._pages(f'{attribute} {comparison} "{part}"' if part else ""):
            yield from page

    def _pages(self, filter: str = "") -> Iterator[list[User]]:
        """The pages of users that match ``filter``; empty ones may come between others."""
        request: dict[str, Any] = {"UserPoolId": self.user_pool_id, "Limit": USERS_PER_PAGE}
        if filter:
            request["Filter"] = filter
        while True:
            answer = self._client.list_users(**request)
            yield [_user(user) for user in answer["Users"]]
            if not answer.get("PaginationToken"):
                return
            request["PaginationToken"] = answer["PaginationToken"]


def pool_region(user_pool_id: str) -> str:
    """The region of a user pool: what its id begins with."""
    return user_pool_id.rpartition("_")[0]


def _user(answer: dict[str, Any]) -> User:
    attributes = {entry["Name"]: entry.get("Value", "") for entry in answer["Attributes"]}
    return User(
        sub=attributes["sub"],
        name=attributes.get(NAME_ATTRIBUTE) or None,
        username=answer["Username"],
        status=answer.get("UserStatus", "UNKNOWN"),
        enabled=answer.get("Enabled", True),
    )


def _is_called(user: User, name: str) -> bool:
    """Whether keys would spell the user's name as they would ``name``."""
    try:
        return user_id(user.name or "") == user_id(name)
    except ValueError:  # the pool lets users choose what no command could take
        return False
