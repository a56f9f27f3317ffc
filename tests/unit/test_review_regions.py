"""How a review reads a template whose region is known."""

import pytest

from ops.review.access import access_changes
from ops.review.regions import in_region, settled
from tests.support.cost_templates import resource

REGION, PARTITION = {"Ref": "AWS::Region"}, {"Ref": "AWS::Partition"}


def template(resource_arn) -> dict:
    statement = {"Effect": "Allow", "Action": "dynamodb:Query", "Resource": resource_arn}
    policy = resource("AWS::IAM::Policy", Roles=["r"], PolicyDocument={"Statement": [statement]})
    return {"Resources": {"Policy": policy}}


OPEN = template({"Fn::Join": ["", ["arn:", PARTITION, ":dynamodb:", REGION, ":1:table/T"]]})
IN_TEXT = template({"Fn::Sub": "arn:${AWS::Partition}:dynamodb:${AWS::Region}:1:table/T"})


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-west-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eusc-de-east-1", "aws-eusc")],
)
@pytest.mark.parametrize("before", [OPEN, IN_TEXT], ids=["join", "sub"])
def test_references_to_a_known_region_and_its_partition_are_their_names(before, region, partition):
    fixed = template(f"arn:{partition}:dynamodb:{region}:1:table/T")
    assert access_changes(in_region(before, region), in_region(fixed, region)) == []
    assert settled(before, fixed, region).startswith(f"now fixed to region {region}")
    assert settled(fixed, before, region).startswith(f"no longer fixed to region {region}")


def test_an_unknown_region_stays_a_reference():
    assert in_region(OPEN, None) == OPEN
    assert access_changes(OPEN, IN_TEXT) == []


def test_a_region_is_fixed_though_something_refers_to_it_still():
    fixed = template("arn:aws:dynamodb:eu-west-1:1:table/T")
    both = ({"Resources": one["Resources"] | {"Alarm": resource("AWS::A::B", Where=REGION)}} for one in (OPEN, fixed))
    assert settled(*both, "eu-west-1").startswith("now fixed to region eu-west-1")
    assert settled(OPEN, OPEN, "eu-west-1") == settled(fixed, fixed, "eu-west-1") == ""


def test_what_is_new_or_gone_settles_nothing():
    empty = {"Resources": {}}
    fixed = template("arn:aws:dynamodb:eu-west-1:1:table/T")
    assert settled(empty, fixed, "eu-west-1") == settled(fixed, empty, "eu-west-1") == ""
