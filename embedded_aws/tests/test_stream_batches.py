"""The next step for a batch of stream records after an invocation."""

import pytest

from embedded_aws.streams.stream_batches import Batch, Rules, after, failed_from, without_expired

ENDLESS, TWICE, SPLIT = Rules(-1, -1, False), Rules(2, -1, False), Rules(1, -1, True)


def records(*numbers: int):
    return tuple({"dynamodb": {"SequenceNumber": str(n), "ApproximateCreationDateTime": n}} for n in numbers)


@pytest.mark.parametrize(
    ("batch", "failed", "rules", "left"),
    [
        pytest.param(Batch(records(1), 9_999), 0, ENDLESS, (Batch(records(1), 10_000),), id="no limit of retries"),
        pytest.param(Batch(records(1, 2), 2), 1, TWICE, (Batch(records(2)),), id="progress counts from 0"),
        pytest.param(Batch(records(1, 2, 3)), 1, SPLIT, (Batch(records(2, 3)),), id="also those after the failure"),
    ],
)
def test_these_records_are_sent_next(batch, failed, rules, left):
    assert after(batch, failed, rules).batches == left


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
