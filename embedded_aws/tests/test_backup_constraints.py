"""Requests that each break one constraint of botocore's model of AWS Backup; all are made from the model."""

import datetime
import re

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded_aws.tests.support.steps import INVALID

MISSING = "MissingParameterValueException"
TEXTS = ("sample", "123456789012", "arn:aws:backup:us-east-1:123456789012:accesspoint/sample")
OTHERS = {"boolean": True, "timestamp": datetime.datetime(2026, 1, 1), "blob": b"a", "double": 1.0}


def sample(shape):
    """The smallest value that the model allows."""
    kind, limits = shape.type_name, shape.metadata
    if kind == "structure":
        return {name: sample(shape.members[name]) for name in shape.required_members}
    if kind == "list":
        return [sample(shape.member)]
    if kind == "map":
        return {"key": sample(shape.value)}
    if kind == "string":
        return next(text for text in (*shape.enum, *TEXTS) if re.fullmatch(limits.get("pattern", ".*"), text))
    return OTHERS.get(kind, limits.get("min", 1))


def flaws(shape, seen=()):
    """Values with one flaw each, and the name of the member that has it (None: the value itself)."""
    kind, limits = shape.type_name, shape.metadata
    if kind == "structure" and shape.name not in seen:
        whole = sample(shape)
        for name, member in shape.members.items():
            if name in shape.required_members and member.serialization.get("location") != "uri":
                yield {key: value for key, value in whole.items() if key != name}, name
            for value, inner in flaws(member, (*seen, shape.name)):
                yield whole | {name: value}, inner or name
    elif kind == "list":
        yield from (([value], inner) for value, inner in flaws(shape.member, seen))
        yield from ((sample(shape) * count, None) for count in _outside(limits))
    elif kind == "map":
        yield from (({"key": value}, inner) for value, inner in flaws(shape.value, seen))
        yield from (({f"{n}": sample(shape.value) for n in range(count)}, None) for count in _outside(limits))
    elif kind == "string":
        yield from ((" ", None) for name in ("pattern", "enum") if name in limits)
        yield from (("a" * size, None) for size in _outside(limits) if size)
    elif kind in ("integer", "long"):
        yield from ((number, None) for number in _outside(limits, least=-1))


def _outside(limits, least=0):
    low, high = limits.get("min"), limits.get("max")
    return [n for n in (low is not None and low - 1, high and high + 1) if n not in (None, False) and n >= least]


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
