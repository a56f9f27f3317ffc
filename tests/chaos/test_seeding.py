"""Seeding, also through a faulty network and a throttling DynamoDB: every message exactly once.

The function's own code with the client that it makes for itself; only its endpoint is a faulty one.
"""

import pytest
from botocore.exceptions import ClientError

from functions import seed_messages as handler
from tests.support.faults import FAULTS, RESET_AFTER, THROTTLED, faults

ALL = {"Total", "Present", "Written", "Unchanged", "Preserved", "Removed"}


@pytest.fixture
def seed(aws, messages_table, monkeypatch):
    """``seed(endpoint, new, old)``: the function's counts that are not zero."""

    def send(endpoint, new, old=None, **more):
        for key, value in (aws.environment() | {"AWS_ENDPOINT_URL": endpoint}).items():
            monkeypatch.setenv(key, value)
        event = {
            "RequestType": "Create" if old is None else "Update",
            "LogicalResourceId": "Seed",
            "ResourceProperties": {"TableName": messages_table, "Messages": wires(new)},
        }
        if old is not None:
            event["OldResourceProperties"] = {"TableName": messages_table, "Messages": wires(old)}
        answer = handler.on_event(event | more, None)
        assert answer["PhysicalResourceId"] == more.get("PhysicalResourceId", "Seed-seed")
        counts = answer.get("Data", {})
        assert set(counts) in (ALL, set())
        return {key: n for key, n in counts.items() if n}

    return send


def wires(bodies):
    return [{"pk": "p", "sk": sk, "Body": body} for sk, body in bodies.items()]


def messages(count, body="seeded"):
    return {f"{n:05}": f"{body} {n}" for n in range(count)}


def test_a_seed_never_overwrites_an_edit_and_a_delete_leaves_the_data(seed, aws, stored, edit, messages_table):
    def seeded(new, old=None, **more):
        return seed(aws.endpoint, new, old, **more)

    edit(messages_table, "a", "mine")
    assert seeded({"a": "1", "b": "2"}) == {"Total": 2, "Present": 2, "Written": 1, "Preserved": 1}
    assert seeded({"b": "2"}) == {"Total": 1, "Present": 1, "Unchanged": 1}, "a second try finds its work done"
    edit(messages_table, "b", None)
    assert seeded({"b": "2"}, {"b": "2"}) == {"Total": 1, "Preserved": 1}, "what was deleted stays away"
    assert seeded({"b": "3"}, {"b": "2"}) == {"Total": 1, "Present": 1, "Written": 1}, "until its seed changes"
    assert seeded({}, {"a": "1", "b": "3"}) == {"Preserved": 1, "Removed": 1}
    assert seeded({"a": "1"}, RequestType="Delete", PhysicalResourceId="any") == {}
    assert stored(messages_table) == {"a": "mine"}


def test_a_replaced_table_is_seeded_as_a_new_one_and_a_missing_one_named(seed, aws, stored, messages_table):
    other = {"TableName": "another-table", "Messages": wires({"a": "1"})}
    assert seed(aws.endpoint, {"a": "1"}, OldResourceProperties=other) == {"Total": 1, "Present": 1, "Written": 1}
    assert stored(messages_table) == {"a": "1"}
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        seed(aws.endpoint, {}, ResourceProperties=other)


@pytest.mark.parametrize(
    ("count", "kinds"),
    [(400, kinds) for kinds in FAULTS.values()] + [(5, FAULTS["all of them"])],
    ids=[*FAULTS, "all of them, few messages"],
)
def test_create(seed, burst, stored, messages_table, count, kinds):
    burst.rules(*faults(kinds))
    counts = seed(burst.endpoint, messages(count))
    assert stored(messages_table) == messages(count)
    assert counts == {"Total": count, "Present": count, "Written": count}


@pytest.mark.parametrize("kinds", FAULTS.values(), ids=FAULTS)
def test_update_keeps_edits(seed, burst, aws, stored, edit, messages_table, kinds):
    old = messages(400) | {"edited": "seeded", "left": "seeded", "left edited": "seeded"}
    new = messages(450, "new") | {"edited": "new"}
    seed(aws.endpoint, old)
    for sk in ("edited", "left edited"):
        edit(messages_table, sk, "by hand")
    burst.rules(*faults(kinds))
    counts = seed(burst.endpoint, new, old)
    assert stored(messages_table) == new | {"edited": "by hand", "left edited": "by hand"}
    assert counts == {"Total": 451, "Present": 451, "Written": 450, "Preserved": 2, "Removed": 1}


def test_faults_do_happen(seed, burst):
    """Otherwise the tests above would prove nothing."""
    burst.rules(*faults([THROTTLED, RESET_AFTER], share=0.6))
    seed(burst.endpoint, messages(400))
    kinds = {(fault["operation"], fault["action"].partition(":")[0]) for fault in burst.fired()}
    assert {("BatchWriteItem", "error"), ("BatchWriteItem", "response")} <= kinds


def test_unprocessed_items_and_refused_transactions_are_sent_again(seed, withholding, stored, edit, messages_table):
    old, new = messages(400) | {"edited": "seeded"}, messages(350, "new") | {"edited": "new"}
    assert seed(withholding.endpoint, old) == {"Total": 401, "Present": 401, "Written": 401}
    assert stored(messages_table) == old
    edit(messages_table, "edited", "by hand")
    counts = seed(withholding.endpoint, new, old)
    assert stored(messages_table) == new | {"edited": "by hand"}
    assert counts == {"Total": 351, "Present": 351, "Written": 350, "Preserved": 1, "Removed": 50}
    assert min(withholding.withheld, withholding.refused) > 0


@pytest.mark.parametrize("operation", ["BatchWriteItem", "TransactWriteItems", "Scan"])
def test_a_refusal_is_told_and_a_second_try_completes(seed, burst, aws, stored, messages_table, operation):
    old = None
    if operation == "TransactWriteItems":
        seed(aws.endpoint, old := messages(400, "old"))
    # Every second one is refused for good.
    refusal = {"code": "AccessDeniedException", "message": "not you", "status": 400}
    burst.rules({"service": "dynamodb", "operation": operation, "error": refusal, "sequence": {"fail": 1, "pass": 1}})
    with pytest.raises(ClientError, match="not you"):
        seed(burst.endpoint, messages(400), old)
    counts = seed(aws.endpoint, messages(400), old)
    assert stored(messages_table) == messages(400)
    assert counts["Total"] == counts["Present"] == 400
