"""The next step for a batch of stream records after an invocation."""

import pytest

from embedded_aws.streams.stream_batches import Batch, Rules, after, failed_from, without_expired

ENDLESS = Rules(retries=-1, age_seconds=-1, bisect=False)


def records(*numbers: int):
    return tuple({"dynamodb": {"SequenceNumber": str(n), "ApproximateCreationDateTime": n}} for n in numbers)


def numbers(batches):
    return [[int(r["dynamodb"]["SequenceNumber"]) for r in batch.records] for batch in batches]


def test_a_failed_batch_is_sent_again_until_its_retries_are_used_up():
    rules = Rules(retries=2, age_seconds=-1, bisect=False)
    batch, sent = Batch(records(1, 2)), 0
    while True:
        outcome, sent = after(batch, 0, rules, "Unhandled"), sent + 1
        if outcome.discarded:
            break
        (batch,) = outcome.batches
    assert sent == 3
    assert outcome.batches == ()
    assert outcome.discarded == Batch(records(1, 2), 3, "Unhandled")


@pytest.mark.parametrize(
    ("batch", "failed", "rules", "left"),
    [
        pytest.param(Batch(records(1, 2)), None, ENDLESS, (), id="handled"),
        pytest.param(Batch(records(1), 9_999), 0, ENDLESS, (Batch(records(1), 10_000),), id="no limit of retries"),
        pytest.param(
            Batch(records(1, 2), 1), 1, Rules(0, -1, False), (Batch(records(2)),), id="progress counts from 0"
        ),
        pytest.param(
            Batch(records(1, 2, 3)), 1, Rules(1, -1, True), (Batch(records(2, 3)),), id="split at the failure"
        ),
    ],
)
def test_these_records_are_sent_next(batch, failed, rules, left):
    assert after(batch, failed, rules).batches == left


def test_a_split_uses_up_no_retry():
    rules = Rules(retries=0, age_seconds=-1, bisect=True)
    outcome = after(Batch(records(1, 2, 3)), 0, rules)
    assert numbers(outcome.batches) == [[1], [2, 3]]
    assert {batch.invocations for batch in outcome.batches} == {0}
    assert after(outcome.batches[0], 0, rules).discarded == Batch(records(1), 1)


def test_records_that_are_too_old_are_not_sent():
    rules = Rules(retries=-1, age_seconds=60, bisect=False)
    batch = Batch(records(100, 139, 140, 200), 2, "Unhandled")
    expired, fresh = without_expired(batch, rules, now=200)
    assert expired == Batch(records(100, 139), 2, "Unhandled")
    assert fresh == Batch(records(140, 200))
    assert without_expired(batch, rules, now=300)[1] is None
    assert without_expired(batch, rules, now=160) == (None, batch)
    assert without_expired(batch, ENDLESS, now=10**9) == (None, batch)


def _failures(*identifiers):
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


@pytest.mark.parametrize(
    ("expected", "answers"),
    [
        (None, [None, [], {}, {"batchItemFailures": []}, {"batchItemFailures": None}]),
        # No record of the batch, or an answer of another form: all of it failed.
        (0, [_failures("4", identifier) for identifier in ("", None, 4, "9")]),
        (0, ["done", 5, [1], {"batchItemFailures": "2"}, {"batchItemFailures": [{"foo": "2"}]}]),
        # The lowest reported record is the checkpoint.
        (1, [_failures("30", "4", "200")]),
    ],
)
def test_an_answer_reports_the_first_failed_record(expected, answers):
    for answer in answers:
        assert failed_from(answer, records(2, 4, 30, 200)) == expected, answer
