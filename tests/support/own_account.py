"""Fixtures of an account for one test module alone; import those that it uses.

For what looks through a whole account: the other tests leave a hundred stacks in theirs.
"""

import pytest

from embedded_aws.process import running
from embedded_aws.tests.support.engine import clients_of
from tests.support.deployment import bootstrap


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    with running(tmp_path_factory.mktemp("aws")) as started:
        yield started


@pytest.fixture(scope="module")
def client(aws):
    return clients_of(aws)


@pytest.fixture(scope="module")
def bootstrapped(client):
    bootstrap(client)
