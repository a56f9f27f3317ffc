"""Requests that break the models of AWS Backup, CloudFormation, DynamoDB, Lambda and Step Functions; made from them."""

import re

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded_aws.tests.support import flawed_requests
from embedded_aws.tests.support.steps import INVALID

CHECKED = {
    "backup": ".*",
    "dynamodb": ".*Backup.*|RestoreTable.*|UpdateTable|UpdateTimeToLive|ExportTable.*|ListExports",
    "lambda": ".*EventSourceMapping.*",
    "stepfunctions": "(Create|Update)StateMachine|.*MapRuns?",
    "cloudformation": "Detect.*Drift|.*StackResourceDrifts|.*DriftDetectionStatus",
}
NOT_IN_ENGINE = ("DetectStackSetDrift",)
COUNTS = {"backup": 201, "dynamodb": 239, "lambda": 141, "stepfunctions": 40, "cloudformation": 14}
CODES = ("ValidationException", "ValidationError")
MISSING = "MissingParameterValueException"
OWN_TEXTS = ("Invalid Backup ARN", "TableName must be at least 3 characters long and at most 255 characters long")


@pytest.fixture
def unchecking(client):
    """``unchecking("lambda")``: a client that sends whatever it is told to."""
    return lambda service: client(service, config=Config(parameter_validation=False))


def _operations(api):
    """The method and the input shape of each checked operation."""
    for method, name in api.meta.method_to_api_mapping.items():
        shape = api.meta.service_model.operation_model(name).input_shape
        if re.fullmatch(CHECKED[api.meta.service_model.service_name], name) and name not in NOT_IN_ENGINE and shape:
            yield getattr(api, method), shape


@pytest.mark.parametrize(("service", "count"), COUNTS.items())
def test_every_constraint_of_the_model_is_kept(unchecking, service, count):
    kinder, sent = [], 0
    for call, shape in _operations(unchecking(service)):
        for request, member in flawed_requests.flaws(shape):
            code, text = _answer(call, request)
            sent += 1
            place = f"{member[0].lower()}{member[1:]}' failed to satisfy constraint: "
            refused = code in CODES and (text in OWN_TEXTS or place in text)
            if not (code in (INVALID, MISSING) and member in text if service == "backup" else refused):
                kinder.append((call.__name__, member, str(request)[:200], code, text[:300]))
    assert kinder == []
    assert sent >= count


@pytest.mark.parametrize("service", [service for service in CHECKED if service != "backup"])
def test_what_the_model_allows_is_not_refused_as_invalid(unchecking, service):
    refused = []
    for call, shape in _operations(unchecking(service)):
        for request, member in flawed_requests.limits(shape):
            code, text = _answer(call, request)
            if "validation error" in text or code == "SerializationException":
                refused.append((call.__name__, member, str(request)[:200], code, text[:300]))
    assert refused == []


@pytest.mark.parametrize(
    ("service", "operation", "request_", "text"),
    [
        (
            "dynamodb",
            "create_backup",
            {"TableName": "some", "BackupName": ""},
            "2 validation errors detected: Value '' at 'backupName' failed to satisfy constraint: Member must satisfy "
            "regular expression pattern: [a-zA-Z0-9_.-]+; Value '' at 'backupName' failed to satisfy constraint: "
            "Member must have length greater than or equal to 3",
        ),
        (
            "dynamodb",
            "update_continuous_backups",
            {"TableName": "some", "PointInTimeRecoverySpecification": {}},
            "1 validation error detected: Value null at 'pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled' "
            "failed to satisfy constraint: Member must not be null",
        ),
        (
            "dynamodb",
            "update_continuous_backups",
            {
                "TableName": "some",
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False, "RecoveryPeriodInDays": 0},
            },
            "1 validation error detected: Value '0' at 'pointInTimeRecoverySpecification.recoveryPeriodInDays' failed "
            "to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (
            "dynamodb",
            "restore_table_from_backup",
            {"TargetTableName": "some", "BackupArn": "a" * 37, "GlobalSecondaryIndexOverride": [{}]},
            "3 validation errors detected: Value null at 'globalSecondaryIndexOverride.1.member.indexName' failed to "
            "satisfy constraint: Member must not be null; Value null at "
            "'globalSecondaryIndexOverride.1.member.keySchema' failed to satisfy constraint: Member must not be null; "
            "Value null at 'globalSecondaryIndexOverride.1.member.projection' failed to satisfy constraint: "
            "Member must not be null",
        ),
        (
            "dynamodb",
            "restore_table_from_backup",
            {"TargetTableName": "", "BackupArn": "a" * 37},
            "TableName must be at least 3 characters long and at most 255 characters long",
        ),
        ("dynamodb", "describe_backup", {"BackupArn": ""}, "Invalid Backup ARN"),
        (
            "dynamodb",
            "create_backup",
            {"TableName": "some", "BackupName": 1},
            "NUMBER_VALUE can not be converted to a String",
        ),
        (
            "lambda",
            "create_event_source_mapping",
            {"FunctionName": "some", "FunctionResponseTypes": ["All"], "BatchSize": 0},
            "2 validation errors detected: Value '0' at 'batchSize' failed to satisfy constraint: Member must have "
            "value greater than or equal to 1; Value '[All]' at 'functionResponseTypes' failed to satisfy constraint: "
            "Member must satisfy constraint: [Member must satisfy enum value set: [ReportBatchItemFailures]]",
        ),
        (
            "lambda",
            "create_event_source_mapping",
            {"FunctionName": "some", "Tags": {"k": "v" * 257}},
            f"1 validation error detected: Value '{{k={'v' * 257}}}' at 'tags' failed to satisfy constraint: Map value "
            "must satisfy constraint: [Member must have length less than or equal to 256, Member must have length "
            "greater than or equal to 0, Member must satisfy regular expression pattern: "
            r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)]",
        ),
        (
            "lambda",
            "update_event_source_mapping",
            {"UUID": "0" * 36, "MaximumRecordAgeInSeconds": 59},
            "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)",
        ),
        (
            "stepfunctions",
            "create_state_machine",
            {"name": "A" * 81, "definition": "{}", "roleArn": "arn"},
            f"1 validation error detected: Value '{'A' * 81}' at 'name' failed to satisfy constraint: Member must have "
            "length less than or equal to 80",
        ),
    ],
)
def test_refusals_have_the_form_recorded_on_aws(unchecking, service, operation, request_, text):
    assert _answer(getattr(unchecking(service), operation), request_)[1] == text


def test_a_missing_member_and_a_wrong_one_have_the_errors_that_aws_documents(unchecking):
    backup = unchecking("backup")
    start = {"BackupVaultName": "sample", "ResourceArn": "arn", "IamRoleArn": "arn"}
    missing = {name: value for name, value in start.items() if name != "IamRoleArn"}
    assert _answer(backup.start_backup_job, missing) == (MISSING, "IamRoleArn is required")
    text = "Invalid BackupVaultName '?'. Must satisfy the pattern ^[a-zA-Z0-9\\-\\_]{2,50}$"
    assert _answer(backup.start_backup_job, start | {"BackupVaultName": "?"}) == (INVALID, text)
    assert _answer(backup.list_backup_jobs, {"ByAccountId": "*"})[0] == ""


def _answer(call, request):
    try:
        return "", str(call(**request))
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
