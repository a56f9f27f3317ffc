"""Every order in which writers and deliveries of the stream can meet, tried on the real code.

``bring_up_to_date`` runs against a table before whose calls anything else may happen. A state is what is in the table,
which records are still to be delivered, and how far each invocation has come. All states are visited once; in each end
state every record was delivered to an invocation that ended, and the lists are compared with the messages.

Invocations differ only in their horizon and in what the table answered, so the code is run again from its start for
every step, up to the first call that has no answer yet.
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from model.messages import MESSAGE_PREFIX, Position, conversation_key, membership_key, memberships, participants

CONVERSATION = "jerry#tom"
USERS = participants(CONVERSATION)
BringUpToDate = Callable[[Any, str, Position], None]
Frozen = tuple[tuple[str, Any], ...]
# One mutation: the message's place, and its new body; None deletes it.
Mutation = tuple[int, str | None]
_COMPARISONS = {"<": operator.lt, "<=": operator.le, "=": operator.eq, ">=": operator.ge, ">": operator.gt}
_CONDITION = re.compile(r"attribute_not_exists\((\w+)\)|attribute_type\((\w+), (:\w+)\)|(\w+) (<=|<|=|>=|>) (:\w+)")


class Pause(BaseException):
    """The code has come to a call that nothing has answered yet."""

    def __init__(self, kind: str, request: dict[str, Any]) -> None:
        super().__init__(kind)
        self.kind, self.request = kind, request


class Replayed:
    """A table that repeats the answers so far, and then pauses the code."""

    def __init__(self, answers: tuple[Any, ...]) -> None:
        self._answers = iter(answers)
        self.query, self.update_item, self.delete_item = (
            partial(self._answer, kind) for kind in ("query", "update", "delete")
        )

    def _answer(self, kind: str, **request: Any) -> Any:
        try:
            answer = next(self._answers)
        except StopIteration:
            raise Pause(kind, request) from None
        if answer == "refused":
            raise ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, kind)
        return {"Items": [dict(item) for item in answer]} if kind == "query" else {}


class Invocation(NamedTuple):
    """One run of the code: which records it was given, and what it has learned."""

    records: frozenset[int]
    horizon: Position
    answers: tuple[Any, ...] = ()
    # Lambda has given it up and delivers its records again, but it runs on.
    zombie: bool = False


class State(NamedTuple):
    """Everything that what happens next depends on."""

    done: int = 0  # how many of the mutations
    messages: Frozen = ()
    rows: Frozen = ()
    positions: tuple[int, ...] = ()  # of the records so far
    pending: frozenset[int] = frozenset()
    running: tuple[Invocation, ...] = ()
    crashes: int = 0
    zombies: int = 0
    replays: int = 0


@dataclass
class Exploration:
    """All that can happen when ``mutations`` meet ``bring_up_to_date``.

    ``crashes``, ``zombies`` and ``replays`` bound how many of each there are;
    two invocations run at a time.
    """

    bring_up_to_date: BringUpToDate
    mutations: tuple[Mutation, ...]
    crashes: int = 0
    zombies: int = 0
    replays: int = 0
    _calls: dict[Any, Pause | None] = field(default_factory=dict)

    def wrong_end(self) -> State | None:
        """An end in which a list is wrong; None when there is no such end."""
        start = State(crashes=self.crashes, zombies=self.zombies, replays=self.replays)
        seen, todo = {start}, [start]
        self.states = 0
        while todo:
            state = todo.pop()
            self.states += 1
            following = set(self._following(state))
            is_end = state.done == len(self.mutations) and not state.pending and not state.running
            if is_end and dict(state.rows) != right_rows(dict(state.messages)):
                return state
            todo += following - seen
            seen |= following
        return None

    def _following(self, state: State) -> Iterator[State]:
        if state.done < len(self.mutations):
            yield self._mutated(state)
        if len(state.running) < 2:
            yield from self._delivered(state)
        for invocation in state.running:
            others = _without(state, invocation)
            yield self._stepped(state, others, invocation)
            again = state.pending | invocation.records
            if state.crashes and not invocation.zombie:
                yield others._replace(pending=again, crashes=state.crashes - 1)
            if state.zombies and not invocation.zombie:
                zombie = invocation._replace(zombie=True)
                yield _with(others, zombie)._replace(pending=again, zombies=state.zombies - 1)

    def _mutated(self, state: State) -> State:
        place, body = self.mutations[state.done]
        messages = dict(state.messages)
        key = sort_key(place)
        before = messages.pop(key, None)
        if body is not None:
            messages[key] = body
        state = state._replace(done=state.done + 1, messages=_frozen(messages))
        if before == body:
            return state  # nothing changed: DynamoDB's stream does not tell of it
        record = len(state.positions)
        return state._replace(positions=(*state.positions, place), pending=state.pending | {record})

    def _delivered(self, state: State) -> Iterator[State]:
        """Each record alone, and all of them in one batch; then some of them once more."""

        def started(batch: frozenset[int]) -> State:
            horizon = max(state.positions[record] for record in batch)
            return _with(state, Invocation(batch, Position.of(sort_key(horizon))))

        batches = {frozenset({record}) for record in state.pending} | {state.pending}
        for batch in batches - {frozenset()}:
            yield started(batch)._replace(pending=state.pending - batch)
        if state.replays:
            for record in range(len(state.positions)):
                yield started(frozenset({record}))._replace(replays=state.replays - 1)

    def _stepped(self, state: State, others: State, invocation: Invocation) -> State:
        call = self._call(invocation)
        if call is None:
            return others
        rows, answer = _answered(call, state)
        after = invocation._replace(answers=(*invocation.answers, answer))
        ended = self._call(after) is None
        left = others if ended else _with(others, after)
        return left._replace(rows=_frozen(rows))

    def _call(self, invocation: Invocation) -> Pause | None:
        """The call that the code makes after these answers; None when it has ended."""
        known = invocation.horizon, invocation.answers
        if known not in self._calls:
            try:
                self.bring_up_to_date(Replayed(invocation.answers), CONVERSATION, known[0])
                self._calls[known] = None
            except Pause as pause:
                self._calls[known] = pause
        return self._calls[known]


def sort_key(place: int) -> str:
    """The sort key of the message at a place: two of them in each millisecond."""
    return f"{MESSAGE_PREFIX}2026-01-01T09:00:00.00{place // 2}Z#{place % 2}"


def right_rows(messages: Mapping[str, str]) -> dict[str, Frozen]:
    """The lists that a fresh reading of the messages gives."""
    if not messages:
        return {}
    last = max(messages)
    return {row["pk"]: _frozen(row) for row in memberships(_message(last, messages[last]))}


def _message(key: str, body: str) -> dict[str, str]:
    return {"pk": conversation_key(CONVERSATION), "sk": key, "FromUser": "Tom", "ToUser": "Jerry", "Body": body}


def _answered(call: Pause, state: State) -> tuple[dict[str, Frozen], Any]:
    """The rows after a call, and what the table answers."""
    rows, messages, request = dict(state.rows), dict(state.messages), call.request
    if call.kind == "query":
        assert request["ConsistentRead"]
        assert not request["ScanIndexForward"]
        last = [max(messages)] if messages else []
        return rows, tuple(_frozen(_message(key, messages[key])) for key in last)
    user = request["Key"]["pk"]
    assert request["Key"] in [membership_key(name, CONVERSATION) for name in USERS]
    row = dict(rows.get(user, ()))
    if not holds(request, row):
        return rows, "refused"
    if call.kind == "delete":
        rows.pop(user, None)
    else:
        names, values = request["ExpressionAttributeNames"], request["ExpressionAttributeValues"]
        new = {name: values[f":{name}"] for name in names.values()}
        rows[user] = _frozen(request["Key"] | row | new)
    return rows, "done"


def holds(request: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether a request's condition holds for an item: of conditions, what the code uses."""
    values = request.get("ExpressionAttributeValues", {})
    return _condition(request.get("ConditionExpression", "True"))(row, values)


@cache
def _condition(expression: str) -> Callable[[Mapping[str, Any], Mapping[str, Any]], bool]:
    """The expression as a function of an item and of the request's values."""

    def term(match: re.Match[str]) -> str:
        absent, typed, kind, name, comparison, value = match.groups()
        if absent:
            return f"absent({absent!r})"
        if typed:
            return f"has_type({typed!r}, {kind!r})"
        return f"compared({name!r}, {comparison!r}, {value!r})"

    words = set(re.findall(r"\w+", _CONDITION.sub("", expression)))
    assert words <= {"True", "NOT", "AND", "OR"}, expression
    spelled = _CONDITION.sub(term, expression)
    for word in ("NOT", "AND", "OR"):
        spelled = re.sub(rf"\b{word}\b", word.lower(), spelled)
    code = compile(spelled, "", "eval")

    def truth(row: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
        def compared(name: str, comparison: str, value: str) -> bool:
            comparable = isinstance(row.get(name), str)
            return comparable and _COMPARISONS[comparison](row[name], values[value])

        def has_type(name: str, kind: str) -> bool:
            assert values[kind] == "S"
            return isinstance(row.get(name), str)

        terms = {"absent": lambda name: name not in row, "compared": compared}
        return bool(eval(code, terms | {"has_type": has_type}))

    return truth


def _frozen(mapping: Mapping[str, Any]) -> Frozen:
    return tuple(sorted(mapping.items()))


def _with(state: State, invocation: Invocation) -> State:
    # Sorted: which of two alike was started first makes no difference.
    return state._replace(running=tuple(sorted((*state.running, invocation), key=hash)))


def _without(state: State, invocation: Invocation) -> State:
    running = list(state.running)
    running.remove(invocation)
    return state._replace(running=tuple(running))
