"""Requests that each break one constraint of botocore's model of AWS Backup; all are made from the model."""

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded_aws.tests.support.flawed_requests import flaws
from embedded_aws.tests.support.steps import INVALID

MISSING = "MissingParameterValueException"


@pytest.fixture(scope="module")
def unchecking(client):
    """AWS Backup, whose client sends whatever it is told to."""
    return client("backup", config=Config(parameter_validation=False))


def test_every_constraint_of_the_model_is_kept(unchecking):
    model, kinder, count = unchecking.meta.service_model, [], 0
    for method, api in unchecking.meta.method_to_api_mapping.items():
        shape = model.operation_model(api).input_shape
        for request, member in flaws(shape) if shape else ():
            code, text = _answer(getattr(unchecking, method), request)
            count += 1
            if code not in (INVALID, MISSING) or member not in text:
                kinder.append((api, member, str(request)[:200], code, text))
    assert kinder == []
    assert count > 200


def test_a_missing_member_and_a_wrong_one_have_the_errors_that_aws_documents(unchecking):
    start = {"BackupVaultName": "sample", "ResourceArn": "arn", "IamRoleArn": "arn"}
    missing = {name: value for name, value in start.items() if name != "IamRoleArn"}
    assert _answer(unchecking.start_backup_job, missing) == (MISSING, "IamRoleArn is required")
    text = "Invalid BackupVaultName '?'. Must satisfy the pattern ^[a-zA-Z0-9\\-\\_]{2,50}$"
    assert _answer(unchecking.start_backup_job, start | {"BackupVaultName": "?"}) == (INVALID, text)
    assert _answer(unchecking.list_backup_jobs, {"ByAccountId": "*"})[0] == ""


def _answer(call, request):
    try:
        return "", str(call(**request))
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
