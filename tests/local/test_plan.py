"""A plan is made, approved and applied, or not, with the real CDK CLI."""

import json

import pytest

from embedded_aws.tests.support.steps import KEYED, code_of, listed
from ops import change_sets, drift, orphans
from ops.__main__ import main as ops
from seed.templates import load_items
from tests.conftest import PROJECT
from tests.support.deployment import POLL, Deployment, bootstrap

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


def touched(client, stack, **more):
    """Change the stack as another deployment would: add resources, outputs."""
    cloudformation = client("cloudformation")
    template = cloudformation.get_template(StackName=stack)["TemplateBody"]
    for section, entries in more.items():
        template[section] |= entries
    body = {"TemplateBody": json.dumps(template), "Capabilities": ["CAPABILITY_NAMED_IAM"]}
    cloudformation.update_stack(StackName=stack, **body)
    cloudformation.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig=POLL)


@pytest.fixture
def deployed(client, stack):
    """The stack, deployed without the CDK CLI."""
    deployment = Deployment(client, stack.removeprefix("Messages-"))
    deployment.deploy(load_items(PROJECT / "seed" / "messages.yaml"))
    yield stack
    deployment.destroy()


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

    taken = run("plan", "--plan", plan, fails=1)
    assert taken.endswith(f"has a plan {plan}; apply it, or delete it first: make unplan STAGE={stage} PLAN={plan}")
    differs = run("apply", "--plan", plan, "-c", "pitr_days=3", fails=1)
    assert f"the template of stack {stack} is not that of {plan}" in differs
    assert run("apply") == f"{plan}: applied to {stack}\n"
    assert status(client, stack) == "CREATE_COMPLETE"
    assert run("apply", "--plan", plan) == f"{plan}: nothing to apply\n"
    assert run("unplan") == ""
    assert run("drift", "-c", "region=eu-central-1") == f"{stack} in eu-central-1\n  not deployed\n"
    assert "nothing to apply, so no plan was kept" in run("plan")
    assert plans_of(client, stack) == []
    assert "has no plan; run make plan STAGE=" in run("apply", fails=2)
    assert f"has no plan plan-x; run make plan STAGE={stage}" in run("apply", "--plan", "plan-x", fails=2)


def test_an_expired_plan_is_refused_here_and_by_cloudformation(run, client, deployed):
    setting = ("-c", "pitr_days=3")
    printed = run("plan", *setting, "--plan", "plan-a")
    assert "  ~ changed: MessagesTable (AWS::DynamoDB::GlobalTable)" in printed
    assert f'PLAN=plan-a ARGS="{" ".join(setting)}"' in printed
    run("plan", "-c", "pitr_days=4", "--plan", "plan-b")
    assert "several plans: plan-a, plan-b" in run("apply", *setting, fails=2)
    touched(client, deployed, Outputs={"More": {"Value": "one"}})
    expired = run("apply", *setting, "--plan", "plan-a", fails=1)
    assert expired == f"error: stack {deployed} was changed after plan-a was made; run make plan again"
    execute = client("cloudformation").execute_change_set
    assert code_of(execute, StackName=deployed, ChangeSetName="plan-a") == "InvalidChangeSetStatus"
    assert run("unplan", "--plan", "plan-a") == f"deleted: plan-a of stack {deployed} in {HOME}\n"
    gone = run("apply", *setting, "--plan", "plan-a", fails=1)
    assert gone.startswith(f"error: change set plan-a of stack {deployed} does not exist")
    run("unplan")
    assert plans_of(client, deployed) == []


def test_a_change_of_outputs_alone_is_planned_and_applied(run, client, deployed):
    touched(client, deployed, Outputs={"More": {"Value": "one"}})
    printed = run("plan")
    assert "  ~ changed: the outputs alone" in printed
    assert run("apply") == f"{made(printed)}: applied to {deployed}\n"
    (found,) = client("cloudformation").describe_stacks(StackName=deployed)["Stacks"]
    assert "More" not in {one["OutputKey"] for one in found["Outputs"]}


def test_a_warning_of_the_validation_is_shown_and_the_plan_is_kept(run, client, deployed, name):
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}
    touched(client, deployed, Resources={"More": bucket})
    client("s3").put_object(Bucket=name, Key="one", Body=b"")
    printed = run("plan")
    assert f"  ! validation: BUCKET_EMPTINESS_VALIDATION: The bucket '{name}' is not empty." in printed
    assert plans_of(client, deployed) == [made(printed)]


def test_a_table_with_the_name_fails_the_plan_and_nothing_of_it_is_left(client, stack, capfd):
    client("dynamodb").create_table(TableName=stack, **KEYED)
    assert ops(["plan", "--stage", stack.removeprefix("Messages-")]) == 1
    shown = " ".join(capfd.readouterr().err.split())
    assert f"Resource of type 'AWS::DynamoDB::GlobalTable' with identifier '{stack}' already exists." in shown
    assert shown.endswith("error: the plan could not be made; the reason is above")
    assert status(client, stack) is None


def test_a_stack_that_changes_or_can_only_be_deleted_is_refused_and_kept(run, client, stack):
    cloudformation = client("cloudformation")
    wait = {"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "600"}}
    slow = {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}, "Wait": wait}
    cloudformation.create_stack(StackName=stack, TemplateBody=json.dumps({"Resources": slow}))
    assert run("plan", fails=1) == f"error: stack {stack} is CREATE_IN_PROGRESS; try again when this has ended"
    cloudformation.delete_stack(StackName=stack)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig=POLL)

    run("plan")
    client("dynamodb").create_table(TableName=stack, **KEYED)
    assert run("apply", fails=1) == f"error: stack {stack} was not deployed; the reason is above"
    assert status(client, stack) == "ROLLBACK_COMPLETE"
    delete = f"aws cloudformation delete-stack --stack-name {stack} --region {HOME}"
    for verb in ("plan", "apply"):
        refusal = run(verb, "--plan", "plan-a", fails=1)
        assert refusal == f"error: stack {stack} is ROLLBACK_COMPLETE and can only be deleted: {delete}"
    assert status(client, stack) == "ROLLBACK_COMPLETE"


def test_a_plan_that_is_not_applied_leaves_nothing_in_either_region(run, client, stack, monkeypatch, capfd):
    bootstrap(lambda service: client(service, region_name=THERE))
    both = ("-c", f"region={HOME}", "-c", f"copy_region={THERE}")
    copies = f"{stack}-Copies-{HOME}"
    plan = made(run("plan", *both))
    assert (status(client, stack), status(client, copies, THERE)) == ("REVIEW_IN_PROGRESS", "REVIEW_IN_PROGRESS")
    ops(["orphans"])
    assert stack not in "".join(capfd.readouterr()), "a plan that waits for its approval"
    monkeypatch.setattr(orphans, "OLD", orphans.OLD * 0)
    assert ops(["orphans"]) == 1
    shown = capfd.readouterr().err
    assert f"{stack}: {plan} was made on 20" in shown
    assert f"delete it: make unplan STAGE={stack.removeprefix('Messages-')} PLAN={plan}" in shown
    assert run("unplan", *both).splitlines() == [
        f"deleted: {plan} of stack {copies} in {THERE}",
        f"deleted: {plan} of stack {stack} in {HOME}",
    ]
    assert (status(client, stack), status(client, copies, THERE)) == (None, None)


def test_both_stacks_are_deployed_the_copies_first_also_after_an_interruption(run, client, stack, monkeypatch):
    bootstrap(lambda service: client(service, region_name=THERE))
    both = ("-c", f"region={HOME}", "-c", f"copy_region={THERE}")
    copies = f"{stack}-Copies-{HOME}"
    plan = made(run("plan", *both))
    client("cloudformation").delete_change_set(StackName=stack, ChangeSetName=plan)
    assert "does not exist" in run("apply", *both, "--plan", plan, fails=1)
    assert status(client, copies, THERE) == "REVIEW_IN_PROGRESS", "all are checked before one is deployed"
    plan = made(run("plan", *both))
    execute = change_sets.cdk

    def interrupted(folder, *arguments):
        if stack in arguments:
            raise KeyboardInterrupt
        return execute(folder, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(change_sets, "cdk", interrupted)
        assert "interrupted" in run("apply", *both, "--plan", plan, fails=130)
    assert (status(client, stack), status(client, copies, THERE)) == ("REVIEW_IN_PROGRESS", "CREATE_COMPLETE")
    assert run("apply", *both) == f"{plan}: applied to {stack}\n"
    assert (status(client, stack), status(client, copies, THERE)) == ("CREATE_COMPLETE", "CREATE_COMPLETE")


def test_a_plan_that_fails_or_is_interrupted_leaves_nothing(run, client, stack, monkeypatch):
    assert run("plan", "-c", "region=eu-central-1", fails=1).startswith("error: the plan could not be made")
    assert status(client, stack, "eu-central-1") is None

    def interrupted(_, name):
        assert status(client, name) == "REVIEW_IN_PROGRESS"
        raise KeyboardInterrupt

    monkeypatch.setattr(drift, "detected", interrupted)
    assert "interrupted" in run("plan", fails=130)
    assert status(client, stack) is None


def test_a_plan_and_drift_name_what_was_changed_or_deleted_by_hand_and_a_plan_undoes_it(run, client, deployed):
    assert "nothing differs from the template" in run("drift")
    protected = "Replicas/0/DeletionProtectionEnabled: false in the template, is true"
    client("dynamodb").update_table(TableName=deployed, DeletionProtectionEnabled=True)
    shown = run("drift", fails=1, of_output=True)
    assert "  ! changed by hand: MessagesTable (AWS::DynamoDB::GlobalTable)" in shown
    assert protected in shown
    planned = run("plan")
    assert protected in planned
    assert "applying keeps this; to undo it, plan with ARGS=--revert-drift" in planned
    planned = run("plan", "--revert-drift")
    assert "  ~ changed: MessagesTable (AWS::DynamoDB::GlobalTable)" in planned
    assert "      applying undoes this" in planned.splitlines()
    assert run("apply") == f"{made(planned)}: applied to {deployed}\n"
    assert client("dynamodb").describe_table(TableName=deployed)["Table"]["DeletionProtectionEnabled"] is False
    assert "nothing differs from the template" in run("drift")

    client("dynamodb").delete_table(TableName=deployed)
    planned = run("plan", "-c", "pitr_days=3").splitlines()
    at = planned.index("What was changed by hand")
    assert planned[at + 1].startswith("  ! GONE: MessagesTable (AWS::DynamoDB::GlobalTable)")
    assert planned[at + 2] == "      applying FAILS, because it changes a resource that does not exist"
    assert "was not deployed" in run("apply", "-c", "pitr_days=3", fails=1)
