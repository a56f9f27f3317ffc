"""Random histories of messages, and of the stream's deliveries, against the engine itself.

Messages are sent (also back-dated, also into one millisecond), edited, deleted and put again; the stream's records are
delivered in batches of any size and order, again, and while other changes and deliveries happen between the calls of
the one that is under way; invocations die between any two calls. Whenever every record was delivered to an invocation
that ended, the lists are what a fresh reading of the messages gives.

The histories of a normal run are always the same. For a longer run, with new
ones and with a failing one made as short as it can be:

    HISTORIES=2000 pytest tests/local/test_indexer_histories.py
"""

import os
import random
import uuid
from contextlib import ExitStack
from functools import partial

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from functions.indexer import index
from model.messages import CONVERSATION_PREFIX, PARTITION_KEY, conversation_id
from tests.support import tables
from tests.support.lists import Meddled, assert_lists_are_right, key, message
from tests.support.streams import Stream

LONGER = "HISTORIES" in os.environ
SETTINGS = settings(
    max_examples=int(os.environ.get("HISTORIES", "20")),
    stateful_step_count=12,
    derandomize=not LONGER,
    phases=[Phase.generate, Phase.shrink] if LONGER else [Phase.generate],
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
# Few conversations and places, so that the same ones are changed again and again. Changes are drawn from a seed:
# Hypothesis itself would rather try simple values many times than all of them alike.
_PAIRS = [("Tom", "Jerry"), ("Spike", "Tom"), ("Jerry", "Tom")]
_SEEDS = st.integers(0, 2**64)
_BODIES = ["one", "two", "three"]


class Crash(BaseException):
    """The end of an invocation, whatever it catches."""


class Histories(RuleBasedStateMachine):
    """One table's history."""

    def __init__(self, dynamodb, streams) -> None:
        super().__init__()
        self._open = ExitStack()
        name = f"t{uuid.uuid4().hex[:12]}"
        self.table = self._open.enter_context(tables.messages_table(dynamodb, name, stream=True))
        self.stream = Stream(streams, self.table.latest_stream_arn)
        self.waiting, self.delivered, self.batches = [], [], 0
        self.conversations = {}

    @initialize(seed=_SEEDS)
    def begin(self, seed):
        order = random.Random(seed)
        for _ in range(3):
            self._change(_PAIRS[0], order)

    @rule(pair=st.sampled_from(_PAIRS), seed=_SEEDS)
    def change(self, pair, seed):
        self._change(pair, random.Random(seed))

    @rule(
        pair=st.sampled_from(_PAIRS),
        size=st.sampled_from([1, 1, 2, 100]),
        replayed=st.sampled_from([0, 0, 0, 2]),  # more would repair wrong lists
        calls=st.lists(st.integers(1, 3), min_size=1, max_size=2, unique=True),
        seed=_SEEDS,
        to_the_end=st.booleans(),
    )
    def deliver(self, pair, size, replayed, calls, seed, to_the_end):
        """One more change, and an invocation that something comes between the calls of."""
        order = random.Random(seed)
        self._change(pair, order)
        if batch := self._batch(order, size, replayed):
            # Where it hurts: in the conversation that the first calls are about.
            first = _key(batch[0]).removeprefix(CONVERSATION_PREFIX).split("#")
            self._deliver(batch, {call: partial(self._meddle, first, order) for call in calls})
        if to_the_end:
            self._settle()

    def teardown(self):
        try:
            self._settle()
        finally:
            self._open.close()

    def _settle(self):
        """Deliver everything; then the lists are right."""
        order = random.Random(self.batches)
        while batch := self._batch(order, order.choice([1, 2, 100]), 0):
            self._deliver(batch, {})
        assert_lists_are_right(self.table)

    def _batch(self, order, size, replayed):
        """Some of what is waiting, as it comes, and some of what was delivered before."""
        # Records of the lists themselves do not pass Lambda's filter.
        self.waiting += [one for one in self.stream.read() if _key(one).startswith(CONVERSATION_PREFIX)]
        order.shuffle(self.waiting)
        batch, self.waiting = self.waiting[:size], self.waiting[size:]
        batch += order.sample(self.delivered, min(replayed, len(self.delivered)))
        order.shuffle(batch)
        return batch

    def _deliver(self, batch, acts):
        """An invocation, which may die: then its batch is still to be delivered."""
        self.batches += 1
        try:
            answer = index(Meddled(self.table, acts), batch)
        except Crash:
            self.waiting += batch
        else:
            assert answer == {"batchItemFailures": []}
            self.delivered += batch

    def _meddle(self, pair, order):
        """A crash; another invocation; or a change, whose record may arrive at once."""
        chance = order.random()
        if chance < 0.1:
            raise Crash
        if chance > 0.2:
            self._change(pair, order)
        if chance < 0.8:
            self._deliver(self._batch(order, 100, 0), {})

    def _change(self, pair, order):
        """Put, edit or delete a message: mostly the last one, or the one after it."""
        messages = self.conversations.setdefault(conversation_id(*pair), set())
        minute, letter = last = max(messages, default=(0, "b"))
        following = (minute, "b") if letter == "a" else (minute + 1, "a")
        body = order.choice(_BODIES)
        place = order.choice([last, last, following, (order.randint(0, 2), order.choice("ab"))])
        item = message(place[0], body, sender=pair[0], recipient=pair[1], message_id=place[1])
        if place in messages and order.random() < 0.5:
            messages.remove(place)
            self.table.delete_item(Key=key(item))
        else:
            messages.add(place)
            self.table.put_item(Item=item)


def _key(record):
    return record["dynamodb"]["Keys"][PARTITION_KEY]["S"]


def test_lists_are_right_after_any_history(ministack, client):
    streams = client("dynamodbstreams")
    run_state_machine_as_test(lambda: Histories(ministack, streams), settings=SETTINGS)
