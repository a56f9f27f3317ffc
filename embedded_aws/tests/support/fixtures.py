"""Fixtures on the embedded AWS: one for each test process, so that tests run in parallel.

A pytest plugin, which needs nothing of the project around it.
"""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from embedded_aws.process import Running, running
from embedded_aws.tests.support.engine import clients_of, configure
from embedded_aws.tests.support.shapes import check_answers
from embedded_aws.tests.support.steps import KEYED, create_backup_role

check_answers()


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An embedded AWS that ends with this test process, however that ends."""
    with running(tmp_path_factory.mktemp("aws")) as engine:
        yield engine


@pytest.fixture(scope="session")
def client(aws: Any) -> Callable[..., Any]:
    """``client("dynamodb")``: a boto3 client of the embedded AWS, as its root user."""
    return clients_of(aws)


@pytest.fixture
def setting(aws: Any) -> Iterator[Callable[[str, object], None]]:
    """``setting("backup_job_seconds", 30)``: a setting of the additions for one test."""
    before: dict[str, object] = {}

    def change(name: str, value: object) -> None:
        before.setdefault(name, configure(aws, **{name: value})[name])

    yield change
    if before:
        configure(aws, **before)


@pytest.fixture
def name() -> str:
    """A name that no other test uses: tests share one account."""
    return f"t{uuid.uuid4().hex[:12]}"


@pytest.fixture
def table(client: Callable[..., Any], name: str) -> str:
    """The name of an on-demand table with an index, tags and two items."""
    user = {"AttributeName": "User", "KeyType": "HASH"}
    indexed = KEYED | {
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "User")],
        "GlobalSecondaryIndexes": [
            {"IndexName": "ByUser", "KeySchema": [user], "Projection": {"ProjectionType": "ALL"}}
        ],
    }
    client("dynamodb").create_table(TableName=name, Tags=[{"Key": "project", "Value": "messages"}], **indexed)
    for pk in ("one", "two"):
        client("dynamodb").put_item(TableName=name, Item={"pk": {"S": pk}, "User": {"S": "tom"}})
    return name


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
        arn = f"arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicy{policy}"
        client("iam").attach_role_policy(RoleName=name, PolicyArn=arn)
    return role
