"""Puts the users' ids in place of their names: a seed as it lies in a stage with a user pool.

The template keeps the names, so that it is the same in every stage and for
every reader; who has them is known where the pool can be asked.
"""

import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby, islice
from typing import IO

from dynamo.changes import key_of
from model.directory import Names
from model.messages import PARTITION_KEY, conversation_id, conversation_key
from model.wire import Typed

_BYTES_IN_MEMORY = 1_000_000
# Where a conversation begins in the file, and how many messages it has.
_Place = tuple[int, int]


def under_ids(
    items: Iterable[Typed], users: Names, *, unknown: Callable[[ValueError], None] | None = None
) -> Iterator[Typed]:
    """``items`` with ids for users, in their keys too, and in the order of these keys.

    ``items`` are in the order of their own keys, so that a conversation's lie
    side by side. All are read before this returns: a name that nobody has
    shows before anything is written. It raises ValueError, or leaves its
    conversations out and says so to ``unknown``. Times and ids of messages stay.
    """
    # On the disk: other keys have another order, and a seed may be large.
    file = tempfile.SpooledTemporaryFile(_BYTES_IN_MEMORY)  # noqa: SIM115 (closed by its reader)
    places: dict[str, _Place] = {}
    for _, conversation in groupby(items, key=lambda item: key_of(item)[0]):
        try:
            messages = (_under_ids(item, users) for item in conversation)
            first = next(messages)
            key = _new(key_of(first)[0], places, first)
        except ValueError as error:
            if unknown is None:
                raise
            unknown(error)
        else:
            places[key] = file.tell(), _write(file, chain([first], messages))
    return _read(file, places)


def _under_ids(item: Typed, users: Names) -> Typed:
    sender, recipient = (users.resolve(item[side]["S"]) for side in ("FromUser", "ToUser"))
    conversation = conversation_id(sender, recipient)
    return {
        **item,
        PARTITION_KEY: {"S": conversation_key(conversation)},
        "ConversationId": {"S": conversation},
        "FromUser": {"S": sender},
        "ToUser": {"S": recipient},
    }


def _new(key: str, places: dict[str, _Place], message: Typed) -> str:
    """The key of a conversation, which must be another one than those before."""
    if key in places:
        names = " and ".join(message[side]["S"] for side in ("FromUser", "ToUser"))
        raise ValueError(f"the seed has two names for one user: the conversation of {names} twice")
    return key


def _write(file: IO[bytes], messages: Iterable[Typed]) -> int:
    count = 0
    for count, message in enumerate(messages, 1):  # noqa: B007 (counts)
        file.write(json.dumps(message).encode() + b"\n")
    return count


def _read(file: IO[bytes], places: dict[str, _Place]) -> Iterator[Typed]:
    with file:
        for _, (start, count) in sorted(places.items()):
            file.seek(start)
            yield from map(json.loads, islice(file, count))
