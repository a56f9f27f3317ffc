"""What is a response of AWS, and what is a page of something on the way; nothing is sent."""

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.clients import check_answers
from cli.errors import NotFromAws, OpsError, explain

HTML = b"<!DOCTYPE html><html><head><title>Log in<br></head></html>"
XHTML = b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body/></html>'
CALLS = {
    "sts": ("get_caller_identity", {}),
    "cloudformation": ("describe_stacks", {}),
    "iam": ("list_roles", {}),
    "backup": ("list_backup_vaults", {}),
    "dynamodb": ("list_tables", {}),
    "dynamodbstreams": ("list_streams", {}),
    "kms": ("list_aliases", {}),
    "logs": ("describe_log_groups", {}),
    "resourcegroupstaggingapi": ("get_resources", {}),
    "cognito-idp": ("list_users", {"UserPoolId": "eu-west-1_Ab1cD2eF3"}),
    "sqs": ("receive_message", {"QueueUrl": "https://queue"}),
    "stepfunctions": ("list_state_machines", {}),
    "lambda": ("list_functions", {}),
    "s3": ("list_buckets", {}),
}
IDENTITY = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult>
</GetCallerIdentityResponse>"""
XML = ("sts", "cloudformation", "iam", "s3")


class Raw:
    """A body as urllib3 hands it over."""

    def __init__(self, body):
        self.body = body

    def stream(self, **_):
        yield self.body


def client(service, status, body, kind="text/html"):
    """A client whose requests are answered with this."""
    made = boto3.client(
        service,
        region_name="eu-west-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"total_max_attempts": 1}),
    )
    headers = {"Content-Type": kind} if kind else {}
    made.meta.events.register("before-send", lambda **_: AWSResponse("https://x", status, headers, Raw(body)))
    check_answers(made)
    return made


def ask(service, *answer):
    operation, arguments = CALLS[service]
    return getattr(client(service, *answer), operation)(**arguments)


@pytest.mark.parametrize(
    ("service", "status", "body"),
    [
        (service, status, body)
        for service in CALLS
        for status, body in [(200, HTML), (200, XHTML), (403, HTML), (302, HTML)]
        # botocore itself takes it for an error of S3, with status 500.
        if (service, status) != ("s3", 200)
    ],
)
def test_a_page_is_one_line_of_every_service(service, status, body):
    with pytest.raises(NotFromAws) as caught:
        ask(service, status, body)
    expected = "XML" if service in XML else "JSON"
    text = explain(caught.value)
    assert (
        f": the response did not come from AWS: expected {expected}, got text/html, "
        f"status {status}; check AWS_ENDPOINT_URL"
    ) in text
    assert "\n" not in text
    assert isinstance(caught.value, OpsError)
    assert isinstance(caught.value, BotoCoreError)


@pytest.mark.parametrize("service", [service for service in CALLS if service != "s3"])
def test_an_empty_body_is_none_of_aws_where_fields_are_expected(service):
    with pytest.raises(NotFromAws, match="got an empty body, no content type, status 200"):
        ask(service, 200, b"", "")


@pytest.mark.parametrize("service", CALLS)
@pytest.mark.parametrize("body", [HTML, b"", b"no healthy upstream"])
def test_a_gateways_page_is_an_error_that_the_sdk_knows(service, body):
    with pytest.raises(ClientError) as caught:
        ask(service, 502, body)
    assert explain(caught.value).endswith(": 502: Bad Gateway")


@pytest.mark.parametrize(
    ("service", "status", "body"),
    [
        ("dynamodb", 200, b'{"TableNames": []}'),
        ("backup", 200, b' {"BackupVaultList": []}'),
        ("sts", 200, IDENTITY),
        ("s3", 200, b'<?xml version="1.0"?><ListAllMyBucketsResult/>'),
    ],
)
def test_an_answer_of_aws_is_one(service, status, body):
    assert ask(service, status, body)["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("backup", "delete_recovery_point", {"BackupVaultName": "v1", "RecoveryPointArn": "arn"}),
        ("kms", "disable_key", {"KeyId": "k"}),
        ("logs", "delete_log_group", {"logGroupName": "g"}),
        ("s3", "put_object", {"Bucket": "b", "Key": "k"}),
    ],
)
def test_an_empty_body_is_an_answer_where_none_is_expected(service, operation, arguments):
    getattr(client(service, 200, b""), operation)(**arguments)


def test_an_object_may_be_a_page():
    found = client("s3", 200, HTML).get_bucket_policy(Bucket="b")
    assert found["Policy"] == HTML.decode()


@pytest.mark.parametrize(
    ("service", "body", "said"),
    [
        ("dynamodb", b'{"__type": "x#AccessDeniedException", "message": "no"}', "AccessDeniedException: no"),
        (
            "sts",
            b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>",
            "AccessDenied: no",
        ),
        ("backup", b"", "ListBackupVaults: 403"),
    ],
)
def test_an_error_of_aws_stays_one(service, body, said):
    with pytest.raises(ClientError) as caught:
        ask(service, 403, body)
    assert said in explain(caught.value)
