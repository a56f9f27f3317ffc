"""Fixtures of tests that deploy on the embedded AWS."""

import os

import pytest

from embedded_aws.environment import client_environment
from tests.support.chat_steps import on_table
from tests.support.deployment import Deployment
from tests.support.ops_deployment import quick_deployment


@pytest.fixture
def stage(client, name):
    """A stage of the test's own, which is not deployed yet."""
    return Deployment(client, f"pr-{name}")


@pytest.fixture
def quick_backups(on_aws, setting):  # noqa: ARG001
    """Let commands in this process reach the embedded AWS, where backups and their deletion take no time."""
    setting("backup_job_seconds", 0)
    setting("recovery_point_deleting_seconds", 0.05)
    setting("vault_lag_seconds", 0.1)


@pytest.fixture
def quick_stage(aws, client, name):
    """A stage for the commands of ops, which is not deployed yet, on an embedded AWS whose jobs take no time."""
    with quick_deployment(aws, client, name) as deployment:
        yield deployment


@pytest.fixture
def table(own_table, aws, monkeypatch):
    """The name of an empty table, to which the environment then points."""
    endpoint = own_table.meta.client.meta.endpoint_url
    for key, value in client_environment(endpoint, aws.ca_file, os.environ).items():
        monkeypatch.setenv(key, value)
    return own_table.name


@pytest.fixture
def chat(capsys, table):
    """``chat("export", ...)``: a command on that table."""
    return on_table(capsys, table)


@pytest.fixture
def bucket(client, name):
    """The name of a bucket of this test's own."""
    client("s3").create_bucket(Bucket=name)
    return name
