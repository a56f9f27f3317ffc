"""`python -m ops orphans` against an embedded AWS."""
# ruff: noqa: F811 (pytest hands fixtures over under their names)

import json

import pytest

from ops.__main__ import main
from tests.support.ops_deployment import quick_deployment
from tests.support.own_account import aws, client  # noqa: F401 (fixtures)


@pytest.fixture
def deployed(aws, client, name, monkeypatch):
    with quick_deployment(aws, client, name, monkeypatch) as stage:
        yield stage.deploy()


@pytest.fixture
def orphans(deployed, capsys):
    def run(*options):
        """The command's status, what it lists for this test's stack, and its standard error."""
        capsys.readouterr()
        status = main(["orphans", "--json", *options])
        out, err = capsys.readouterr()
        return status, {one["stack"]: one for one in json.loads(out)["stacks"]}.get(deployed.stack), err

    return run


def test_a_stack_is_listed_once_it_is_destroyed_until_it_is_cleaned_up(deployed, orphans):
    assert orphans()[1] is None
    status, found, _ = orphans("--ephemeral", deployed.stage)
    assert (status, found["status"]) == (1, "CREATE_COMPLETE")

    deployed.destroy()
    status, found, error = orphans()
    assert (status, found["status"]) == (1, None)
    assert {"backup vault", "role"} <= {thing["kind"] for thing in found["things"]}
    assert f"{deployed.stack}: to remove it, python -m ops cleanup --stage " in error
    assert deployed.ops("cleanup", "--yes") == 0
    assert orphans()[1] is None
