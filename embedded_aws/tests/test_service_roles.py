"""Permissions of Lambda, Step Functions, EventBridge and alarms.

Sources: embedded_aws/lambda_functions, stepfunctions/execution_roles and deliveries.
"""

import json

import pytest

from embedded_aws.tests.support.steps import INVALID, allow, create_function, grant, policy, refused, trust

LAMBDA, EVENTS, ALARMS = (f"{name}.amazonaws.com" for name in ("lambda", "events", "cloudwatch"))
ROOT = allow("kms:*", Principal={"AWS": "arn:aws:iam::000000000000:root"})
ACCOUNT = {"StringEquals": {"aws:SourceAccount": "000000000000"}}


def test_a_function_and_a_state_machine_need_roles_that_trust_them(client, role, name):
    other = role("ec2.amazonaws.com")
    text = "The role defined for the function cannot be assumed by Lambda."
    assert refused(lambda: create_function(client, name, other, b"")) == (400, INVALID, text)
    done = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    states, arguments = client("stepfunctions"), {"name": name, "definition": json.dumps(done)}
    _, code, text = refused(states.create_state_machine, roleArn=other, **arguments)
    assert code == "AccessDeniedException"
    assert text.endswith("is authorized to assume the provided role.")


@pytest.fixture
def topic(client, name):
    """The ARN of a new topic."""
    return client("sns").create_topic(Name=name)["TopicArn"]


@pytest.fixture
def arrived(client, topic, name):
    """Whether a message of the topic has arrived in a queue since the last call."""
    let_in = policy(allow("sqs:SendMessage", Principal={"Service": "sns.amazonaws.com"}))
    url = client("sqs").create_queue(QueueName=name, Attributes={"Policy": let_in})["QueueUrl"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:000000000000:{name}")
    return lambda: "Messages" in client("sqs").receive_message(QueueUrl=url)


@pytest.fixture
def let(client, topic):
    """``let(EVENTS, condition)``: allow this service, and no other, to publish to the topic."""

    def put(service, condition=None):
        document = policy(allow("sns:Publish", on=topic, Principal={"Service": service}, Condition=condition or {}))
        client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document)

    return put


def test_an_alarm_reaches_a_topic_if_its_policy_and_key_allow_it(client, topic, arrived, let, name):
    cloudwatch, kms = client("cloudwatch"), client("kms")
    alarm = {"MetricName": "x", "Namespace": "x", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
    alarm |= {"Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
    cloudwatch.put_metric_alarm(AlarmName=name, AlarmActions=[topic], **alarm)

    def heard():
        for state in ("OK", "ALARM"):
            cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="x")
        return arrived()

    let(EVENTS)
    assert not heard()
    let(ALARMS)
    assert heard()
    key = kms.create_key(Policy=policy(ROOT))["KeyMetadata"]["Arn"]
    client("sns").set_topic_attributes(TopicArn=topic, AttributeName="KmsMasterKeyId", AttributeValue=key)
    assert not heard()
    context = {"StringLike": {"kms:EncryptionContext:aws:sns:topicArn": topic}}
    for condition, works in ((ACCOUNT, False), (context, True), ({}, True)):
        use = allow("kms:Decrypt", "kms:GenerateDataKey*", Principal={"Service": ALARMS}, Condition=condition)
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy(ROOT, use))
        assert heard() == works
    cloudwatch.delete_alarms(AlarmNames=[name])


def test_a_rule_reaches_a_topic_if_its_role_or_a_policy_without_conditions_allows_it(
    client, topic, arrived, let, role, name
):
    """EventBridge names no source to SNS, whatever a condition asks for."""
    events, target = client("events"), {"Id": "one", "Arn": topic}
    source = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    events.put_targets(Rule=name, Targets=[target])

    def heard():
        events.put_events(Entries=[{"Source": name, "DetailType": "x", "Detail": "{}"}])
        return arrived()

    for condition, works in ((ACCOUNT, False), ({"ArnEquals": {"aws:SourceArn": source}}, False), (None, True)):
        let(EVENTS, condition)
        assert heard() == works
    let(LAMBDA)
    events.put_targets(Rule=name, Targets=[target | {"RoleArn": role(EVENTS)}])
    assert not heard()
    grant(client, f"{name}-role", "sns:Publish")
    assert heard()
    for account, works in (("111122223333", False), ("000000000000", True)):
        trusting = trust(EVENTS, Condition={"StringEquals": {"aws:SourceAccount": account}})
        client("iam").update_assume_role_policy(RoleName=f"{name}-role", PolicyDocument=trusting)
        assert heard() == works
