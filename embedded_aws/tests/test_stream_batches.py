"""What the embedded AWS makes of a batch of stream records after an invocation."""

import pytest

from embedded_aws.streams.stream_batches import Batch, Rules, after, failed_from, without_expired

ENDLESS = Rules(retries=-1, age_seconds=-1, bisect=False)


def records(*numbers: int):
    return tuple({"dynamodb": {"SequenceNumber": str(n), "ApproximateCreationDateTime": n}} for n in numbers)


def numbers(batches):
    return [[int(r["dynamodb"]["SequenceNumber"]) for r in batch.records] for batch in batches]


def test_a_handled_batch_leaves_nothing_to_send():
    assert after(Batch(records(1, 2)), None, ENDLESS).batches == ()


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


def test_without_a_limit_a_failed_batch_is_sent_for_ever():
    batch = Batch(records(1), invocations=10_000)
    assert after(batch, 0, ENDLESS).batches == (Batch(records(1), 10_001),)


def test_the_rest_of_a_partly_handled_batch_starts_to_count_anew():
    rules = Rules(retries=0, age_seconds=-1, bisect=False)
    assert after(Batch(records(1, 2, 3), 1), 1, rules).batches == (Batch(records(2, 3)),)


def test_a_split_uses_up_no_retry():
    rules = Rules(retries=0, age_seconds=-1, bisect=True)
    outcome = after(Batch(records(1, 2, 3)), 0, rules)
    assert numbers(outcome.batches) == [[1], [2, 3]]
    assert {batch.invocations for batch in outcome.batches} == {0}
    assert after(outcome.batches[0], 0, rules).discarded == Batch(records(1), 1)


def test_a_partly_handled_batch_is_split_where_it_failed():
    rules = Rules(retries=1, age_seconds=-1, bisect=True)
    assert numbers(after(Batch(records(1, 2, 3, 4)), 1, rules).batches) == [[2, 3, 4]]


def test_records_that_are_too_old_are_not_sent():
    rules = Rules(retries=-1, age_seconds=60, bisect=False)
    batch = Batch(records(100, 139, 140, 200), 2, "Unhandled")
    expired, fresh = without_expired(batch, rules, now=200)
    assert expired == Batch(records(100, 139), 2, "Unhandled")
    assert fresh == Batch(records(140, 200))
    assert without_expired(batch, rules, now=300)[1] is None
    assert without_expired(batch, rules, now=160) == (None, batch)
    assert without_expired(batch, ENDLESS, now=10**9) == (None, batch)


@pytest.mark.parametrize("answer", [None, [], {}, {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_these_answers_report_success(answer):
    assert failed_from(answer, records(1, 2)) is None


@pytest.mark.parametrize("identifier", ["", None, 2, "9"])
def test_an_identifier_of_no_record_fails_the_whole_batch(identifier):
    failures = [{"itemIdentifier": "2"}, {"itemIdentifier": identifier}]
    assert failed_from({"batchItemFailures": failures}, records(1, 2)) == 0


@pytest.mark.parametrize("answer", ["done", 5, [1], {"batchItemFailures": "2"}, {"batchItemFailures": [{"foo": "2"}]}])
def test_an_answer_of_another_form_fails_the_whole_batch(answer):
    assert failed_from(answer, records(1, 2)) == 0


def test_the_lowest_reported_record_is_the_checkpoint():
    failures = [{"itemIdentifier": str(n)} for n in (30, 4, 200)]
    assert failed_from({"batchItemFailures": failures}, records(3, 4, 30, 200)) == 1
