"""The lists of conversations after a recovery: the stream's function brings them up to date; this waits for it."""

from collections.abc import Iterable
from typing import Any

from cli.command_line import Context
from dynamo.parallel import lanes
from dynamo.values import untyped
from model.messages import (
    CONVERSATION_PREFIX,
    MESSAGE_PREFIX,
    PARTITION_KEY,
    SORT_KEY,
    Key,
    conversation_key,
    is_message,
    key_of,
    membership_key,
    memberships,
    participants,
)
from ops.recover.write_back import typed_key
from ops.restore.comparison import TableReader, UnitBudget

_LANES = 8
_PAUSE_SECONDS = 0.5
_MOST_REMEMBERED = 100_000  # conversations that need no second look


class Lists:
    """The entries that the table ``name`` should have for its conversations, and has."""

    def __init__(self, dynamodb: Any, name: str, *, live: TableReader, budget: UnitBudget) -> None:
        self._dynamodb, self._name, self._live, self._budget = dynamodb, name, live, budget

    def follow(self, context: Context, chunks: Iterable[Iterable[Key]], *, seconds: float) -> list[str]:
        """Wait until the lists show the last messages of all conversations of ``chunks``; the conversations missed."""
        context.say("waiting for the conversation lists")
        end, late, seen = context.clock.monotonic() + seconds, list[str](), set[str]()
        with lanes(_LANES) as opened:
            for keys in chunks:
                found = {key[0].removeprefix(CONVERSATION_PREFIX) for key in keys if is_message(*key)}
                left = sorted(found - seen)
                while left := [one for one, is_right in opened.map(self._is_right, left) if not is_right]:
                    if context.clock.monotonic() >= end:
                        late += left
                        break
                    context.clock.sleep(_PAUSE_SECONDS)
                seen = found if len(seen) > _MOST_REMEMBERED else seen | found
        return late

    def _is_right(self, conversation: str) -> tuple[str, bool]:
        answer = self._budget.spend(
            self._dynamodb.query,
            TableName=self._name,
            KeyConditionExpression="#pk = :conversation AND begins_with(#sk, :messages)",
            ExpressionAttributeNames={"#pk": PARTITION_KEY, "#sk": SORT_KEY},
            ExpressionAttributeValues={
                ":conversation": {"S": conversation_key(conversation)},
                ":messages": {"S": MESSAGE_PREFIX},
            },
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=1,
        )
        try:
            users = participants(conversation)
            right = {key_of(row): row for item in answer["Items"] for row in memberships(untyped(item))}
        except ValueError:  # no list can show it
            return conversation, True
        keys = [membership_key(user, conversation) for user in users]
        there = {key_of(row): untyped(row) for row in self._live.get([typed_key(key_of(key)) for key in keys])}
        same_keys = there.keys() == right.keys()
        return conversation, same_keys and all(row.items() <= there[key].items() for key, row in right.items())
