"""A changed create-only property replaces the resource, or fails where the template keeps its name.

The cases are made from the schemas of all types that stacks can have.
Sources: embedded_aws/cloudformation/replacements.
"""

import json
from functools import partial

import ministack.services.cloudformation.provisioners as engine
import pytest

from embedded_aws.cloudformation import replacements
from embedded_aws.cloudformation.schemas import CREATE_ONLY, name_property, paths
from embedded_aws.tests.support.resource_types import KINDS
from embedded_aws.tests.support.stacks import resource
from embedded_aws.tests.support.steps import KEYED, NOT_FOUND, code_of, refused, trust

RENAME = (
    "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {} and update the "
    "stack again."
)


def _nested(path, value):
    for name in reversed(path):
        value = {name: value}
    return value


@pytest.mark.parametrize("kind", KINDS)
def test_every_create_only_property_replaces(kind):
    for path in paths(kind, CREATE_ONLY):
        old, new = _nested(path, "old"), _nested(path, "new")
        assert replacements.replacing_change(lambda *_: False, kind, old, new), path
        assert not replacements.replacing_change(lambda *_: False, kind, old, old), path
        expected = "Always" if len(path) == 1 else ("Always", "Conditionally")
        assert replacements.property_recreation(lambda *_: "Never", kind, path[0]) in expected, path


@pytest.mark.parametrize("kind", [kind for kind in KINDS if name_property(kind)])
def test_a_name_that_stays_refuses_every_other_replacement(monkeypatch, kind):
    """Where the engine does not refuse in the words of the type's service, which it was measured to do."""
    prop = name_property(kind)
    monkeypatch.setattr(engine, "_replacing_change", partial(replacements.replacing_change, lambda *_: False))
    for path in (path for path in paths(kind, CREATE_ONLY) if path[0] != prop):
        old, new = ({prop: "mine"} | _nested(path, value) for value in ("old", "new"))
        expected = None if "exists" in engine._CUSTOM_NAME_REPLACEMENT.get(kind, {}) else RENAME.format("mine")
        assert replacements.custom_named_error(lambda *_: None, kind, old, new) == expected, path
        assert replacements.custom_named_error(lambda *_: None, kind, old, new | {prop: "other"}) is None, path


def test_a_change_set_announces_a_replacement_and_the_update_makes_a_new_resource(client, stack, name):
    """The engine keeps all of these, or says "Conditional"."""
    first, second = (client("sns").create_topic(Name=f"{name}-{each}")["TopicArn"] for each in "ab")

    def resources(topic=first, group=f"{name}-a", fifo=False):
        queue = {"QueueName": f"{name}-{fifo}.fifo", "FifoQueue": True} if fifo else {}
        target = {"Protocol": "sqs", "TopicArn": topic, "Endpoint": f"arn:aws:sqs:us-east-1:000000000000:{name}"}
        return {
            "Queue": resource("AWS::SQS::Queue", queue),
            "Subscription": resource("AWS::SNS::Subscription", target),
            "Log": resource("AWS::Logs::LogGroup", {"LogGroupName": group}),
        }

    stack.create(**resources())
    before = {each: stack.output(each) for each in resources()}
    changed = resources(second, f"{name}-b", fifo=True)
    assert stack.replacements(**changed) == dict.fromkeys(changed, "True")
    assert stack.update(**changed).status == "UPDATE_COMPLETE"
    after = {each: stack.output(each) for each in resources()}
    assert [each for each in before if before[each] == after[each]] == []
    assert client("sns").list_subscriptions_by_topic(TopicArn=first)["Subscriptions"] == []
    groups = client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert [group["logGroupName"] for group in groups] == [f"{name}-b"]
    kept = changed | {"Log": resource("AWS::Logs::LogGroup", {"LogGroupName": f"{name}-b", "RetentionInDays": 1})}
    assert stack.replacements(**kept) == {"Log": "False"}


def test_a_named_resource_is_not_replaced(stack, name):
    def role(path):
        trusting = {"AssumeRolePolicyDocument": json.loads(trust("lambda.amazonaws.com"))}
        return {"Role": resource("AWS::IAM::Role", trusting | {"RoleName": name, "Path": path})}

    stack.create(**role("/a/"))
    assert stack.replacements(**role("/b/")) == {"Role": "True"}
    assert stack.update(**role("/b/")).status == "UPDATE_ROLLBACK_COMPLETE"
    assert ("UPDATE_FAILED", RENAME.format(name)) in stack.events("Role")


def test_a_testing_plan_is_updated_and_its_selection_deleted_before_its_replacement(stack, role, name, backup):
    """The replacementStrategy of a selection's schema is delete_then_create: the new one has the same name."""
    mine, arn = {"RestoreTestingPlanName": f"plan_{name}"}, role("backup.amazonaws.com")
    points = {"Algorithm": "LATEST_WITHIN_WINDOW", "IncludeVaults": ["*"], "RecoveryPointTypes": ["SNAPSHOT"]}
    settings = mine | {"ScheduleExpression": "cron(0 1 * * ? *)", "RecoveryPointSelection": points}

    def resources(kind, **more):
        names = {"RestoreTestingPlanName": {"Ref": "Plan"}, "RestoreTestingSelectionName": f"selection_{name}"}
        properties = names | {"IamRoleArn": arn, "ProtectedResourceType": kind, "ProtectedResourceArns": ["*"]}
        return {
            "Plan": resource("AWS::Backup::RestoreTestingPlan", settings | more),
            "Selection": resource("AWS::Backup::RestoreTestingSelection", properties),
        }

    stack.create(**resources("DynamoDB"))
    assert (stack.status, stack.output("Plan")) == ("CREATE_COMPLETE", f"plan_{name}")
    assert stack.update(**resources("EBS", StartWindowHours=12)).status == "UPDATE_COMPLETE"
    (found,) = backup.list_restore_testing_selections(**mine)["RestoreTestingSelections"]
    assert found["ProtectedResourceType"] == "EBS"
    assert backup.get_restore_testing_plan(**mine)["RestoreTestingPlan"]["StartWindowHours"] == 12
    assert stack.delete().status == "DELETE_COMPLETE"
    assert code_of(backup.get_restore_testing_plan, **mine) == NOT_FOUND


def test_a_resource_keeps_its_type(stack):
    """In an update and in a change set; the stack stays as it is. Sources: embedded_aws/cloudformation/type_changes."""
    replicas = {"Replicas": [{"Region": "us-east-1"}]}
    stack.create(Table=resource("AWS::DynamoDB::Table", KEYED))
    other = {"Table": resource("AWS::DynamoDB::GlobalTable", KEYED | replicas)}
    text = (
        "Update of resource type is not permitted. "
        "The new template modifies resource type of the following resources: [Table]"
    )
    assert refused(stack.update, **other) == (400, "ValidationError", text)
    assert refused(stack.replacements, **other) == (400, "ValidationError", text)
    assert stack.status == "CREATE_COMPLETE"
    assert stack.update(Other=other["Table"]).status == "UPDATE_COMPLETE"
