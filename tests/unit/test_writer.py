"""Reads and writes of the seeding functions against a scripted DynamoDB."""

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from dynamo.changes import Outcome, SeedEntry
from dynamo.parallel import SECONDS_WITHOUT_PROGRESS
from dynamo.writer import Table, apply
from tests.support.clock import FakeClock


class Client:
    """Answers each request with the next line of its script; the last line answers all later ones.

    A line is an answer, an exception, or a function of the request.
    """

    meta = SimpleNamespace(events=SimpleNamespace(register=lambda *_, **__: None))

    def __init__(self, **scripts):
        self.scripts = {name: list(lines) for name, lines in scripts.items()}
        self.requests = []

    def __getattr__(self, operation):
        def call(**request):
            self.requests.append((operation, request))
            lines = self.scripts[operation]
            line = lines.pop(0) if len(lines) > 1 else lines[0]
            answer = line(request) if callable(line) else line
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


def refusal(code, status=400, **more):
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(answer, "Operation")


def cancelled(*codes):
    reasons = [{"Code": code} if code else {} for code in codes]
    return refusal("TransactionCanceledException", CancellationReasons=reasons)


def item(sk, body="seeded"):
    return {"pk": {"S": "p"}, "sk": {"S": sk}, "Body": {"S": body}}


def new(sk, body="seeded"):
    return SeedEntry(("p", sk), None, item(sk, body))


def table(client, time=None):
    return Table(client, "T", time or FakeClock())


def test_an_item_with_binary_is_written():
    binary = SeedEntry(("p", "a"), None, item("a") | {"Sound": {"B": b"\x00"}, "More": {"BS": [b"\xff"]}})
    client = Client(transact_write_items=[{}], batch_get_item=[{"Responses": {}, "UnprocessedKeys": {}}])
    assert table(client).follow([binary]) == {Outcome.WRITTEN: 1}


def follow(client, *entries, time=None, expect_nothing=False):
    return table(client, time).follow(entries, expect_nothing=expect_nothing)


def puts(request):
    return [put["PutRequest"]["Item"]["sk"]["S"] for put in request["RequestItems"]["T"]]


def found(*items, unprocessed=()):
    keys = [{"pk": i["pk"], "sk": i["sk"]} for i in unprocessed]
    request = {"T": {"Keys": keys, "ConsistentRead": True}}
    return {"Responses": {"T": list(items)}, "UnprocessedKeys": request if keys else {}}


LOST = ConnectionClosedError(endpoint_url="https://dynamodb")
THROTTLED = refusal("ProvisionedThroughputExceededException")
DONE = {"UnprocessedItems": {}}


def test_reading_asks_for_what_is_unprocessed_again():
    client = Client(batch_get_item=[found(item("a"), unprocessed=[item("b")]), found(item("b"))])
    assert set(table(client).read([("p", sk) for sk in "abc"])) == {("p", "a"), ("p", "b")}
    asked = [request["RequestItems"]["T"] for _, request in client.requests]
    assert [len(part["Keys"]) for part in asked] == [3, 1]
    assert all(part["ConsistentRead"] for part in asked)


def test_a_batch_sends_only_what_is_unprocessed_again():
    def all_but_first(request):
        return {"UnprocessedItems": {"T": request["RequestItems"]["T"][1:]}}

    client = Client(batch_write_item=[all_but_first, DONE])
    assert table(client).put_all([item("a"), item("b"), item("c")]) == set()
    assert [puts(request) for _, request in client.requests] == [["a", "b", "c"], ["b", "c"]]


@pytest.mark.parametrize("failure", [LOST, THROTTLED, refusal("Any", 503)], ids=["lost", "4", "5"])
def test_an_edit_of_what_a_batch_wrote_survives_its_lost_answer(failure):
    """The batch was written, its response was lost, and a person edited an item at once: it is not sent again."""
    seed = [item(f"{n:03}") for n in range(101)]

    def write(request):
        """Only the first batch fails; which one is sent first is not known."""
        return failure if puts(request)[0] == "000" else DONE

    client = Client(
        scan=[{"Items": []}],
        batch_write_item=[write],
        batch_get_item=[found(*seed[:23], item("023", "edited"))],
        transact_write_items=[{}],
    )
    outcomes = apply(table(client), old=None, new=seed)
    assert outcomes == {Outcome.WRITTEN: 100, Outcome.EDITED: 1}
    (transaction,) = [r for name, r in client.requests if name == "transact_write_items"]
    (action,) = transaction["TransactItems"]
    assert action["Put"]["Item"] == seed[24]
    assert action["Put"]["ConditionExpression"] == "attribute_not_exists(pk)"


@pytest.mark.parametrize("failure", [LOST, THROTTLED, refusal("InternalServerError", 500)])
def test_a_transaction_is_repeated_under_one_token(failure):
    client, time = Client(transact_write_items=[failure, failure, {}]), FakeClock()
    assert follow(client, new("a"), expect_nothing=True, time=time) == {Outcome.WRITTEN: 1}
    tokens = {request["ClientRequestToken"] for _, request in client.requests}
    assert (len(client.requests), len(tokens), len(time.slept)) == (3, 1, 2)


def test_a_refused_transaction_is_made_without_what_refused_it():
    refused = cancelled("ConditionalCheckFailed", "None", None)
    client = Client(transact_write_items=[refused, {}], batch_get_item=[found(item("a", "by hand"))])
    outcomes = follow(client, new("a"), new("b"), new("c"), expect_nothing=True)
    assert outcomes == {Outcome.WRITTEN: 2, Outcome.EDITED: 1}
    assert [len(r["TransactItems"]) for name, r in client.requests if name == "transact_write_items"] == [3, 2]


@pytest.mark.parametrize(
    "failure",
    [
        cancelled("ValidationError", "None"),
        cancelled("None", "None"),
        refusal("TransactionCanceledException"),
        refusal("AccessDeniedException"),
    ],
    ids=["wrong item", "no cause", "no reasons", "not allowed"],
)
def test_what_will_never_succeed_is_raised_at_once(failure):
    client = Client(transact_write_items=[failure])
    with pytest.raises(ClientError):
        follow(client, new("a"), new("b"), expect_nothing=True)
    assert len(client.requests) == 1


def test_an_edit_between_reading_and_writing_stands():
    client = Client(
        batch_get_item=[found(item("a", "old")), found(item("a", "by hand"))],
        transact_write_items=[cancelled("ConditionalCheckFailed")],
    )
    assert follow(client, SeedEntry(("p", "a"), item("a", "old"), item("a", "new"))) == {Outcome.EDITED: 1}


def test_a_write_states_what_it_expects():
    client = Client(batch_get_item=[found(item("a"))], transact_write_items=[{}])
    assert follow(client, SeedEntry(("p", "a"), item("a"), None)) == {Outcome.REMOVED: 1}
    (action,) = client.requests[1][1]["TransactItems"]
    assert action["Delete"]["Key"] == {"pk": {"S": "p"}, "sk": {"S": "a"}}
    assert action["Delete"]["ConditionExpression"] == "#0 = :0 AND #1 = :1 AND #2 = :2"
    assert action["Delete"]["ExpressionAttributeValues"][":0"] == {"S": "seeded"}


@pytest.mark.parametrize("failure", [LOST, THROTTLED, refusal("InternalServerError", 500)])
def test_throttling_for_ever_ends_in_an_error_that_says_so(failure):
    time = FakeClock()
    with pytest.raises(TimeoutError, match="asking T") as raised:
        table(Client(scan=[failure]), time).is_empty()
    assert str(failure) in str(raised.value)
    assert SECONDS_WITHOUT_PROGRESS <= time.now < SECONDS_WITHOUT_PROGRESS + 6


def test_a_table_that_never_takes_anything_ends_in_an_error():
    unprocessed = lambda request: {"UnprocessedItems": request["RequestItems"]}  # noqa: E731
    time = FakeClock()
    with pytest.raises(TimeoutError, match="writing 2 items to T: 2 left"):
        table(Client(batch_write_item=[unprocessed]), time).put_all([item("a"), item("b")])
    assert time.now < SECONDS_WITHOUT_PROGRESS + 6


@pytest.mark.parametrize(
    ("count", "body", "sizes"),
    [
        (250, "x", [100, 100, 50]),
        (20, "x" * 390_000, [8, 8, 4]),
        (8, "😀" * 100_000, [2, 2, 2, 2]),  # JSON's ASCII has 12 bytes for a character of 4
    ],
    ids=["number", "size", "bytes"],
)
def test_transactions_are_bounded_by_number_and_by_size(count, body, sizes):
    client = Client(transact_write_items=[{}])
    follow(client, *(new(f"{n}", body) for n in range(count)), expect_nothing=True)
    assert [len(request["TransactItems"]) for _, request in client.requests] == sizes
