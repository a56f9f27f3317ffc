"""What AWS's services may do with the roles and policies they are given, and what is said if not.

Sources: embedded_aws/backup (jobs, restores, selections, recovery_points), lambda_functions,
stepfunctions/roles, deliveries and dynamodb/customer_keys.
"""

import json

import pytest

from embedded_aws.tests.support.stacks import Stack, attribute, resource
from embedded_aws.tests.support.steps import back_up, create_backup_role, eventually, package, refused, restored

LAMBDA, STATES = "lambda.amazonaws.com", "states.amazonaws.com"
WRITES = "dynamodb:BatchWriteItem"


@pytest.fixture
def role(client, name):
    """``role(LAMBDA, "s3:GetObject")``: the ARN of a role with these actions on everything."""

    def make(service, *actions, suffix="role"):
        arn = create_backup_role(client, f"{name}-{suffix}", service)
        grant(client, f"{name}-{suffix}", *actions)
        return arn

    return make


def grant(client, role, *actions):
    statement = {"Effect": "Allow", "Action": list(actions) or ["iam:None"], "Resource": "*"}
    client("iam").put_role_policy(RoleName=role, PolicyName="all", PolicyDocument=policy(statement))


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
def function(client, name):
    """Make a function that prints its event, under a role."""

    def make(role):
        code = "def handler(event, _):\n    print(event)\n"
        return client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.12",
            Handler="code.handler",
            Role=role,
            Code={"ZipFile": package(("code.py", code, 0o644))},
        )["FunctionArn"]

    yield make
    client("lambda").delete_function(FunctionName=name)


def test_a_plans_role_may_look_tags_up(client, role, vault, name):
    rule = {"RuleName": "daily", "TargetBackupVaultName": vault}
    plan = client("backup").create_backup_plan(BackupPlan={"BackupPlanName": name, "Rules": [rule]})["BackupPlanId"]
    arn = role("backup.amazonaws.com")
    arguments = {"SelectionName": name, "IamRoleArn": arn, "Resources": ["*"]}
    found = refused(client("backup").create_backup_selection, BackupPlanId=plan, BackupSelection=arguments)
    text = f"IAM Role {arn} is not authorized to call tag:GetResources"
    assert found == (400, "InvalidParameterValueException", text)


def test_a_backup_needs_a_look_at_the_table(client, role, table, vault):
    arn = role("backup.amazonaws.com", "dynamodb:ListTagsOfResource", "dynamodb:StartAwsBackupJob")
    job = back_up(client, vault, table, arn)
    assert job["State"] == "FAILED"
    assert "does not have permission to describe resource" in job["StatusMessage"]


def test_a_restore_reads_and_writes_the_new_table(client, role, table, vault, backup_role, setting):
    setting("backup_job_seconds", 0)
    point = back_up(client, vault, table, backup_role)["RecoveryPointArn"]
    job = restored(
        client("backup"),
        RecoveryPointArn=point,
        IamRoleArn=role("backup.amazonaws.com", "dynamodb:RestoreTableFromAwsBackup"),
        Metadata={"targetTableName": f"{table}-new"},
    )
    assert job["Status"] == "FAILED"
    assert f"not authorized to perform: {WRITES}" in job["StatusMessage"]


def test_a_restore_with_a_testing_plans_role_is_its_test(client, name, table, vault, backup_role, setting):
    setting("backup_job_seconds", 0)
    setting("restore_job_seconds", 0)
    backup = client("backup")
    points = {"Algorithm": "LATEST_WITHIN_WINDOW", "RecoveryPointTypes": ["SNAPSHOT"], "IncludeVaults": ["*"]}
    plan = backup.create_restore_testing_plan(
        RestoreTestingPlan={
            "RestoreTestingPlanName": name,
            "ScheduleExpression": "cron(0 6 ? * SUN *)",
            "RecoveryPointSelection": points,
        }
    )["RestoreTestingPlanArn"]
    backup.create_restore_testing_selection(
        RestoreTestingPlanName=name,
        RestoreTestingSelection={
            "RestoreTestingSelectionName": "tables",
            "ProtectedResourceType": "DynamoDB",
            "ProtectedResourceArns": ["*"],
            "IamRoleArn": backup_role,
        },
    )
    job = restored(
        backup,
        RecoveryPointArn=back_up(client, vault, table, backup_role)["RecoveryPointArn"],
        IamRoleArn=backup_role,
        Metadata={"targetTableName": f"{table}-tested"},
    )
    assert job["CreatedBy"] == {"RestoreTestingPlanArn": plan}
    mine = {"RestoreJobId": job["RestoreJobId"]}
    backup.put_restore_validation_result(ValidationStatus="FAILED", ValidationStatusMessage="no", **mine)
    shown = backup.describe_restore_job(**mine)
    assert (shown["ValidationStatus"], shown["ValidationStatusMessage"]) == ("FAILED", "no")


def test_a_function_and_a_state_machine_need_roles_that_trust_them(client, role, name):
    other = role("ec2.amazonaws.com")
    found = refused(
        client("lambda").create_function,
        FunctionName=name,
        Runtime="python3.12",
        Handler="code.handler",
        Role=other,
        Code={"ZipFile": b""},
    )
    text = "The role defined for the function cannot be assumed by Lambda."
    assert found == (400, "InvalidParameterValueException", text)
    done = {"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}}
    states = client("stepfunctions")
    arguments = {"name": name, "definition": json.dumps(done)}
    _, code, text = refused(states.create_state_machine, roleArn=other, **arguments)
    assert code == "AccessDeniedException"
    assert text.endswith("is authorized to assume the provided role.")

    own = role(STATES, suffix="states")
    machine = states.create_state_machine(roleArn=own, **arguments)["stateMachineArn"]
    found = refused(states.update_state_machine, stateMachineArn=machine, roleArn=other)
    assert found[1] == "AccessDeniedException"
    states.delete_state_machine(stateMachineArn=machine)


@pytest.mark.parametrize(
    ("actions", "kept"),
    [
        (["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], True),
        (["logs:CreateLogGroup", "logs:CreateLogStream"], False),
        (["logs:CreateLogGroup", "logs:PutLogEvents"], False),
        (["logs:CreateLogStream", "logs:PutLogEvents"], False),
    ],
)
def test_a_log_is_kept_if_the_role_may(client, role, function, name, actions, kept):
    function(role(LAMBDA, *actions))
    client("lambda").invoke(FunctionName=name, Payload=b"{}")
    groups = client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")
    assert bool(groups["logGroups"]) == kept


CALLER = """
const { Lambda } = require("@aws-sdk/client-lambda");
exports.handler = async (event) =>
  JSON.parse(Buffer.from((await new Lambda().invoke(event)).Payload).toString());
"""


def test_a_node_function_that_may_not_call_another_one_fails(client, role, function, name):
    """As the CDK's provider framework calls what it wraps."""
    called, caller = function(role(LAMBDA)), f"{name}-caller"
    client("lambda").create_function(
        FunctionName=caller,
        Runtime="nodejs22.x",
        Handler="code.handler",
        Role=role(LAMBDA, suffix="caller"),
        Code={"ZipFile": package(("code.js", CALLER, 0o644))},
    )

    def call():
        event = json.dumps({"FunctionName": called, "Payload": "{}"})
        answer = client("lambda").invoke(FunctionName=caller, Payload=event)
        return answer.get("FunctionError"), json.load(answer["Payload"])

    failed, answer = call()
    assert failed == "Unhandled"
    assert "not authorized to perform: lambda:InvokeFunction" in answer["errorMessage"]
    grant(client, f"{name}-caller", "lambda:InvokeFunction")
    assert call() == (None, None)
    client("lambda").delete_function(FunctionName=caller)


@pytest.fixture
def rule(client, name):
    """Make a rule for events of the test's own source, with one target; returns its ARN."""

    def make(target, **more):
        pattern = json.dumps({"source": [name]})
        arn = client("events").put_rule(Name=name, EventPattern=pattern)["RuleArn"]
        client("events").put_targets(Rule=name, Targets=[{"Id": "one", "Arn": target} | more])
        return arn

    yield make
    client("events").remove_targets(Rule=name, Ids=["one"])
    client("events").delete_rule(Name=name)


def send(client, name):
    entry = {"Source": name, "DetailType": "x", "Detail": "{}"}
    client("events").put_events(Entries=[entry])


def test_a_rule_calls_a_function_that_lets_it(client, role, function, rule, name):
    arn = function(role(LAMBDA, "logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"))
    source = rule(arn)
    logs = client("logs")

    def called():
        groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
        events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}") if groups else {}
        return [event for event in events.get("events", []) if name in event["message"]]

    send(client, name)
    client("lambda").add_permission(
        FunctionName=name,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=source,
    )
    send(client, name)
    eventually(called)
    assert len({event["logStreamName"] for event in called()}) == 1


@pytest.fixture
def inbox(client, name):
    """The URL of a queue that takes what topics send, and its ARN."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": "*",
    }
    url = client("sqs").create_queue(QueueName=name, Attributes={"Policy": policy(statement)})
    yield url["QueueUrl"], f"arn:aws:sqs:us-east-1:000000000000:{name}"
    client("sqs").delete_queue(QueueUrl=url["QueueUrl"])


def publishing(service, resource):
    return {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sns:Publish", "Resource": resource}


@pytest.mark.parametrize("encrypted", [False, True])
def test_an_alarm_reaches_a_topic_whose_policy_and_key_let_it(client, inbox, name, encrypted):
    url, queue = inbox
    topic_arn = f"arn:aws:sns:us-east-1:000000000000:{name}"
    root = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    key = resource("AWS::KMS::Key", {"KeyPolicy": json.loads(policy(root))})
    topic = {"TopicName": name} | ({"KmsMasterKeyId": attribute("Key", "Arn")} if encrypted else {})
    stack = Stack(client, name).create(Key=key, Topic=resource("AWS::SNS::Topic", topic))
    assert stack.status == "CREATE_COMPLETE"
    client("sns").subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=queue)
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        AlarmActions=[topic_arn],
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
        return "Messages" in client("sqs").receive_message(QueueUrl=url)

    def allow(*statements):
        client("sns").set_topic_attributes(
            TopicArn=topic_arn, AttributeName="Policy", AttributeValue=policy(*statements)
        )

    allow(publishing("events.amazonaws.com", topic_arn))
    assert not heard()
    allow(publishing("cloudwatch.amazonaws.com", topic_arn))
    assert heard() == (not encrypted)
    if encrypted:
        use = {
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
        }
        account = {"StringEquals": {"aws:SourceAccount": "000000000000"}}
        context = {"StringLike": {"kms:EncryptionContext:aws:sns:topicArn": topic_arn}}
        for condition, works in ((account, False), (context, True), ({}, True)):
            statement = use | ({"Condition": condition} if condition else {})
            client("kms").put_key_policy(
                KeyId=stack.output("Key"), PolicyName="default", Policy=policy(root, statement)
            )
            assert heard() == works
    cloudwatch.delete_alarms(AlarmNames=[name])
    stack.delete()


EVENTS = "events.amazonaws.com"


@pytest.fixture
def topic(client, inbox, name):
    """The ARN of a topic that the inbox hears of, and whether an event arrived there."""
    arn = client("sns").create_topic(Name=name)["TopicArn"]
    client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=inbox[1])

    def heard():
        send(client, name)
        return "Messages" in client("sqs").receive_message(QueueUrl=inbox[0])

    yield arn, heard
    client("sns").delete_topic(TopicArn=arn)


def test_a_topics_policy_lets_events_through_without_conditions_only(client, topic, rule):
    """EventBridge names no source to SNS, whatever a condition asks for."""
    arn, heard = topic
    source = rule(arn)
    open_to = publishing(EVENTS, arn)
    for condition in (
        {"StringEquals": {"aws:SourceAccount": "000000000000"}},
        {"ArnEquals": {"aws:SourceArn": source}},
    ):
        client("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=policy(open_to | {"Condition": condition})
        )
        assert not heard()
    client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy(open_to))
    assert heard()


def test_a_rule_publishes_as_its_role_if_that_may(client, topic, rule, role, name):
    arn, heard = topic
    publisher = role(EVENTS)
    rule(arn, RoleArn=publisher)
    assert not heard()
    grant(client, f"{name}-role", "sns:Publish")
    assert heard()
    for account, works in (("111122223333", False), ("000000000000", True)):
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": EVENTS},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
        client("iam").update_assume_role_policy(RoleName=f"{name}-role", PolicyDocument=policy(trust))
        assert heard() == works


def test_a_table_under_a_key_is_for_who_may_decrypt_through_dynamodb(client, role, name):
    root = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    key = client("kms").create_key(Policy=policy(root))["KeyMetadata"]["Arn"]
    client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
    )
    arn = role(LAMBDA, "dynamodb:*")
    given = client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    user = client(
        "dynamodb",
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    item = {"pk": {"S": "x"}}
    deletion = {"Delete": {"TableName": name, "Key": item}}
    calls = [
        (user.put_item, {"TableName": name, "Item": item}),
        (user.scan, {"TableName": name}),
        (user.batch_get_item, {"RequestItems": {name: {"Keys": [item]}}}),
        (user.transact_write_items, {"TransactItems": [deletion]}),
    ]
    for call, arguments in calls:
        _, code, text = refused(call, **arguments)
        assert code == "AccessDeniedException"
        assert text.startswith("KMS key access denied error: ")
        assert "not authorized to perform: kms:Decrypt" in text
    assert user.describe_table(TableName=name)["Table"]["TableName"] == name
    through = {"StringLike": {"kms:ViaService": "dynamodb.*.amazonaws.com"}}
    statement = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key, "Condition": through}
    client("iam").put_role_policy(RoleName=f"{name}-role", PolicyName="key", PolicyDocument=policy(statement))
    for call, arguments in calls:
        call(**arguments)
    client("dynamodb").delete_table(TableName=name)
