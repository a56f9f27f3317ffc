"""The rule that keeps lists right: every order of events, and that a weaker rule is found out."""

import itertools
import types
from pathlib import Path
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from dynamo import memberships
from model.messages import Position
from tests.support.interleavings import CONVERSATION, Exploration, holds, sort_key

_PLACES, _BODIES = (1, 2, 3), ("a", "b", None)  # 2 and 3 are in the same millisecond


def _histories(length: int):
    """All series of mutations that change something, alike but for the names of bodies left out."""
    for history in itertools.product(itertools.product(_PLACES, _BODIES), repeat=length):
        now, first = {}, {}
        for place, body in history:
            first.setdefault(place, body)
            if now.get(place) == body or first[place] != "a":
                break
            now[place] = body
        else:
            yield history


@pytest.mark.parametrize("history", list(_histories(3)), ids=str)
def test_lists_end_right_whatever_the_order(history):
    assert Exploration(memberships.bring_up_to_date, history).wrong_end() is None


# Of three changes: the last message is deleted; put again; deleted in the millisecond of the one before.
_LONGER = [((1, "a"), (2, "a"), (2, None)), ((2, "a"), (2, None), (2, "b")), ((2, "a"), (3, "a"), (3, None))]


@pytest.mark.parametrize(
    ("history", "fault"),
    [*itertools.product(_histories(2), ["crashes", "zombies", "replays"]), *itertools.product(_LONGER, ["crashes"])],
    ids=str,
)
def test_lists_end_right_whatever_fails(history, fault):
    """An invocation dies at any point; runs on while its records are delivered again; replays."""
    exploration = Exploration(memberships.bring_up_to_date, history, **{fault: 1})
    assert exploration.wrong_end() is None
    assert exploration.states > 50


_ABSENT = 'f"attribute_not_exists({model.INDEX_SORT_KEY}) "\n        f"OR '
_CONDITION = "        ConditionExpression=condition,\n"
_UPDATE = "        ExpressionAttributeNames="
_DELETED_IF = "ConditionExpression=condition, "
_DELETE = f"table.delete_item, Key=key, {_DELETED_IF}"
_BEYOND = "if newest and model.Position.of(newest[model.SORT_KEY]) > horizon"
# What the rule would be without one of its parts, and a history in which that shows.
WEAKER = {
    "writes without reading again": (
        "        if newest == written:\n            return\n",
        "        return\n",
        ((1, "a"), (1, "b")),
    ),
    "does not read again after a removal": (
        "if newest == written:",
        "if newest is None or newest == written:",
        ((1, "a"), (1, None)),
    ),
    "compares positions where bodies may differ": (
        "if newest == written:",
        "if newest and written and newest[model.SORT_KEY] == written[model.SORT_KEY]:",
        ((1, "a"), (1, "b")),
    ),
    "lets no edit through": ("LastMessageId <= :horizonId", "LastMessageId < :horizonId", ((1, "a"), (1, "b"))),
    "takes one millisecond for one message": (
        "{model.INDEX_SORT_KEY} < :horizonAt",
        "{model.INDEX_SORT_KEY} <= :horizonAt",
        ((2, "a"), (3, "a")),
    ),
    "goes only forward": (
        "_point(table, membership, horizon)",
        "_point(table, membership, model.Position.of(newest[model.SORT_KEY]))",
        ((1, "a"), (2, "a"), (2, None)),
    ),
    "writes beyond the horizon": (_BEYOND, "if False", ((1, "a"), (2, "a"), (2, None))),
    "leaves what is at the horizon": (_BEYOND, _BEYOND.replace(">", ">="), ((1, "a"),)),
    "leaves what is before the horizon": (_BEYOND, _BEYOND.replace(">", "!="), ((1, "a"), (2, "a"), (2, None))),
    "removes without a condition": (_DELETE, _DELETE.replace(_DELETED_IF, ""), ((1, "a"), (1, None), (2, "a"))),
    "writes without a condition": (_CONDITION + _UPDATE, _UPDATE, ((1, "a"), (2, "a"))),
    "opens no conversation": (_ABSENT, 'f"', ((1, "a"),)),
    "writes one list": ("in model.memberships(newest):", "in model.memberships(newest)[:1]:", ((1, "a"),)),
    "clears one list": (
        "for user in model.participants(conversation):",
        "for user in model.participants(conversation)[:1]:",
        ((1, "a"), (1, None)),
    ),
}


@pytest.mark.parametrize("weaker", WEAKER)
def test_a_weaker_rule_is_found_out(weaker):
    old, new, history = WEAKER[weaker]
    source = Path(memberships.__file__).read_text()
    assert source.count(old) == 1, "the rule is spelled otherwise now"
    module = types.ModuleType("weaker")
    exec(source.replace(old, new), module.__dict__)
    assert Exploration(module.bring_up_to_date, history).wrong_end() is not None


@pytest.mark.parametrize("conversation", ["", "tom", "a#b#c"])
def test_an_invalid_conversation_is_refused_before_anything_is_read(conversation):
    table = Mock()
    with pytest.raises(ValueError, match="is not a conversation"):
        memberships.bring_up_to_date(table, conversation, Position.of(sort_key(0)))
    assert not table.mock_calls


def test_a_conversation_that_never_rests_is_left_to_a_retry():
    reads, table, key = itertools.count(), Mock(), {"pk": "CONVERSATION#jerry#tom", "sk": sort_key(0)}
    table.query.side_effect = lambda **_: {"Items": [key | {"Body": str(next(reads))}]}
    with pytest.raises(memberships.Unsettled, match="jerry#tom changed in each of 20 rounds"):
        memberships.bring_up_to_date(table, CONVERSATION, Position.of(sort_key(0)))
    assert table.update_item.call_count == 2 * memberships.ROUNDS


@pytest.mark.parametrize("write", ["update_item", "delete_item"])
def test_only_a_failed_condition_is_let_pass(write):
    items, table = [{"pk": "CONVERSATION#jerry#tom", "sk": sort_key(0)}], Mock()
    table.query.return_value = {"Items": items if write == "update_item" else []}
    getattr(table, write).side_effect = ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, write)
    memberships.bring_up_to_date(table, CONVERSATION, Position.of(sort_key(0)))
    getattr(table, write).side_effect = ClientError({"Error": {"Code": "ThrottlingException"}}, write)
    with pytest.raises(ClientError, match="Throttling"):
        memberships.bring_up_to_date(table, CONVERSATION, Position.of(sort_key(0)))


@pytest.mark.parametrize(
    ("expression", "row", "truth"),
    [
        ("attribute_not_exists(A) OR A < :v", {}, True),
        ("attribute_not_exists(A) OR A < :v", {"A": "5"}, False),
        ("A < :v OR (A = :v AND B <= :v)", {"A": "5", "B": "5"}, True),
        ("A < :v OR (A = :v AND B <= :v)", {"A": "5", "B": "6"}, False),
        ("A <= :v", {}, False),  # DynamoDB: what is missing compares with nothing
        ("A <= :v", {"A": 4}, False),  # nor does what has another type
        ("NOT attribute_type(A, :s) OR A <= :v", {}, True),
        ("NOT attribute_type(A, :s) OR A <= :v", {"A": 6}, True),
        ("NOT attribute_type(A, :s) OR A <= :v", {"A": "6"}, False),
    ],
)
def test_the_model_of_conditions_is_that_of_dynamodb(expression, row, truth):
    values = {":v": "5", ":s": "S"}
    request = {"ConditionExpression": expression, "ExpressionAttributeValues": values}
    assert holds(request, row) is truth
