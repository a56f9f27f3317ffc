"""The embedded AWS for tests: one per test process, so that tests run in parallel."""

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from local.process import Running, running


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An embedded AWS that ends with this test process, whatever happens to it."""
    with running(tmp_path_factory.mktemp("aws")) as started:
        yield started


@pytest.fixture(scope="session")
def client(aws: Running) -> Callable[..., Any]:
    """``client("dynamodb")``: a boto3 client of the embedded AWS, as its root user."""
    return lambda service, **kwargs: session(aws).client(service, **endpoint(aws), **kwargs)


@pytest.fixture
def name() -> str:
    """A name nobody else uses: tests share one account."""
    return f"t{uuid.uuid4().hex[:12]}"


def session(aws: Running, **credentials: str) -> boto3.Session:
    """A boto3 session that knows nothing of the caller's own account."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"} | credentials
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    return boto3.Session(region_name="us-east-1", **keys)


def endpoint(aws: Running) -> dict[str, str]:
    """Client arguments that point at the embedded AWS."""
    return {"endpoint_url": aws.endpoint, "verify": aws.ca_file}
