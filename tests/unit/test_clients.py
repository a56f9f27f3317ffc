"""Clients: where they act, when they give up, and web pages in place of responses; nothing is sent."""

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    SSLError,
)

from cli.clients import Clients, NotFromAws, default_table
from cli.errors import explain

HTML = b"<!DOCTYPE html><html><head><title>Log in<br></head></html>"


class Raw:
    """A body as urllib3 hands it over."""

    def __init__(self, body):
        self.body = body

    def stream(self, **_):
        yield self.body


@pytest.fixture
def clients(monkeypatch):
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    return Clients(region="eu-west-1")


@pytest.mark.parametrize("status", [200, 302, 403, 502])
@pytest.mark.parametrize(("service", "operation"), [("sts", "get_caller_identity"), ("dynamodb", "list_tables")])
def test_a_web_page_is_one_line(clients, service, operation, status):
    page = AWSResponse("https://x", status, {"Content-Type": "text/html"}, Raw(HTML))
    made = clients(service)
    made.meta.events.register("before-send", lambda **_: page)
    with pytest.raises((NotFromAws, ClientError)) as caught:
        getattr(made, operation)()
    if status > 500:
        assert ": 502: Bad Gateway" in explain(caught.value)
    else:
        said = f": the response did not come from AWS: got text/html, status {status}; check AWS_ENDPOINT_URL, and"
        assert said in explain(caught.value)


UNREACHABLE = [
    EndpointConnectionError(endpoint_url="u"),
    ConnectTimeoutError(endpoint_url="u"),
    SSLError(endpoint_url="u", error="e"),
]


@pytest.mark.parametrize(
    ("kind", "responded", "error", "attempts"),
    [
        *(("client", False, error, 2) for error in UNREACHABLE),
        ("resource", False, UNREACHABLE[0], 2),
        ("client", True, UNREACHABLE[0], 8),
        ("client", False, ConnectionClosedError(endpoint_url="u"), 8),
    ],
)
def test_two_attempts_are_enough_for_what_never_responded(clients, kind, responded, error, attempts, monkeypatch):
    made = clients("dynamodb") if kind == "client" else clients.resource("dynamodb", connections=1).meta.client
    tried = []

    def send(request):
        tried.append(request)
        if responded and len(tried) == 1:
            return AWSResponse(request.url, 200, {}, Raw(b"{}"))
        raise error

    monkeypatch.setattr(made._endpoint.http_session, "send", send)  # not that of clients of other threads
    if responded:
        made.list_tables()
    with pytest.raises(type(error)):
        made.list_tables()
    assert len(tried) == attempts + responded


@pytest.mark.parametrize(
    ("given", "environment", "region"),
    [
        (None, {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "us-east-1"}, "eu-west-1"),
        (None, {"AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1"),
        ("eu-north-1", {"AWS_REGION": "eu-west-1"}, "eu-north-1"),
    ],
)
def test_the_region_is_where_the_cdk_looks_for_it(given, environment, region, monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Clients(region=given).region == region


def test_the_default_name_of_a_stages_table():
    names = [default_table(stack) for stack in ("Messages-dev", "Messages-pr-1", "Other")]
    assert names == ["Messages", "Messages-pr-1", None]
