"""Permissions of Lambda, Step Functions, EventBridge and alarms.

Sources: embedded_aws/lambda_functions, stepfunctions/execution_roles and deliveries. AWS Backup's are tested with
its jobs and selections.
"""

import json

import pytest

from embedded_aws.tests.support.stacks import Stack, attribute, resource
from embedded_aws.tests.support.steps import (
    allow,
    code_of,
    create_function,
    create_plan,
    eventually,
    grant,
    package,
    policy,
    refused,
    trust,
)

LAMBDA, STATES, EVENTS = "lambda.amazonaws.com", "states.amazonaws.com", "events.amazonaws.com"
ROOT = allow("kms:*", Principal={"AWS": "arn:aws:iam::000000000000:root"})
PRINTS = "def handler(event, _):\n    print(event)\n"
CALLS = """
const { Lambda } = require("@aws-sdk/client-lambda");
exports.handler = async (event) =>
  JSON.parse(Buffer.from((await new Lambda().invoke(event)).Payload).toString());
"""


@pytest.fixture
def function(client, name):
    """Make a function under a role, which prints its event unless it has other code."""
    made = []

    def make(role, file="code.py", code=PRINTS, runtime="python3.12"):
        made.append(f"{name}-{len(made)}")
        return create_function(client, made[-1], role, package((file, code, 0o644)), runtime=runtime)

    yield make
    for each in made:
        client("lambda").delete_function(FunctionName=each)


def test_a_plans_role_may_look_tags_up(client, role, vault, name):
    plan = create_plan(client, name, vault)["BackupPlanId"]
    arn = role("backup.amazonaws.com")
    arguments = {"SelectionName": name, "IamRoleArn": arn, "Resources": ["*"]}
    found = refused(client("backup").create_backup_selection, BackupPlanId=plan, BackupSelection=arguments)
    text = f"IAM Role {arn} is not authorized to call tag:GetResources"
    assert found == (400, "InvalidParameterValueException", text)


def test_a_function_and_a_state_machine_need_roles_that_trust_them(client, role, name):
    other, code = role("ec2.amazonaws.com"), {"ZipFile": package(("code.py", PRINTS, 0o644))}
    function = {"FunctionName": name, "Runtime": "python3.12", "Handler": "code.handler", "Code": code}
    text = "The role defined for the function cannot be assumed by Lambda."
    found = refused(client("lambda").create_function, Role=other, **function)
    assert found == (400, "InvalidParameterValueException", text)
    done = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    states, arguments = client("stepfunctions"), {"name": name, "definition": json.dumps(done)}
    _, code, text = refused(states.create_state_machine, roleArn=other, **arguments)
    assert code == "AccessDeniedException"
    assert text.endswith("is authorized to assume the provided role.")
    own = role(STATES, suffix="states")
    machine = states.create_state_machine(roleArn=own, **arguments)["stateMachineArn"]
    update = states.update_state_machine
    assert code_of(update, stateMachineArn=machine, roleArn=other) == "AccessDeniedException"
    states.delete_state_machine(stateMachineArn=machine)


def test_a_node_function_that_may_not_call_another_one_fails(client, role, function, name):
    """As the CDK's provider framework calls what it wraps."""
    called = function(role(LAMBDA))
    caller = function(role(LAMBDA, suffix="caller"), "code.js", CALLS, "nodejs22.x")

    def call():
        event = json.dumps({"FunctionName": called, "Payload": "{}"})
        answer = client("lambda").invoke(FunctionName=caller, Payload=event)
        return answer.get("FunctionError"), json.load(answer["Payload"])

    failed, answer = call()
    assert failed == "Unhandled"
    assert "not authorized to perform: lambda:InvokeFunction" in answer["errorMessage"]
    grant(client, f"{name}-caller", "lambda:InvokeFunction")
    assert call() == (None, None)


@pytest.fixture
def rule(client, name):
    """Make a rule for events of the test's own source, with one target; returns its ARN."""

    def make(target, **more):
        arn = client("events").put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
        client("events").put_targets(Rule=name, Targets=[{"Id": "one", "Arn": target} | more])
        return arn

    yield make
    client("events").remove_targets(Rule=name, Ids=["one"])
    client("events").delete_rule(Name=name)


def send(client, name):
    client("events").put_events(Entries=[{"Source": name, "DetailType": "x", "Detail": "{}"}])


def test_a_rule_calls_a_function_if_its_policy_allows_it(client, role, function, rule, name):
    arn = function(role(LAMBDA, "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"))
    source, logs, group = rule(arn), client("logs"), f"/aws/lambda/{name}-0"

    def called():
        groups = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        events = logs.filter_log_events(logGroupName=group)["events"] if groups else []
        return [event for event in events if name in event["message"]]

    send(client, name)
    permission = {"StatementId": "rule", "Action": "lambda:InvokeFunction", "Principal": EVENTS, "SourceArn": source}
    client("lambda").add_permission(FunctionName=arn, **permission)
    send(client, name)
    eventually(called)
    assert len({event["logStreamName"] for event in called()}) == 1


@pytest.fixture
def inbox(client, name):
    """Whether a message of a topic has arrived in the test's queue, and the queue's ARN."""
    let_in = policy(allow("sqs:SendMessage", Principal={"Service": "sns.amazonaws.com"}))
    url = client("sqs").create_queue(QueueName=name, Attributes={"Policy": let_in})["QueueUrl"]

    def heard():
        return "Messages" in client("sqs").receive_message(QueueUrl=url)

    yield heard, f"arn:aws:sqs:us-east-1:000000000000:{name}"
    client("sqs").delete_queue(QueueUrl=url)


def publishing(service, topic, **more):
    return allow("sns:Publish", on=topic, Principal={"Service": service}, **more)


def guard(client, topic, statement):
    client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy(statement))


@pytest.mark.parametrize("encrypted", [False, True])
def test_an_alarm_reaches_a_topic_if_its_policy_and_key_allow_it(client, inbox, name, encrypted):
    arrived, queue = inbox
    topic, service = f"arn:aws:sns:us-east-1:000000000000:{name}", "cloudwatch.amazonaws.com"
    properties = {"TopicName": name} | ({"KmsMasterKeyId": attribute("Key", "Arn")} if encrypted else {})
    key = resource("AWS::KMS::Key", {"KeyPolicy": json.loads(policy(ROOT))})
    stack = Stack(client, name).create(Key=key, Topic=resource("AWS::SNS::Topic", properties))
    assert stack.status == "CREATE_COMPLETE"
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        AlarmActions=[topic],
        MetricName="x",
        Namespace="x",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )

    def heard():
        for state in ("OK", "ALARM"):
            cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="x")
        return arrived()

    guard(client, topic, publishing(EVENTS, topic))
    assert not heard()
    guard(client, topic, publishing(service, topic))
    assert heard() == (not encrypted)
    account = {"Condition": {"StringEquals": {"aws:SourceAccount": "000000000000"}}}
    context = {"Condition": {"StringLike": {"kms:EncryptionContext:aws:sns:topicArn": topic}}}
    for more, works in ((account, False), (context, True), ({}, True)) if encrypted else ():
        use = allow("kms:Decrypt", "kms:GenerateDataKey*", Principal={"Service": service}, **more)
        client("kms").put_key_policy(KeyId=stack.output("Key"), PolicyName="default", Policy=policy(ROOT, use))
        assert heard() == works
    cloudwatch.delete_alarms(AlarmNames=[name])
    stack.delete()


def test_a_rule_reaches_a_topic_if_a_policy_without_conditions_or_its_role_allows_it(client, inbox, rule, role, name):
    """EventBridge names no source to SNS, whatever a condition asks for."""
    arrived, queue = inbox
    topic = client("sns").create_topic(Name=name)["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    source = rule(topic)

    def heard():
        send(client, name)
        return arrived()

    for condition in (
        {"StringEquals": {"aws:SourceAccount": "000000000000"}},
        {"ArnEquals": {"aws:SourceArn": source}},
    ):
        guard(client, topic, publishing(EVENTS, topic, Condition=condition))
        assert not heard()
    guard(client, topic, publishing(EVENTS, topic))
    assert heard()

    guard(client, topic, publishing(LAMBDA, topic))
    publisher = role(EVENTS)
    rule(topic, RoleArn=publisher)
    assert not heard()
    grant(client, f"{name}-role", "sns:Publish")
    assert heard()
    for account, works in (("111122223333", False), ("000000000000", True)):
        condition = {"StringEquals": {"aws:SourceAccount": account}}
        trusting = trust(EVENTS, Condition=condition)
        client("iam").update_assume_role_policy(RoleName=f"{name}-role", PolicyDocument=trusting)
        assert heard() == works
    client("sns").delete_topic(TopicArn=topic)
