"""Clients: where they act, when they give up, and web pages in place of responses; nothing is sent."""

from itertools import product

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    SSLError,
)

from cli.clients import Clients, default_table, refuse_web_pages
from cli.errors import NotFromAws, OpsError, explain

HTML = b"<!DOCTYPE html><html><head><title>Log in<br></head></html>"
CALLS = {
    "sts": ("get_caller_identity", {}),
    "backup": ("list_backup_vaults", {}),
    "dynamodb": ("list_tables", {}),
    "s3": ("list_buckets", {}),
}


class Raw:
    """A body as urllib3 hands it over."""

    def __init__(self, body):
        self.body = body

    def stream(self, **_):
        yield self.body


def ask(service, status, body, kind="text/html; charset=utf-8", call=None):
    """Make a request whose response is this."""
    made = boto3.client(
        service,
        region_name="eu-west-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}),
    )
    response = AWSResponse("https://x", status, {"Content-Type": kind}, Raw(body))
    made.meta.events.register("before-send", lambda **_: response)
    made.meta.events.register_first("before-parse", refuse_web_pages)
    operation, arguments = call or CALLS[service]
    return getattr(made, operation)(**arguments)


# botocore itself makes a page with status 200 an error of S3 with status 500.
@pytest.mark.parametrize(
    ("service", "status"), [pair for pair in product(CALLS, [200, 302, 403]) if pair != ("s3", 200)]
)
def test_a_web_page_is_one_line_from_every_service(service, status):
    with pytest.raises(NotFromAws) as caught:
        ask(service, status, HTML)
    assert (
        f": the response did not come from AWS: got text/html; charset=utf-8, status {status}; check AWS_ENDPOINT_URL"
    ) in explain(caught.value)
    assert isinstance(caught.value, OpsError)
    assert isinstance(caught.value, BotoCoreError)


@pytest.mark.parametrize("service", CALLS)
def test_a_gateways_page_is_an_error_that_the_sdk_knows(service):
    with pytest.raises(ClientError) as caught:
        ask(service, 502, HTML)
    assert explain(caught.value).endswith(": 502: Bad Gateway")


def test_a_stored_object_may_be_a_web_page():
    found = ask("s3", 200, HTML, call=("get_bucket_policy", {"Bucket": "b"}))
    assert found["Policy"] == HTML.decode()


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
def test_two_attempts_are_enough_for_what_never_responded(kind, responded, error, attempts, monkeypatch):
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    clients = Clients(region="eu-west-1")
    made = clients("dynamodb") if kind == "client" else clients.resource("dynamodb", connections=1).meta.client
    tried = []

    def send(_, request):
        if responded and not tried:
            tried.append(request)
            return AWSResponse(request.url, 200, {}, Raw(b"{}"))
        tried.append(request)
        raise error

    monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", send)
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


@pytest.mark.parametrize(
    ("name", "table"), [("Messages-dev", "Messages"), ("Messages-pr-1", "Messages-pr-1"), ("Other", None)]
)
def test_the_default_name_of_a_stages_table(name, table):
    assert default_table(name) == table
