"""Keeps both users' lists at the last message of a conversation.

Standard library and boto3 only: the stream's Lambda function imports this module.

A stream record says that a conversation changed, not what is true now: records come twice, late, and next to other
writers. So every call reads the newest message consistently and writes that, with one conditional UpdateItem for each
participant. Why the lists end up right whatever the order:

* A list goes to a newer message always, and to an older one only from messages up to ``horizon``, the newest that the
  records name. Those between the newest message and the horizon were gone when the newest was read, so no list goes
  back past a message that exists.
* When the newest message is beyond the horizon, that message's own record is still to come or was here already: nothing
  is to be written.
* After writing, the newest is read again. If it was deleted or edited meanwhile, by a writer whose record another
  invocation has handled already, the second round writes what is true now. A crash in between makes the stream deliver
  the records again, with the same horizon.

Taken for granted: a write under way when an invocation dies takes effect before the following one reads for the last
time (docs/conversations.md).
"""

from typing import Any

from dynamo.table import unless_refused
from model import messages as model

# As much of a conversation's traffic as one record may race with; then the record is retried, in quieter times.
ROUNDS = 20
_ATTRIBUTES = (model.PARTITION_KEY, model.SORT_KEY, "FromUser", "ToUser", "Body")


class Unsettled(Exception):
    """The conversation changed again in every round; the record is to be retried."""


def bring_up_to_date(table: Any, conversation: str, horizon: model.Position) -> None:
    """Let both participants' lists show the last message of ``conversation``.

    ``table`` is a boto3 DynamoDB Table; ``horizon`` the newest message that is known to have changed. Raises ValueError
    for an id of no two users, Unsettled, and botocore's errors.
    """
    model.participants(conversation)
    newest = last_message(table, conversation)
    for _ in range(ROUNDS):
        if newest and model.Position.of(newest[model.SORT_KEY]) > horizon:
            return
        if newest:
            for membership in model.memberships(newest):
                _point(table, membership, horizon)
        else:
            for user in model.participants(conversation):
                _remove(table, model.membership_key(user, conversation), horizon)
        written, newest = newest, last_message(table, conversation)
        if newest == written:
            return
    raise Unsettled(f"conversation {conversation} changed in each of {ROUNDS} rounds")


def last_message(table: Any, conversation: str) -> dict[str, Any] | None:
    """What ``memberships`` needs of the last message, read consistently; None when there is none."""
    names = {f"#{number}": name for number, name in enumerate(_ATTRIBUTES)}
    page = table.query(
        KeyConditionExpression="#0 = :pk AND begins_with(#1, :messages)",
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={":pk": model.conversation_key(conversation), ":messages": model.MESSAGE_PREFIX},
        ProjectionExpression=", ".join(names),
        ConsistentRead=True,
        ScanIndexForward=False,
        Limit=1,
    )
    return next(iter(page["Items"]), None)


def _point(table: Any, membership: dict[str, Any], horizon: model.Position) -> None:
    """Set one list's entry to ``membership``, unless it is beyond the horizon."""
    key = {name: membership[name] for name in (model.PARTITION_KEY, model.SORT_KEY)}
    attributes = [name for name in membership if name not in key]
    condition, values = _not_beyond(horizon)
    unless_refused(  # by a newer write that was first
        table.update_item,
        Key=key,
        # User is a reserved word of expressions.
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
        ConditionExpression=condition,
        ExpressionAttributeNames={f"#{name}": name for name in attributes},
        ExpressionAttributeValues=values | {f":{name}": membership[name] for name in attributes},
    )


def _remove(table: Any, key: dict[str, str], horizon: model.Position) -> None:
    """Take the conversation off one list, unless its entry is beyond the horizon."""
    condition, values = _not_beyond(horizon)
    unless_refused(table.delete_item, Key=key, ConditionExpression=condition, ExpressionAttributeValues=values)


def _not_beyond(horizon: model.Position) -> tuple[str, dict[str, str]]:
    """The condition that an entry's last message is the horizon's or an earlier one.

    Every entry written here has both as text. One that was put by hand and lacks the time, or the id as text, counts as
    the earliest; so does a missing entry.
    """
    return (
        f"attribute_not_exists({model.INDEX_SORT_KEY}) "
        f"OR {model.INDEX_SORT_KEY} < :horizonAt "
        f"OR ({model.INDEX_SORT_KEY} = :horizonAt "
        "AND (NOT attribute_type(LastMessageId, :text) OR LastMessageId <= :horizonId))",
        {":horizonAt": horizon.sent_at, ":horizonId": horizon.message_id, ":text": "S"},
    )
