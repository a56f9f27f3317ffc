"""Calls are authorized on the resources that their actions take, and with every further permission they need.

Sources: Service Authorization Reference, which lists no resource type for dynamodb:ListBackups and
dynamodb:ListStreams; embedded_aws/iam/further_permissions.py.
"""

import json

import pytest

from embedded_aws.tests.support.steps import allow, create_function, package, refused, table_arn

DONE = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})


def test_a_grant_on_a_resource_that_the_action_does_not_take_gives_nothing(caller, name):
    calls = {"ListBackups": ("dynamodb", "list_backups"), "ListStreams": ("dynamodbstreams", "list_streams")}
    for action, (service, call) in calls.items():
        for resource in (table_arn(name), f"{table_arn(name)}*"):
            user = caller(allow(f"dynamodb:{action}", on=resource))
            assert refused(getattr(user(service), call), TableName=name)[1] == "AccessDeniedException"
        user = caller(allow(f"dynamodb:{action}"))
        assert getattr(user(service), call)(TableName=name)["ResponseMetadata"]


@pytest.mark.parametrize(("service", "created"), [("lambda", "function"), ("states", "machine")])
def test_a_role_is_passed_only_by_a_caller_who_may_pass_it_to_this_service(
    client, caller, role, name, service, created
):
    passed, create = role(f"{service}.amazonaws.com"), allow("lambda:*", "states:*")

    def make(user):
        if created == "function":
            code = package(("code.py", "def handler(event, context): pass", 0o644))
            return create_function(lambda _: user("lambda"), name, passed, code)
        return user("stepfunctions").create_state_machine(name=name, definition=DONE, roleArn=passed)

    to_other = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    to_this = {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}}
    for statements in (
        [create],
        [create, allow("iam:PassRole", on=f"{passed}-other")],
        [create, allow("iam:PassRole", on=passed, Condition=to_other)],
    ):
        _, code, text = refused(make, user=caller(*statements))
        assert code == "AccessDeniedException"
        assert f"is not authorized to perform: iam:PassRole on resource: {passed} because" in text
    assert make(caller(create, allow("iam:PassRole", on=passed, Condition=to_this)))
    if created == "function":
        client("lambda").delete_function(FunctionName=name)
    else:
        machines = client("stepfunctions")
        machines.delete_state_machine(stateMachineArn=f"arn:aws:states:us-east-1:000000000000:stateMachine:{name}")


@pytest.mark.parametrize(
    ("service", "call", "arguments", "permission"),
    [
        ("sqs", "create_queue", {"QueueName": "{}", "tags": {"a": "b"}}, "sqs:TagQueue"),
        ("sns", "create_topic", {"Name": "{}", "Tags": [{"Key": "a", "Value": "b"}]}, "sns:TagResource"),
        (
            "events",
            "put_rule",
            {
                "Name": "{}",
                "ScheduleExpression": "rate(1 day)",
                "State": "DISABLED",
                "Tags": [{"Key": "a", "Value": "b"}],
            },
            "events:TagResource",
        ),
    ],
)
def test_creating_with_tags_needs_a_permission_to_tag(caller, name, service, call, arguments, permission):
    given = {key: name if value == "{}" else value for key, value in arguments.items()}
    create = allow("sqs:CreateQueue", "sns:CreateTopic", "events:PutRule")
    assert permission in refused(getattr(caller(create)(service), call), **given)[2]
    assert getattr(caller(create, allow(permission))(service), call)(**given)


def test_an_object_under_a_customer_key_is_read_only_by_a_caller_who_may_decrypt_with_it(client, caller, name):
    key, objects = client("kms").create_key()["KeyMetadata"], client("s3")
    objects.create_bucket(Bucket=name)
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key["KeyId"]}
    objects.put_object(Bucket=name, Key="a/b", Body=b"x", **encrypted)
    read, wanted = allow("s3:GetObject", on=f"arn:aws:s3:::{name}/*"), {"Bucket": name, "Key": "a/b"}
    through_s3 = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    for statements in ([read], [read, allow("kms:Decrypt", on=f"{key['Arn']}-other")]):
        _, code, text = refused(caller(*statements)("s3").get_object, **wanted)
        assert (code, f"kms:Decrypt on resource: {key['Arn']} because" in text) == ("AccessDenied", True)
    may = caller(read, allow("kms:Decrypt", on=key["Arn"], Condition=through_s3))
    assert may("s3").get_object(**wanted)["Body"].read() == b"x"
    objects.delete_object(**wanted)
    objects.delete_bucket(Bucket=name)
