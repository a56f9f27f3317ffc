"""A seed's items as the lines of a dataset. Pure."""

from dynamo import values
from model.dataset import item_of
from model.messages import RESERVED, Item

_FIELDS = {"from": "FromUser", "to": "ToUser", "body": "Body", "at": "SentAt", "id": "MessageId"}


def to_line(item: Item) -> str:
    """The line of a dataset, without its end, that gives the message's item again.

    Raises ValueError for what a dataset cannot hold, for example a number of 20 digits.
    """
    attributes = {name: value for name, value in item.items() if name not in RESERVED}
    line = {key: item[name] for key, name in _FIELDS.items()}
    text = values.text(line | ({"attributes": attributes} if attributes else {}))
    item_of(text.encode())
    return text
