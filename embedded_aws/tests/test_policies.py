"""Policies: which documents IAM takes, what patterns and variables match, and which condition keys a request carries.

Sources: IAM User Guide, "IAM JSON policy elements: Resource" ("If the * wildcard is the last character of a resource
ARN segment, it can expand to match beyond the colon boundaries"), "Condition operators" ("Each of the six
colon-delimited components of the ARN is checked separately") and "Variables and tags"; DynamoDB Developer Guide,
"Using IAM policy conditions for fine-grained access control"; for the texts, garnaat/kappa#111,
trussworks/terraform-aws-s3-anti-virus#21 and aws-cloudformation/cfn-lint#3751.
"""

import pytest
from botocore.exceptions import ClientError

from embedded_aws.tests.support.steps import allow, policy, refused


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        (allow("sqs:SendMessage", on="queue"), 'Resource queue must be in ARN format or "*".'),
        (allow("SendMessage"), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
        (allow("sqs:Send:Message"), "Actions/Condition can contain only one colon."),
        (allow("sqs:SendMessage", Condition={"aws:SourceAccount": "111122223333"}), "Syntax errors in policy."),
        (allow("sqs:SendMessage", Condition={"StringEqual": {"aws:SourceAccount": "1"}}), "Syntax errors in policy."),
    ],
)
def test_a_malformed_policy_is_refused(client, role, name, statement, text):
    role("lambda.amazonaws.com")
    put, malformed = client("iam").put_role_policy, (400, "MalformedPolicyDocument", text)
    assert refused(put, RoleName=f"{name}-role", PolicyName="x", PolicyDocument=policy(statement)) == malformed


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("arn:aws:dynamodb:us-*-1:*:table/{}", True),
        ("arn:aws:dynamodb:*:table/{}", True),
        ("arn:aws:dynamodb:*", True),
        ("arn:aws:dynamodb:us-*0:table/{}", False),
        ("arn:aws:dynamodb:us?east?1:000000000000:table/{}", True),
        ("arn:aws:dynamodb?us-east-1:000000000000:table/{}", False),
    ],
)
def test_a_wildcard_in_a_resource_crosses_a_colon_only_at_the_end_of_a_segment(caller, table, pattern, matches):
    call = caller(allow("dynamodb:DescribeTable", on=pattern.format(table)))("dynamodb").describe_table
    assert works(call, TableName=table) is matches


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ("arn:aws:iam::000000000000:role/{}-caller", True),
        ("arn:aws:iam::*:role/{}-c?ller", True),
        ("arn:*:iam:*:*:role/*", True),
        ("*", True),
        ("arn:aws:iam:*:role/{}-caller", False),
        ("arn:*/{}-caller", False),
    ],
)
@pytest.mark.parametrize("operator", ["ArnLike", "ArnEquals", "ArnNotLike", "ArnNotEquals"])
def test_arn_operators_compare_each_component(caller, name, operator, pattern, matches):
    condition = {operator: {"aws:PrincipalArn": pattern.format(name)}}
    call = caller(allow("dynamodb:ListTables", Condition=condition))("dynamodb").list_tables
    assert works(call) is (matches != ("Not" in operator))


def works(call, **arguments):
    """Whether the call is allowed."""
    try:
        call(**arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]
    else:
        return True
    assert code == "AccessDeniedException"
    return False


def test_a_key_that_the_action_does_not_carry_is_absent(caller, table):
    """The reference lists dynamodb:Select for calls that read items only."""
    key = {"pk": {"S": "one"}}
    for operator, described in (("StringEquals", False), ("StringEqualsIfExists", True)):
        condition = {operator: {"dynamodb:Select": "ALL_ATTRIBUTES"}}
        user = caller(allow("dynamodb:DescribeTable", "dynamodb:GetItem", Condition=condition))("dynamodb")
        assert works(user.describe_table, TableName=table) is described
        assert works(user.get_item, TableName=table, Key=key)


def keyed(value):
    return {"pk": {"S": value}}


def query(table, value, expression):
    names = {"ExpressionAttributeNames": {"#k": "pk"}} if "#k" in expression else {}
    values = {"ExpressionAttributeValues": {":v": {"S": value}}}
    return {"TableName": table, "KeyConditionExpression": expression} | names | values


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("get_item", lambda table, value: {"TableName": table, "Key": keyed(value)}),
        ("put_item", lambda table, value: {"TableName": table, "Item": keyed(value)}),
        ("query", lambda table, value: query(table, value, "pk=:v")),
        ("query", lambda table, value: query(table, value, "#k = :v")),
        ("batch_get_item", lambda table, value: {"RequestItems": {table: {"Keys": [keyed("one"), keyed(value)]}}}),
        ("batch_write_item", lambda table, value: {"RequestItems": {table: [{"PutRequest": {"Item": keyed(value)}}]}}),
        (
            "transact_write_items",
            lambda table, value: {"TransactItems": [{"Put": {"TableName": table, "Item": keyed(value)}}]},
        ),
    ],
)
def test_leading_keys_are_those_of_the_items_that_the_request_names(caller, table, call, arguments):
    condition = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["one", "none"]}}
    user = caller(allow("dynamodb:*", Condition=condition))("dynamodb")
    for value in ("none", "two"):
        assert works(getattr(user, call), **arguments(table, value)) is (value == "none")


def test_the_leading_key_of_a_query_of_an_index_is_its_own(caller, table):
    condition = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["tom"]}}
    query = caller(allow("dynamodb:Query", Condition=condition))("dynamodb").query
    arguments = {"TableName": table, "IndexName": "ByUser", "KeyConditionExpression": "#u = :v"}
    arguments["ExpressionAttributeNames"] = {"#u": "User"}
    for value in ("tom", "jerry"):
        assert works(query, ExpressionAttributeValues={":v": {"S": value}}, **arguments) is (value == "tom")


@pytest.mark.parametrize(
    ("call", "arguments", "allowed"),
    [
        ("put_item", {"Item": {"pk": {"S": "x"}, "a": {"S": "x"}}}, True),
        ("put_item", {"Item": {"pk": {"S": "x"}, "b": {"S": "x"}}}, False),
        ("get_item", {"Key": {"pk": {"S": "x"}}, "ProjectionExpression": "a.b, pk"}, True),
        ("get_item", {"Key": {"pk": {"S": "x"}}, "AttributesToGet": ["b"]}, False),
        ("update_item", {"Key": {"pk": {"S": "one"}}, "UpdateExpression": "REMOVE a"}, True),
        ("update_item", {"Key": {"pk": {"S": "one"}}, "UpdateExpression": "REMOVE b"}, False),
        ("delete_item", {"Key": {"pk": {"S": "x"}}, "ConditionExpression": "attribute_not_exists(a)"}, True),
        ("delete_item", {"Key": {"pk": {"S": "x"}}, "ConditionExpression": "attribute_not_exists(b)"}, False),
        ("delete_item", {"Key": {"pk": {"S": "x"}}, "Expected": {"b": {"Exists": False}}}, False),
        ("scan", {"FilterExpression": "a = b", "ProjectionExpression": "pk"}, False),
    ],
)
def test_attributes_are_all_that_the_request_names(caller, table, call, arguments, allowed):
    condition = {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "a"]}}
    user = caller(allow("dynamodb:*", Condition=condition))("dynamodb")
    assert works(getattr(user, call), TableName=table, **arguments) is allowed


def test_what_a_write_returns_is_a_key_too(caller, table):
    may = {"StringEqualsIfExists": {"dynamodb:ReturnValues": ["NONE", "UPDATED_NEW"]}}
    put = caller(allow("dynamodb:PutItem", Condition=may))("dynamodb").put_item
    assert works(put, TableName=table, Item={"pk": {"S": "x"}})
    assert not works(put, TableName=table, Item={"pk": {"S": "x"}}, ReturnValues="ALL_OLD")


DENIED = {"Effect": "Deny", "Action": "*", "Resource": "*"}


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([allow("dynamodb:*", on="arn:aws:dynamodb:*:${aws:PrincipalAccount}:table/*")], True),
        ([allow("dynamodb:*", on="arn:aws:dynamodb:*:${aws:username}:table/*")], False),
        ([allow("dynamodb:*", on="arn:aws:dynamodb:*:${aws:username, '000000000000'}:table/*")], True),
        ([allow("dynamodb:*", Condition={"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}})], True),
        ([allow("dynamodb:*", Condition={"StringEquals": {"aws:PrincipalAccount": "${aws:username}"}})], False),
        ([allow("dynamodb:*", Condition={"StringNotEquals": {"aws:PrincipalAccount": "${aws:username}"}})], True),
        (
            [
                allow("dynamodb:*"),
                DENIED | {"Condition": {"StringEquals": {"aws:PrincipalAccount": "${aws:ResourceAccount}"}}},
            ],
            False,
        ),
    ],
)
def test_variables_stand_for_keys_of_the_request(caller, table, statements, allowed):
    """One that the request lacks is like nothing, so a negated operator matches."""
    assert works(caller(*statements)("dynamodb").describe_table, TableName=table) is allowed
