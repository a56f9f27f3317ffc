"""Properties that a type's schema does not allow fail the creation or update, before the resource's handler runs.

The cases are made from the schemas of all types that stacks can have.
Sources: embedded_aws/cloudformation/property_rules.
"""

import datetime

import pytest

from embedded_aws.cloudformation.checks import update_resource
from embedded_aws.cloudformation.property_rules import TYPES, problems, refuse_invalid
from embedded_aws.cloudformation.schemas import READ_ONLY, paths, schema_of
from embedded_aws.tests.support.resource_types import KINDS
from embedded_aws.tests.support.stacks import resource

FAILED = "failed validation constraint for keyword"


def _cases(kind):
    """Properties that break one rule of the schema, and the line that says so."""
    schema = schema_of(kind)
    yield {"Unknown": "x"}, "#: extraneous key [Unknown] is not permitted"
    for name, *rest in paths(kind, READ_ONLY):
        if not rest:
            yield {name: "x"}, f"#: extraneous key [{name}] is not permitted"
    for name in schema.get("required", []):
        yield {}, f"#: required key [{name}] not found"
    for name, rules in schema["properties"].items():
        if rules.get("type") in ("array", "object"):
            yield {name: "x"}, f"#/{name}: expected type: {TYPES[rules['type']]}, found: String"
        if rules.get("type") in ("string", "integer", "boolean", "number"):
            yield {name: []}, f"#/{name}: expected type: {TYPES[rules['type']]}, found: JSONArray"
        if rules.get("type") in ("integer", "boolean", "number"):
            yield {name: "x"}, f"#/{name}: expected type: {TYPES[rules['type']]}, found: String"
        if "enum" in rules and rules.get("type") == "string":
            yield {name: "no such"}, f"#/{name}: {FAILED} [enum]"
        if "maxLength" in rules and rules.get("type") == "string":
            text, most = "x" * (rules["maxLength"] + 1), rules["maxLength"]
            yield {name: text}, f"#/{name}: expected maxLength: {most}, actual: {most + 1}"
        if "maximum" in rules:
            yield {name: rules["maximum"] + 1}, f"#/{name}: {FAILED} [maximum]"
        if "minimum" in rules:
            yield {name: rules["minimum"] - 1}, f"#/{name}: {FAILED} [minimum]"


@pytest.mark.parametrize("kind", KINDS)
def test_every_rule_of_every_type_refuses(kind):
    for properties, line in _cases(kind):
        with pytest.raises(ValueError, match="Properties validation failed for resource X with message:") as caught:
            refuse_invalid(kind, "X", properties)
        assert line in str(caught.value).splitlines(), properties


@pytest.mark.parametrize(
    ("rules", "value", "lines"),
    [
        ({"type": "integer"}, "5", []),
        ({"type": "integer"}, "5.5", ["#: expected type: Integer, found: String"]),
        ({"type": "boolean"}, "true", []),
        ({"type": "string"}, 5, []),
        ({"enum": [1, 2]}, "2", []),
        ({"type": ["object", "string"]}, [], ["#: #: no subschema matched out of the total 2 subschemas"]),
        ({"pattern": "^a$"}, "b", [f"#: {FAILED} [pattern]"]),
        ({"pattern": r"^\p{L}$"}, "é", []),
        ({"minItems": 1}, [], ["#: expected minimum item count: 1, found: 0"]),
        ({"uniqueItems": True}, [{"a": 1}, {"a": 1}], ["#: array items are not unique"]),
        ({"type": "string"}, datetime.date(2012, 10, 17), []),
        ({"items": {"type": "object"}, "uniqueItems": True}, [None, datetime.date(2012, 10, 17)],
         ["#/0: expected type: JSONObject, found: Null", "#/1: expected type: JSONObject, found: String"]),
        ({"items": {"$ref": "#/d/Part"}}, [{}], ["#/0: required key [A] not found"]),
        ({"patternProperties": {"^a": {"type": "object"}}, "additionalProperties": False}, {"b": 1},
         ["#: extraneous key [b] is not permitted"]),
        ({"additionalProperties": {"type": "array"}}, {"b": 1}, ["#/b: expected type: JSONArray, found: Integer"]),
        ({"dependencies": {"A": ["B"]}}, {"A": 1}, ["#: property [B] is required"]),
        ({"oneOf": [{"required": ["A"]}, {"required": ["B"]}]}, {"A": 1, "B": 1},
         ["#: #: 2 subschemas matched instead of one"]),
        ({"anyOf": [{"required": ["A"]}, {"required": ["B"]}]}, {},
         ["#: #: no subschema matched out of the total 2 subschemas", "#: required key [A] not found",
          "#: required key [B] not found"]),
        ({"allOf": [{"required": ["A"]}]}, {"A": None}, ["#: required key [A] not found"]),
    ],
)  # fmt: skip
def test_each_keyword(rules, value, lines):
    assert list(problems(rules, value, {"d": {"Part": {"required": ["A"]}}})) == lines


def test_a_stack_fails_at_the_resource_and_leaves_nothing(client, stack, name):
    """With each kind of rule in one answer; an update leaves the resource as it was."""
    wrong = {"RetentionInDays": 2, "Arn": "arn", "Retention": 1, "KmsKeyId": [], "LogGroupName": name}
    text = "Properties validation failed for resource Log with message:\n" + "\n".join(
        [
            "#: extraneous key [Arn] is not permitted",
            "#/RetentionInDays: #: only 1 subschema matches out of 2",
            f"#/RetentionInDays: {FAILED} [enum]",
            "#: extraneous key [Retention] is not permitted",
            "#/KmsKeyId: expected type: String, found: JSONArray",
        ]
    )
    stack.create(Log=resource("AWS::Logs::LogGroup", wrong))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert ("CREATE_FAILED", text) in stack.events("Log")
    groups = client("logs").describe_log_groups
    assert groups(logGroupNamePrefix=name)["logGroups"] == []
    stack.delete()
    right = {"LogGroupName": name, "RetentionInDays": "7", "Tags": [{"Key": "project", "Value": "messages"}]}
    assert stack.create(Log=resource("AWS::Logs::LogGroup", right)).status == "CREATE_COMPLETE"
    assert stack.update(Log=resource("AWS::Logs::LogGroup", wrong)).status == "UPDATE_ROLLBACK_COMPLETE"
    assert ("UPDATE_FAILED", text) in stack.events("Log")
    assert groups(logGroupNamePrefix=name)["logGroups"][0]["retentionInDays"] == 7


def test_read_only_properties_inside_of_others_are_refused():
    properties = {"Code": {"ZipFile": "x"}, "Role": "arn:aws:iam::000000000000:role/r"}
    with pytest.raises(ValueError, match=r"#/SnapStartResponse: extraneous key \[ApplyOn\] is not permitted"):
        refuse_invalid("AWS::Lambda::Function", "X", properties | {"SnapStartResponse": {"ApplyOn": "None"}})
    refuse_invalid("AWS::Lambda::Function", "X", properties)
    refuse_invalid("Custom::Anything", "X", {"Arn": "x"})


@pytest.mark.parametrize("kind", ["Custom::Thing", "AWS::CloudFormation::CustomResource"])
def test_a_custom_resource_keeps_its_function(kind):
    """Source: serverless/serverless#9240."""
    old = {"ServiceToken": "arn:aws:lambda:us-east-1:000000000000:function:old", "Id": "one"}
    with pytest.raises(ValueError, match=r"^Modifying service token is not allowed\.$"):
        update_resource(lambda *_: ("id", {}), kind, "id", old, old | {"ServiceToken": "other"}, "stack", "Custom")
    assert update_resource(lambda *_: ("id", {}), kind, "id", old, old | {"Id": "two"}, "stack", "Custom") == ("id", {})
