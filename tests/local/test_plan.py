"""A plan is made, approved and applied, or not, with the real CDK CLI."""

import json

import pytest

from embedded_aws.tests.support.steps import listed
from ops import orphans
from ops.__main__ import main as ops
from tests.support.deployment import POLL, bootstrap

pytestmark = pytest.mark.usefixtures("quick_backups", "bootstrapped")
HOME, THERE = "us-east-1", "eu-west-1"


@pytest.fixture
def run(capfd, name):
    """``run("plan", ...)`` on the test's own stage: what it prints, or with ``fails`` its error."""

    def command(verb, *options, fails=0, of_output=False):
        status = ops([verb, "--stage", f"pr-{name[:8]}", *options])
        out, err = capfd.readouterr()
        assert status == fails, out + err
        return err.splitlines()[-1] if fails and not of_output else out

    return command


@pytest.fixture
def stack(name):
    return f"Messages-pr-{name[:8]}"


def made(printed):
    """The plan's name, from the text that tells how to apply it."""
    (line,) = [line for line in printed.splitlines() if line.startswith("plan ")]
    return line.split()[1]


def status(client, stack, region=HOME):
    found = listed(client("cloudformation", region_name=region), "describe_stacks")
    return next((one["StackStatus"] for one in found if one["StackName"] == stack), None)


def plans_of(client, stack):
    """The names of the change sets that were not executed."""
    listed = client("cloudformation").list_change_sets(StackName=stack)["Summaries"]
    return [one["ChangeSetName"] for one in listed if one["ExecutionStatus"] != "EXECUTE_COMPLETE"]


def touched(client, stack):
    """Change the stack as another deployment would."""
    cloudformation = client("cloudformation")
    template = cloudformation.get_template(StackName=stack)["TemplateBody"]
    template["Resources"]["More"] = {"Type": "AWS::SQS::Queue"}
    cloudformation.update_stack(
        StackName=stack, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    cloudformation.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig=POLL)


def test_what_was_planned_is_deployed_and_nothing_else(run, client, stack):
    printed = run("plan")
    plan, stage = made(printed), stack.removeprefix("Messages-")
    assert "  + added: MessagesTable (AWS::DynamoDB::GlobalTable)" in printed
    assert "its validation before a deployment found nothing" in printed
    assert "What it costs a month" in printed
    assert f"apply it:  make apply STAGE={stage} PLAN={plan}" in printed
    assert status(client, stack) == "REVIEW_IN_PROGRESS"
    with pytest.raises(client("dynamodb").exceptions.ResourceNotFoundException):
        client("dynamodb").describe_table(TableName=stack)

    differs = run("apply", "--plan", plan, "-c", "pitr_days=3", fails=1)
    assert f"the template of stack {stack} is not that of {plan}" in differs
    assert run("apply") == f"{plan}: applied to {stack}\n"
    assert status(client, stack) == "CREATE_COMPLETE"
    assert run("apply", "--plan", plan) == f"{plan}: nothing to apply\n"
    assert run("unplan") == ""
    assert "nothing to apply, so no plan was kept" in run("plan")
    assert plans_of(client, stack) == []

    setting = ("-c", "pitr_days=3")
    printed = run("plan", *setting, "--plan", "plan-a")
    assert "  ~ changed: MessagesTable (AWS::DynamoDB::GlobalTable)" in printed
    assert "PLAN=plan-a ARGS=" in printed
    run("plan", "-c", "pitr_days=4", "--plan", "plan-b")
    assert "several plans: plan-a, plan-b" in run("apply", *setting, fails=2)
    touched(client, stack)
    moved = f"stack {stack} was changed after plan-a was made"
    assert moved in run("apply", *setting, "--plan", "plan-a", fails=1)
    assert run("unplan", "--plan", "plan-a") == f"deleted: plan-a of stack {stack} in {HOME}\n"
    gone = run("apply", *setting, "--plan", "plan-a", fails=1)
    assert gone.startswith(f"error: change set plan-a of stack {stack} does not exist")
    run("unplan")
    assert plans_of(client, stack) == []
    client("cloudformation").delete_stack(StackName=stack)


def test_a_plan_that_is_not_applied_leaves_nothing_in_either_region(run, client, stack, monkeypatch, capfd):
    bootstrap(lambda service: client(service, region_name=THERE))
    both = ("-c", f"region={HOME}", "-c", f"copy_region={THERE}")
    copies = f"{stack}-Copies-{HOME}"
    plan = made(run("plan", *both))
    assert (status(client, stack), status(client, copies, THERE)) == ("REVIEW_IN_PROGRESS", "REVIEW_IN_PROGRESS")
    monkeypatch.setattr(orphans, "OLD", orphans.OLD * 0)
    assert ops(["orphans"]) == 1
    shown = capfd.readouterr().err
    assert f"{stack}: {plan} was made on 20" in shown
    assert f"delete it: make unplan STAGE={stack.removeprefix('Messages-')} PLAN={plan}" in shown
    assert run("unplan", *both).splitlines() == [
        f"deleted: {plan} of stack {stack} in {HOME}",
        f"deleted: {plan} of stack {copies} in {THERE}",
    ]
    assert (status(client, stack), status(client, copies, THERE)) == (None, None)


def test_both_stacks_of_a_plan_are_deployed_the_copies_first(run, client, stack):
    bootstrap(lambda service: client(service, region_name=THERE))
    both = ("-c", f"region={HOME}", "-c", f"copy_region={THERE}")
    copies = f"{stack}-Copies-{HOME}"
    plan = made(run("plan", *both))
    client("cloudformation").delete_change_set(StackName=stack, ChangeSetName=plan)
    assert "does not exist" in run("apply", *both, "--plan", plan, fails=1)
    assert status(client, copies, THERE) == "REVIEW_IN_PROGRESS", "all are checked before one is deployed"
    plan = made(run("plan", *both))
    assert run("apply", *both, "--plan", plan) == f"{plan}: applied to {copies}, {stack}\n"
    assert (status(client, stack), status(client, copies, THERE)) == ("CREATE_COMPLETE", "CREATE_COMPLETE")


def test_a_plan_that_fails_leaves_nothing(run, client, stack):
    assert run("plan", "-c", "region=eu-central-1", fails=1).startswith("error: the plan could not be made")
    assert status(client, stack, "eu-central-1") is None


def test_a_plan_and_drift_name_what_was_changed_or_deleted_by_hand(run, client, stack):
    run("apply", "--plan", made(run("plan")))
    assert "nothing differs from the template" in run("drift")
    protected = "Replicas/0/DeletionProtectionEnabled: false in the template, is true"
    client("dynamodb").update_table(TableName=stack, DeletionProtectionEnabled=True)
    shown = run("drift", fails=1, of_output=True)
    assert "  ! changed by hand: MessagesTable (AWS::DynamoDB::GlobalTable)" in shown
    assert protected in shown
    planned = run("plan")
    assert protected in planned
    assert "applying keeps this; to undo it, plan with ARGS=--revert-drift" in planned

    client("dynamodb").update_table(TableName=stack, DeletionProtectionEnabled=False)
    client("dynamodb").delete_table(TableName=stack)
    planned = run("plan", "-c", "pitr_days=3").splitlines()
    at = planned.index("What was changed by hand")
    assert planned[at + 1].startswith("  ! GONE: MessagesTable (AWS::DynamoDB::GlobalTable)")
    assert planned[at + 2] == "      applying FAILS, because it changes a resource that does not exist"
    run("unplan")
