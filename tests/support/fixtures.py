"""Fixtures on the embedded AWS that need this project; a pytest plugin.

Those that do not are in ``embedded_aws.tests.support.fixtures``.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from embedded_aws.process import Running
from embedded_aws.tests.support.engine import endpoint, session
from tests.support import elsewhere as elsewheres
from tests.support import tables


@pytest.fixture
def on_aws(aws: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands in this process reach the embedded AWS."""
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)


@pytest.fixture(scope="session")
def bootstrapped(client: Callable[..., Any]) -> None:
    """The bucket and the roles of the CDK."""
    # Here, because this plugin loads before tests.conftest, which sets up the CDK, and for unit tests, which need none.
    from tests.support.deployment import bootstrap

    bootstrap(client)


@pytest.fixture
def elsewhere() -> Iterator[elsewheres.Elsewhere]:
    """An address that nothing on the embedded AWS may reach; its ``seen`` is what did."""
    with elsewheres.listening() as server:
        yield server


@pytest.fixture
def hostile(elsewhere: elsewheres.Elsewhere, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The environment of a user whose account, profile, proxies and endpoints are elsewhere."""
    return elsewheres.environment(elsewhere.url, tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="session")
def ministack(aws: Running) -> Any:
    """The embedded AWS's DynamoDB, as a boto3 resource."""
    return session().resource("dynamodb", **endpoint(aws))


@pytest.fixture
def own_table(ministack: Any, name: str) -> Iterator[Any]:
    """A boto3 Table with the data model's keys and index, and a stream of new and old images."""
    with tables.messages_table(ministack, name, stream=True) as table:
        yield table


@pytest.fixture
def messages_table(ministack: Any, name: str) -> Iterator[str]:
    """The name of an empty table with the data model's keys and index."""
    with tables.messages_table(ministack, name, stream=False):
        yield name
