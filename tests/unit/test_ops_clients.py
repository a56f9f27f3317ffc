"""How soon a client gives up, and how long it is patient."""

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    SSLError,
)

from ops.clients import Clients, _NobodyThere

UNREACHABLE = [EndpointConnectionError(endpoint_url="u"), ConnectTimeoutError(endpoint_url="u"),
               SSLError(endpoint_url="u", error="e")]  # fmt: skip


def attempt(handler, number, *, error=None):
    response = None if error else ("http", {})
    return handler(attempts=number, response=response, caught_exception=error, operation="o")


@pytest.mark.parametrize("error", UNREACHABLE)
def test_where_nobody_ever_answered_two_attempts_are_enough(error):
    handler = _NobodyThere()
    attempt(handler, 1, error=error)
    with pytest.raises(type(error)):
        attempt(handler, 2, error=error)


@pytest.mark.parametrize("error", UNREACHABLE)
def test_whoever_answered_once_is_waited_for(error):
    handler = _NobodyThere()
    attempt(handler, 1)
    for number in range(1, 9):
        attempt(handler, number, error=error)


def test_a_connection_that_breaks_is_an_answer_to_come():
    handler = _NobodyThere()
    for number in range(1, 9):
        attempt(handler, number, error=ConnectionClosedError(endpoint_url="u"))


@pytest.mark.parametrize("kind", ["client", "resource"])
def test_clients_and_resources_of_a_closed_port_try_twice(kind, monkeypatch):
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
                        "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    clients = Clients(region="eu-west-1")
    made = (
        clients("dynamodb")
        if kind == "client"
        else clients.resource("dynamodb", connections=1).meta.client
    )
    tried = []
    made.meta.events.register("before-send.dynamodb", lambda **_: tried.append(1))
    with pytest.raises(EndpointConnectionError):
        made.list_tables()
    clients.close()
    assert len(tried) == 2
