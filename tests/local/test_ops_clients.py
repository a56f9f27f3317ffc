"""Clients where nobody answers."""

import pytest
from botocore.exceptions import EndpointConnectionError

from cli.clients import Clients


@pytest.mark.parametrize("kind", ["client", "resource"])
def test_clients_and_resources_of_a_closed_port_try_twice(kind, monkeypatch):
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    clients = Clients(region="eu-west-1")
    made = clients("dynamodb") if kind == "client" else clients.resource("dynamodb", connections=1).meta.client
    tried = []
    made.meta.events.register("before-send.dynamodb", lambda **_: tried.append(1))
    with pytest.raises(EndpointConnectionError):
        made.list_tables()
    clients.close()
    assert len(tried) == 2
