"""Items from outside: DynamoDB's own notation of an export, and the rules of DynamoDB and of the data model.

An export has one item a line, ``{"Item": {"pk": {"S": "..."}, ...}}``
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html).
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from dynamo.values import item_bytes, restored
from model import messages as model
from model.dataset import named, parsed
from model.users import check_user
from model.wire import Typed

# An item of 400 KB takes less, even where every character is written as \u0001.
LINE_BYTES = 8 * 1024 * 1024
# The keys of table and index must be text; the most bytes of each.
_KEYS = model.KEY_BYTES | {
    model.INDEX_PARTITION_KEY: model.KEY_BYTES[model.PARTITION_KEY],
    model.INDEX_SORT_KEY: model.KEY_BYTES[model.SORT_KEY],
}


def checked_item(line: bytes, read: Callable[[Any], Typed]) -> Typed:
    """The item that ``read`` makes of the JSON of a line. Raises ValueError with the rule that the item breaks."""
    if len(line) > LINE_BYTES:
        raise ValueError(f"is longer than {LINE_BYTES // 2**20} MiB; no item is that long")
    try:
        item = read(parsed(line, parse_int=Decimal))
        _check(item)
    except UnicodeEncodeError:
        raise ValueError("contains an unpaired surrogate, which is not valid Unicode") from None
    return item


def exported_item(value: Mapping[str, Any]) -> Typed:
    """The item of an export's line. Raises ValueError for anything else."""
    if others := sorted(value.keys() - {"Item"}):
        raise ValueError(f"has key {others[0]!r} next to 'Item'; only 'Item' is allowed")
    attributes = value["Item"]
    if not isinstance(attributes, Mapping):
        raise ValueError("'Item' is not an object of attributes")
    return {name: restored(name, content) for name, content in named(attributes)}


def _check(item: Typed) -> None:
    """Raise ValueError for what DynamoDB, or the stream's function, would refuse."""
    for name in (model.PARTITION_KEY, model.SORT_KEY):
        if name not in item:
            raise ValueError(f"has no {name}; every item of the table has pk and sk")
    for name in _KEYS.keys() & item.keys():
        ((kind, content),) = item[name].items()
        if kind != "S" or not content:
            raise ValueError(f"the key {name} must be text, and not empty")
        if (size := len(content.encode())) > _KEYS[name]:
            raise ValueError(f"the key {name} has {size} bytes; DynamoDB allows {_KEYS[name]}")
    pk, sk = model.key_of(item)
    if model.is_message(pk, sk):  # its two users' lists must find it by its key
        conversation, position = pk.removeprefix(model.CONVERSATION_PREFIX), model.Position.of(sk)
        users = model.participants(conversation)
        if (spelled := model.conversation_id(*users)) != conversation:
            raise ValueError(f"conversation {conversation!r} must be written {spelled!r}")
        for user in users:
            check_user(user)
        model.check_entry(conversation)
        if not (position.sent_at and position.message_id):
            raise ValueError(f"the sk of a message is MESSAGE#TIME#ID, not {sk!r}")
    if (size := item_bytes(item)) > model.ITEM_BYTES:
        raise ValueError(f"the item has {size} bytes; DynamoDB allows {model.ITEM_BYTES}")
