"""Keys, items, times and limits of the single table. Standard library only: Lambda functions import this module."""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from model.users import check_user, folded, user_id

PARTITION_KEY, SORT_KEY = "pk", "sk"
# The index that orders a user's conversations. Only memberships have its keys.
INDEX_NAME = "ConversationsByRecency"
INDEX_PARTITION_KEY, INDEX_SORT_KEY = "User", "LastMessageAt"
CONVERSATION_PREFIX, MESSAGE_PREFIX, USER_PREFIX = "CONVERSATION#", "MESSAGE#", "USER#"

# The longest body that a person may send, and that a list of conversations shows; seeds may have longer ones.
BODY_CHARACTERS = 1024

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
ITEM_BYTES = 400 * 1024  # names and values together
KEY_BYTES = {PARTITION_KEY: 2048, SORT_KEY: 1024}
LEVELS = 31  # of lists and maps; the value in the innermost one is on level 32, the last
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
DIGITS, _EXPONENTS = 38, range(-130, 126)
RANGE = "1E-130 to 9.99E+125"
_SHOWN = 40

# The values of attributes, with the types of boto3's own (de)serializer; numbers are never floats.
Attribute = str | Decimal | bool | list["Attribute"] | dict[str, "Attribute"]
Item = dict[str, Attribute]
Key = tuple[str, str]

# A message's own extra attributes have other names than these.
RESERVED = frozenset(
    "pk sk ConversationId SentAt MessageId FromUser ToUser Body Status EditedAt "
    "User OtherUser LastMessageAt LastMessageId LastMessageBody".split()
)

# Any fixed UUID will do; a new one would give every seeded message a new id.
_MESSAGE_IDS = uuid.UUID("5d2b8f0e-93a4-4a58-a7c5-0c6f5e6b3c11")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def conversation_id(one: str, other: str) -> str:
    """The id of the conversation of two users, in either order. Raises ValueError for a bad name, or one user twice."""
    names = [user_id(one), user_id(other)]
    if names[0] == names[1]:
        raise ValueError(f"{one!r} and {other!r} are the same user; a conversation has two")
    return "#".join(sorted(names))


def participants(conversation: str) -> tuple[str, str]:
    """The ids of a conversation's two users. Raises ValueError for another text."""
    users = conversation.split("#")
    if len(users) != 2 or not all(users):
        raise ValueError(f"{conversation!r} is not a conversation: two users joined by #")
    return users[0], users[1]


def conversation_key(conversation: str) -> str:
    """The partition key under which a conversation's messages lie."""
    return CONVERSATION_PREFIX + conversation


def message_key(conversation: str, sent_at: str, message_id: str) -> dict[str, str]:
    """The key of one message; ``sent_at`` as ``format_time`` spells it."""
    return {PARTITION_KEY: conversation_key(conversation), SORT_KEY: f"{MESSAGE_PREFIX}{sent_at}#{message_id}"}


def key_of(item: Mapping[str, Any]) -> Key:
    """The primary key of an item on the wire or typed."""
    pk, sk = item["pk"], item["sk"]
    return (pk, sk) if isinstance(pk, str) else (pk["S"], sk["S"])


@dataclass(frozen=True, order=True)
class Position:
    """A message's place in its conversation: by time, then by id.

    The order of sort keys, as long as no time has a character that sorts before #, such as a space.
    """

    sent_at: str
    message_id: str

    @classmethod
    def of(cls, sort_key: str) -> "Position":
        """The position that a message's sort key spells."""
        sent_at, _, message_id = sort_key.removeprefix(MESSAGE_PREFIX).partition("#")
        return cls(sent_at, message_id)


def is_message(pk: str, sk: str) -> bool:
    """Whether an item under these keys is a message."""
    return pk.startswith(CONVERSATION_PREFIX) and sk.startswith(MESSAGE_PREFIX)


def is_membership(pk: str, sk: str) -> bool:
    """Whether an item under these keys lists a conversation for a user."""
    return pk.startswith(USER_PREFIX) and sk.startswith(CONVERSATION_PREFIX)


def membership_key(user: str, conversation: str) -> dict[str, str]:
    """The key of the item by which ``user``, an id, is listed in a conversation."""
    return {PARTITION_KEY: USER_PREFIX + user, SORT_KEY: CONVERSATION_PREFIX + conversation}


def memberships(message: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The items of both participants while ``message`` is the last of its conversation.

    As far as possible from the keys: a message that was put by hand may lack the rest. Raises ValueError for a
    key without a conversation or a time.
    """
    conversation = str(message[PARTITION_KEY]).removeprefix(CONVERSATION_PREFIX)
    one, other = participants(conversation)
    last = Position.of(str(message[SORT_KEY]))
    if not last.sent_at:  # an index refuses an empty text in its key
        raise ValueError(f"{message[SORT_KEY]!r} has no time: {MESSAGE_PREFIX}TIME#ID")
    spelled = {folded(name): name for side in ("FromUser", "ToUser") if isinstance(name := message.get(side), str)}
    body = message.get("Body")

    def item(user: str, partner: str) -> dict[str, Any]:
        return {
            **membership_key(user, conversation),
            INDEX_PARTITION_KEY: user,
            "OtherUser": spelled.get(partner, partner),
            "ConversationId": conversation,
            INDEX_SORT_KEY: last.sent_at,
            "LastMessageId": last.message_id,
            "LastMessageBody": body[:BODY_CHARACTERS] if isinstance(body, str) else "",
        }

    return item(one, other), item(other, one)


def message_item(
    *,
    sender: str,
    recipient: str,
    body: str,
    sent_at: datetime,
    message_id: str | None = None,
    attributes: Mapping[str, Attribute] | None = None,
) -> Item:
    """The item of one message; the same arguments always give the same item.

    ``sent_at`` needs a zone. Without a ``message_id`` the id follows from conversation and time. Raises ValueError
    for anything that cannot be stored.
    """
    for name in (sender, recipient):
        check_user(name)
    conversation, time = conversation_id(sender, recipient), format_time(sent_at)
    if message_id is None:
        message_id = str(uuid.uuid5(_MESSAGE_IDS, f"{conversation}/{time}"))
    elif not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError(f"{message_id!r} is not a message id: 1 to 64 of A-Z, a-z, 0-9, . _ and -")
    if not body.strip():
        raise ValueError("body is empty")
    if taken := sorted(RESERVED & (attributes or {}).keys()):
        raise ValueError(f"attribute {taken[0]!r} is reserved for the data model")
    item: Item = {
        **message_key(conversation, time, message_id),
        "ConversationId": conversation,
        "SentAt": time,
        "MessageId": message_id,
        "FromUser": sender,
        "ToUser": recipient,
        "Body": body,
        "Status": "SENT",
        **(attributes or {}),
    }
    for name, most in KEY_BYTES.items():
        if (size := len(str(item[name]).encode())) > most:
            raise ValueError(f"the key {name} has {size} bytes; DynamoDB allows {most}")
    check_entry(conversation)
    if (size := item_bytes(item)) > ITEM_BYTES:
        raise ValueError(f"the item has {size} bytes; DynamoDB allows {ITEM_BYTES}")
    return item


def check_entry(conversation: str) -> None:
    """Raise ValueError where the key of a conversation's entry in a list would be too large."""
    size, most = len(membership_key("", conversation)[SORT_KEY].encode()), KEY_BYTES[SORT_KEY]
    if size > most:
        raise ValueError(f"the key {SORT_KEY} of its membership has {size} bytes; DynamoDB allows {most}")


def item_bytes(item: Mapping[str, Any]) -> int:
    """The size in bytes that DynamoDB counts against its limit."""
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Any) -> int:
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, Decimal):
        return 1 + (significant_digits(value) + 1) // 2 + value.is_signed()
    if isinstance(value, list):
        return 3 + sum(1 + _value_bytes(member) for member in value)
    if isinstance(value, Mapping):
        return 3 + len(value) + item_bytes(value)
    if isinstance(value, set | frozenset):
        return sum(map(_value_bytes, value))
    return 1 if value is None or isinstance(value, bool) else len(bytes(value))


def format_time(moment: datetime) -> str:
    """``moment`` as UTC, milliseconds, fixed width: the order of such texts is that of time."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone")
    # isoformat cuts what is below a millisecond; years below 1000 keep their four digits.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse_time(text: str) -> datetime:
    """The moment that an ISO 8601 text with a zone names; ValueError for any other text."""
    if not _TIME.fullmatch(text):
        raise ValueError(f"{short(repr(text))} is not a time like 2026-01-01T09:00:00Z")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is before year 1 or after year 9999 in UTC") from None
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time: {error}") from None


def number_problem(number: Decimal) -> str | None:
    """Why DynamoDB cannot keep the number; None when it can."""
    if not number.is_finite():
        return f"{number} is not a DynamoDB number"
    if (digits := significant_digits(number)) > DIGITS:
        return f"the number has {digits} digits; DynamoDB keeps {DIGITS}"
    return None if is_in_range(number) else f"{short(str(number))} is out of range: {RANGE}"


def is_in_range(number: Decimal) -> bool:
    """Whether a finite number is one that DynamoDB can keep, if it has not too many digits."""
    return not number or number.adjusted() in _EXPONENTS


def significant_digits(number: Decimal) -> int:
    """How many digits DynamoDB counts: without the zeros at both ends."""
    return len("".join(map(str, number.as_tuple().digits)).strip("0"))


def within(name: str, levels: int) -> int:
    """How many levels are left in the list or map ``name``, for which there are ``levels``. Raises ValueError."""
    if levels < 1:
        raise ValueError(f"attribute {short(repr(name))} is nested deeper than DynamoDB's {LEVELS + 1} levels")
    return levels - 1


def short(text: str, most: int = _SHOWN) -> str:
    """``text``, or its first ``most`` characters, for an error message of one line."""
    return text if len(text) <= most else f"{text[:most]}..."
