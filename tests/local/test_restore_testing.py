"""Restores as a test: the plan that asks for them."""

import pytest

from tests.support.deployment import Deployment


@pytest.mark.usefixtures("bootstrapped")
def test_the_stack_asks_for_a_weekly_restore_of_its_table(client, name):
    deployment = Deployment(client, f"pr-{name}")
    outputs = deployment.deploy([], restore_testing=True)
    backup, plan = client("backup"), deployment.stack.replace("-", "_")
    found = backup.get_restore_testing_plan(RestoreTestingPlanName=plan)["RestoreTestingPlan"]
    assert found["ScheduleExpression"] == "cron(0 5 ? * SUN *)"
    (vault,) = found["RecoveryPointSelection"]["IncludeVaults"]
    assert vault.endswith(outputs["BackupVaultName"])
    answer = backup.get_restore_testing_selection(RestoreTestingPlanName=plan, RestoreTestingSelectionName="Table")
    assert answer["RestoreTestingSelection"]["ProtectedResourceArns"] == [outputs["TableArn"]]
    deployment.destroy()
