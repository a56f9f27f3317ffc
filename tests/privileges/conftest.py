"""One embedded AWS and one deployed stage for each test process."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aws_cdk import Duration

from embedded_aws.process import Running, running
from embedded_aws.tests.support.engine import clients_of
from stacks import backup_vault, dataset_seed
from tests.privileges.stage import ExportStage, Stage


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Not that of the other tests, whose events would reach the stage's rules."""
    with running(tmp_path_factory.mktemp("privileges")) as started:
        yield started


@pytest.fixture(scope="session")
def client(aws: Running) -> Callable[..., Any]:
    """``client("dynamodb")``: a boto3 client as the account's root user."""
    return clients_of(aws)


@pytest.fixture(scope="session")
def stage(aws: Running, client: Callable[..., Any]) -> Stage:
    """The stage, with every permission; it goes with its embedded AWS."""
    made = Stage(client, aws, "privileges")
    made.configure(backup_job_seconds=0, restore_job_seconds=0, recovery_point_deleting_seconds=0, vault_lag_seconds=0)
    _create(made)
    return made


@pytest.fixture(scope="session")
def export_stage(aws: Running, client: Callable[..., Any]) -> Stage:
    """A stage whose dataset is an export."""
    made = ExportStage(client, aws, "exports")
    _create(made)
    return made


def _create(made: Stage) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module in (dataset_seed, backup_vault):
            patch.setattr(module, "POLL_INTERVAL", Duration.seconds(1))
        made.create()
