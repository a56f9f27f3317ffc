"""The checks of templates can fail: each pack finds what it is for, and a wrong acknowledgement is found too."""

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from stacks.annotations import QUEUE_DEAD_LETTERS, acknowledge, acknowledge_wildcards
from tests.support import rules
from tests.support.rules import Acknowledgement, Outcome, acknowledged_table

REASON = "It is bad on purpose, so that a test sees it."


class Bad(Stack):
    """What must not be deployed, and acknowledgements that must not be written."""

    def __init__(self, app):
        super().__init__(app, "Bad")
        s3.Bucket(self, "Bucket", public_read_access=True, block_public_access=s3.BlockPublicAccess.BLOCK_ACLS_ONLY)
        code = lambda_.Code.from_inline("def b(*_): pass")
        lambda_.Function(self, "Function", runtime=lambda_.Runtime.PYTHON_3_9, handler="a.b", code=code)
        key = dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING)
        table = dynamodb.TableV2(self, "Table", partition_key=key)
        listing = iam.PolicyStatement(actions=["dynamodb:ListStreams"], resources=[f"{table.table_arn}/stream/*"])
        iam.ManagedPolicy(self, "Listing", statements=[listing])
        everything = [iam.PolicyStatement(actions=["*"], resources=["*"])]
        iam.ManagedPolicy(self, "Policy", statements=everything)
        accepted = iam.ManagedPolicy(self, "Accepted", statements=everything)
        acknowledge_wildcards(accepted, [("Resource", "*", REASON)])
        acknowledge(self, QUEUE_DEAD_LETTERS[:1], REASON)
        sqs.Queue(self, "Queue")
        acknowledge(sqs.Queue(self, "Other"), ("AwsSolutions::AwsSolutions-L1",), REASON)


@pytest.fixture(scope="module")
def bad(tmp_path_factory) -> Outcome:
    app = App(context=rules.CONTEXT, outdir=str(tmp_path_factory.mktemp("bad")))
    return rules.check(Bad(app).node.root)


def test_each_pack_finds_what_it_is_for(bad):
    for finding in (
        "Bad/Bucket/Resource: AwsSolutions: AwsSolutions-S1:",
        "Bad/Policy/Resource: AwsSolutions: AwsSolutions-IAM5[Resource::*]:",
        "Bad/Bucket/Resource: NIST.800.53.R5: NIST.800.53.R5-S3BucketLevelPublicAccessProhibited:",
        "Bad/Function/Resource: Serverless: Serverless-LambdaTracing:",  # a warning of that pack
        "Bad/Bucket/Resource: CloudFormation Validate: s3_bucket_level_public_access_prohibited_ch",
        "Bad/Table/Resource: CloudFormation Validate: global_table_recovers_to_a_point_in_time:",
        "Bad/Function/Resource: CloudFormation Validate: function_has_its_log_group:",
        "Bad/Listing5A7A94C7: dynamodb:ListStreams takes none of ",
    ):
        assert [line for line in bad.findings if line.startswith(finding)], finding


def test_a_finding_is_acknowledged_on_one_construct_only_and_wrong_acknowledgements_are_named(bad):
    rule = "AwsSolutions-IAM5[Resource::*]"
    (found,) = [line for line in bad.findings if rule in line]
    assert "Bad/Policy/Resource" in found, "of two policies one is accepted"
    accepted = Acknowledgement("Bad/Accepted", f"AwsSolutions::{rule}", REASON, ("Bad/Accepted/Resource",))
    assert accepted in bad.acknowledged
    assert sorted(bad.objections) == [
        "Bad/Other: acknowledged AwsSolutions::AwsSolutions-L1, which nothing raises any more; remove it",
        "Bad: acknowledged AwsSolutions::AwsSolutions-SQS3 for a whole stack; move it to the one construct concerned",
    ]
    two = Acknowledgement("S/A", "P::R", REASON, ("S/A/B", "S/A/C"))
    short = Acknowledgement("S/A", "P::R", "Fine.", ("S/A/B",))
    assert [*Outcome((), (two, short)).objections] == [
        "S/A: acknowledged P::R covers S/A/B, S/A/C; acknowledge each by itself",
        "S/A: acknowledged P::R without a sentence for a reason: 'Fine.'",
    ]


def test_the_list_has_a_row_for_each_set_of_constructs_and_no_stage():
    given = [
        Acknowledgement("Messages-dev/A/Role", "P::IAM5[Resource::*]", "Because.", ("r",)),
        Acknowledgement("Messages-prod/A/Role", "P::IAM5[Resource::*]", "Because.", ("r",)),
        Acknowledgement("Messages-x-Copies-eu-west-1/B", "P::One", "Because.", ("r",)),
        Acknowledgement("MessagesPipelineAccess/C", "Q::Two", "Otherwise.", ("r",)),
        Acknowledgement("MessagesPipelineAccess/C", "Q::Three", "Again.", ("r",)),
    ]
    assert acknowledged_table(given).splitlines()[2:] == [
        "| `A/Role`, `Copies/B` | `IAM5`, `One`: Because. |",
        "| `MessagesPipelineAccess/C` | `Three`: Again.<br>`Two`: Otherwise. |",
    ]
