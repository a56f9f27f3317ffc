"""Conditions compare what functions give. Source: the CDK CLI's bootstrap-template.yaml, which AWS accepts."""

import json

import pytest

from embedded_aws.tests.support.steps import eventually


@pytest.mark.parametrize(("given", "found"), [("", "none"), ("a,b", "some")])
def test_a_condition_compares_a_joined_list(client, name, given, found):
    joined = {"Fn::Equals": ["", {"Fn::Join": ["", {"Ref": "Names"}]}]}
    mapped = {"Fn::Equals": [{"Fn::FindInMap": ["Words", "empty", "is"]}, {"Fn::Sub": "no${AWS::Partition}"}]}
    value = {"Fn::If": ["Empty", "none", "some"]}
    template = {
        "Parameters": {"Names": {"Type": "CommaDelimitedList", "Default": ""}},
        "Mappings": {"Words": {"empty": {"is": "noaws"}}},
        "Conditions": {"Joined": joined, "Empty": {"Fn::And": [mapped, {"Condition": "Joined"}]}},
        "Resources": {"Shown": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}},
        "Outputs": {"Value": {"Value": {"Fn::GetAtt": ["Shown", "Value"]}}},
    }
    cloudformation = client("cloudformation")
    parameters = [{"ParameterKey": "Names", "ParameterValue": given}]
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template), Parameters=parameters)
    (stack,) = eventually(lambda: _ended(cloudformation, name))
    assert stack["Outputs"][0]["OutputValue"] == found


def _ended(cloudformation, name):
    stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return stacks if stacks[0]["StackStatus"] == "CREATE_COMPLETE" else None
