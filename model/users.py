"""Who a user is: the names that people use, and the ids that keys carry.

In a stage without a user pool a name is the id (``PlainNames``). In a stage with one (``Directory``) the id is the
``sub`` that Cognito gave the user, which never changes, and the name is the attribute ``preferred_username``.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

_NAME = re.compile(r"[^#\s\x00-\x1f\x7f](?:[^#\x00-\x1f\x7f]*[^#\s\x00-\x1f\x7f])?")
_REFUSED = {
    "Cc": "a control character",
    "Cf": "a format character",
    "Co": "a private-use character",
    "Cs": "half of a surrogate pair",
    "Cn": f"which Unicode {unicodedata.unidata_version} does not have",
    "Zl": "a line separator",
    "Zp": "a paragraph separator",
}
_VARIATION = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
# Invisible letters, marks and symbols: Default_Ignorable_Code_Point of
# https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt, and a blank pattern.
_BLANK = re.compile(f"[\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0{_VARIATION}]")
_NON_JOINER, _JOINER = "\u200c", "\u200d"
# What may follow an emoji: https://www.unicode.org/reports/tr51/#EBNF_and_Regex
_PRESENTATION, _TONES = "\ufe0e\ufe0f", "\U0001f3fb-\U0001f3ff"
_VIRAMA = 9
# Arabic letters that do not join the next one: Joining_Type R and U in
# https://www.unicode.org/Public/UCD/latest/ucd/ArabicShaping.txt
_JOINS_NOTHING_AFTER = re.compile(
    "[\u0621-\u0625\u0627\u0629\u062f-\u0632\u0648\u0671-\u0677\u0688-\u0699\u06c0\u06c3-\u06cb"
    "\u06cd\u06cf\u06d2-\u06d5\u06ee\u06ef\u0759-\u075b\u076b\u076c\u0771\u0773\u0774\u0778\u0779"
    "\u08aa-\u08ae\u08b1\u08b2\u08b9]"
)

NAME_ATTRIBUTE = "preferred_username"
# https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsers.html
USERS_PER_PAGE = 60
_SUB = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def user_id(name: str) -> str:
    """A user's id in keys without a user pool: Tom and tom are one. Raises ValueError for an impossible name."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is not a user name: it must not be empty, contain '#' or a "
            "control character, or begin or end with white space"
        )
    return folded(name)


def folded(name: str) -> str:
    """``name`` composed and case-folded."""
    # Decomposed first and composed last: otherwise the id of an id could be another one, as case folding leaves marks
    # out of order (definition D145 of https://www.unicode.org/versions/latest/core-spec/chapter-3/).
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


@lru_cache(1000)  # of millions of messages, most have the same few users
def check_user(name: str) -> None:
    """Raise ValueError unless a new message may have a user of this name."""
    user_id(name)
    composed = unicodedata.normalize("NFC", name)
    if places := hidden(composed):
        character = composed[min(places)]
        code, title = f"U+{ord(character):04X}", unicodedata.name(character, "")
        found = f"{code} {title}" if title else f"{code}, {_REFUSED[unicodedata.category(character)]}"
        raise ValueError(
            f"user {name!r} contains {found}; a name has no control, format, private-use, unassigned or other "
            "invisible character, except joiners where a script or an emoji needs them: leave it out"
        )
    if not any(unicodedata.category(character)[0] in "LNPS" for character in composed):
        raise ValueError(f"user {name!r} has no visible character")


def hidden(name: str) -> frozenset[int]:
    """The places of invisible characters in ``name`` that nothing there needs."""
    return frozenset(
        place
        for place, character in enumerate(name)
        if (unicodedata.category(character) in _REFUSED or _BLANK.match(character))
        and not _is_needed(character, name[:place], name[place + 1 :])
    )


def _is_needed(character: str, before: str, after: str) -> bool:
    """Whether an invisible character changes how its neighbours look."""
    # Joiners as in domain names: https://www.rfc-editor.org/rfc/rfc5892#appendix-A.1
    if character in _PRESENTATION:
        return _is_symbol(before[-1:])
    if character not in (_JOINER, _NON_JOINER) or not before:
        return False
    if unicodedata.combining(before[-1]) == _VIRAMA:
        return True
    if character == _JOINER:
        base = re.sub(f"[{_PRESENTATION}{_TONES}]+$", "", before)
        return _is_symbol(base[-1:]) and _is_symbol(after[:1])
    left, right = ([one for one in text if unicodedata.category(one) != "Mn"] for text in (before, after))
    arabic = [unicodedata.name(letter, "").startswith("ARABIC LETTER") for letter in (*left[-1:], *right[:1])]
    return arabic == [True, True] and not _JOINS_NOTHING_AFTER.match(left[-1]) and right[0] not in "\u0621\u0674"


def _is_symbol(character: str) -> bool:
    """Whether it is a symbol; the standard library does not know which symbols are emoji."""
    return bool(character) and unicodedata.category(character) == "So"


class UnknownUser(ValueError):
    """No user has a name, or several have; the text names it, the pool and the remedy."""


class PlainNames:
    """The users of a stage without a user pool: their names are their ids."""

    def resolve(self, name: str) -> str:
        """``name`` as it is. Raises ValueError for an impossible name."""
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
    """The users of one Cognito user pool, cached for one run or one event; ``client`` is boto3's, in ``pool_region``.

    No request has AttributesToGet: Cognito would refuse the page when one user lacks an attribute.
    """

    def __init__(self, client: Any, user_pool_id: str) -> None:
        self.user_pool_id = user_pool_id
        self._client = client
        self._subs: dict[str, str] = {}
        self._names: dict[str, str] = {}

    def resolve(self, name: str) -> str:
        """The sub of the user named ``name``, in any case. Raises UnknownUser, also for a name that several users have.

        A sub stands for itself and is not looked up, so that the messages of a deleted user can still be read.
        """
        wanted = user_id(name)
        if _SUB.fullmatch(wanted):
            return wanted
        if wanted in self._subs:
            return self._subs[wanted]
        found = [user.sub for user in self._search(NAME_ATTRIBUTE, name) if folded(user.name or "") == wanted]
        if not found:
            raise UnknownUser(
                f"user {name!r} is not in user pool {self.user_pool_id}: no user has that "
                f"{NAME_ATTRIBUTE}; set it for the user, or correct the name"
            )
        if len(found) > 1:  # users may choose the attribute, so no rule can tell who is meant
            raise UnknownUser(
                f"user {name!r} is not unique: {len(found)} in user pool {self.user_pool_id} "
                f"have that {NAME_ATTRIBUTE} ({', '.join(sorted(found))}); rename the others, or pass the sub instead"
            )
        self._subs[wanted] = found[0]
        return found[0]

    def names(self, ids: Iterable[str]) -> dict[str, str]:
        """The name of each sub; for an unknown sub, or one without a name, the sub.

        Takes at most two requests for each sub that is not cached; one for all of them in a pool of up to 60 users.
        """
        wanted = list(dict.fromkeys(ids))
        # Other ids than subs are names, written before there was a pool.
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
        return chain.from_iterable(self._pages())

    def _search(self, attribute: str, value: str) -> Iterator[User]:
        """Users whose attribute may be ``value``, in any case; the caller compares."""
        value = unicodedata.normalize("NFC", value)
        # AWS documents no escape for a quotation mark.
        part = re.split(r'["\\]', value, maxsplit=1)[0][: 256 - len(f'{attribute} ^= ""')]
        comparison = "=" if part == value else "^="
        return chain.from_iterable(self._pages(f'{attribute} {comparison} "{part}"' if part else ""))

    def _pages(self, filter: str = "") -> Iterator[list[User]]:
        """The pages of users that match ``filter``; empty ones may come between others."""
        request = {"UserPoolId": self.user_pool_id, "Limit": USERS_PER_PAGE} | ({"Filter": filter} if filter else {})
        for page in self._client.get_paginator("list_users").paginate(**request):
            yield [_user(user) for user in page["Users"]]


# How commands and functions find users.
Names = PlainNames | Directory


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
