"""The embedded AWS for tests: one per test process, so that tests run in parallel."""

import functools
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.configuration import configure
from local.process import Running, running
from model.messages import PARTITION_KEY, SORT_KEY
from tests.support import elsewhere as elsewheres
from tests.support import engines
from tests.support.aws_steps import create_backup_role
from tests.support.stream_readers import Streams


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An embedded AWS that ends with this test process, whatever happens to it."""
    with running(tmp_path_factory.mktemp("aws")) as started:
        yield started


@pytest.fixture(scope="session")
def client(aws: Running) -> Callable[..., Any]:
    """``client("dynamodb")``: a boto3 client of the embedded AWS, as its root user."""
    return clients_of(aws)


@pytest.fixture(scope="session")
def bootstrapped(aws: Running, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The bucket and the roles of the CDK, made by its own command."""
    bootstrap(aws, tmp_path_factory.mktemp("bootstrap"))


@pytest.fixture
def elsewhere() -> Iterator[elsewheres.Elsewhere]:
    """An address that nothing on the embedded AWS may reach; its ``seen`` is what did."""
    with elsewheres.listening() as server:
        yield server


@pytest.fixture
def hostile(elsewhere: elsewheres.Elsewhere, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The environment of a person whose account, profile, proxies and endpoints are elsewhere."""
    return elsewheres.environment(elsewhere.url, tmp_path_factory.mktemp("hostile"))


@pytest.fixture
def setting(aws: Running) -> Iterator[Callable[[str, object], None]]:
    """``setting("backup_job_seconds", 30)``: a setting of the additions for one test."""
    before: dict[str, object] = {}

    def change(name: str, value: object) -> None:
        before.setdefault(name, configure(aws, **{name: value})[name])

    yield change
    configure(aws, **before)


@pytest.fixture
def table(client: Callable[..., Any], name: str) -> str:
    """The name of an on-demand table with an index, tags and two items."""
    key = {"AttributeName": "pk", "KeyType": "HASH"}
    user = {"AttributeName": "User", "KeyType": "HASH"}
    index = {"IndexName": "ByUser", "KeySchema": [user], "Projection": {"ProjectionType": "ALL"}}
    client("dynamodb").create_table(
        TableName=name,
        KeySchema=[key],
        AttributeDefinitions=[{"AttributeName": attribute, "AttributeType": "S"} for attribute in ("pk", "User")],
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[index],
        Tags=[{"Key": "project", "Value": "messages"}],
    )
    for pk in ("one", "two"):
        client("dynamodb").put_item(TableName=name, Item={"pk": {"S": pk}, "User": {"S": "tom"}})
    return name


@pytest.fixture
def messages_table(client: Callable[..., Any], name: str) -> Iterator[str]:
    """The name of an empty table with the keys of the data model."""
    keys = (PARTITION_KEY, "HASH"), (SORT_KEY, "RANGE")
    client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
    )
    yield name
    client("dynamodb").delete_table(TableName=name)


@pytest.fixture(scope="session")
def ministack(aws: Running) -> Any:
    """The embedded AWS's DynamoDB, as a boto3 resource."""
    return session(aws).resource("dynamodb", **endpoint(aws))


@pytest.fixture(scope="session")
def dynalite() -> Iterator[Any]:
    """Another DynamoDB, as a boto3 resource: without streams; ends with this test process."""
    with engines.dynalite() as url:
        yield engines.dynalite_resource(url)


@pytest.fixture(params=["ministack", "dynalite"])
def any_table(request: pytest.FixtureRequest, name: str) -> Iterator[Any]:
    """A boto3 Table with the data model's keys and index, on each engine in turn.

    That of ministack has a stream of new and old images.
    """
    dynamodb = request.getfixturevalue(request.param)
    with engines.messages_table(dynamodb, name, stream=request.param == "ministack") as table:
        yield table


@pytest.fixture
def stream_table(ministack: Any, name: str) -> Iterator[Any]:
    """As ``any_table``, on ministack alone."""
    with engines.messages_table(ministack, name, stream=True) as table:
        yield table


@pytest.fixture
def streams(client: Callable[..., Any], name: str, tmp_path: Path) -> Iterator[Streams]:
    """A table with a stream, and what makes functions that read it."""
    made = Streams(client, name, tmp_path / "notes")
    yield made
    made.clean()


@pytest.fixture
def no_stream_pause(setting: Callable[[str, object], None]) -> None:
    """A batch of a stream that failed is sent again at once."""
    setting("stream_retry_seconds", 0)


@pytest.fixture
def vault(client: Callable[..., Any], name: str) -> str:
    """The name of an empty vault."""
    client("backup").create_backup_vault(BackupVaultName=name)
    return name


@pytest.fixture
def backup_role(client: Callable[..., Any], name: str) -> str:
    """The ARN of a role with the managed policies that the CDK gives AWS Backup."""
    role = create_backup_role(client, name)
    for policy in ("ForBackup", "ForRestores"):
        client("iam").attach_role_policy(
            RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicy{policy}"
        )
    return role


@pytest.fixture
def name() -> str:
    """A name nobody else uses: tests share one account."""
    return f"t{uuid.uuid4().hex[:12]}"


def session(aws: Running, **credentials: str) -> boto3.Session:  # noqa: ARG001 (one for each AWS)
    """A boto3 session that knows nothing of the caller's own account."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"} | credentials
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    return boto3.Session(region_name="us-east-1", **keys)


def endpoint(aws: Running) -> dict[str, str]:
    """Client arguments that point at the embedded AWS."""
    return {"endpoint_url": aws.endpoint, "verify": aws.ca_file}


def clients_of(aws: Running) -> Callable[..., Any]:
    """What makes clients of ``aws``, each of them once."""

    @functools.cache
    def make(service: str, **kwargs: Any) -> Any:
        return session(aws).client(service, **endpoint(aws), **kwargs)

    return make


def bootstrap(aws: Running, folder: Path) -> None:
    """``cdk bootstrap`` in ``folder``: outside the app's own it does not synthesize the app."""
    subprocess.run(
        ["cdk", "bootstrap", "aws://000000000000/us-east-1"],
        cwd=folder,
        env=aws.environment(),
        check=True,
        timeout=120,
        capture_output=True,
    )
