"""How soon a client gives up, and how long it is patient."""

import pytest
from botocore.exceptions import ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError, SSLError

from cli.clients import _NobodyThere

UNREACHABLE = [
    EndpointConnectionError(endpoint_url="u"),
    ConnectTimeoutError(endpoint_url="u"),
    SSLError(endpoint_url="u", error="e"),
]


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
