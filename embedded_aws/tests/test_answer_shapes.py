"""The check of answers against botocore's models, which the other tests' clients carry."""

import json

import botocore.session
import pytest

from embedded_aws.tests.support.engine import clients_of
from embedded_aws.tests.support.shapes import faults

POINT = {"RecoveryPointArn": "arn", "Status": "COMPLETED", "BackupSizeInBytes": 1, "IsEncrypted": True}


@pytest.fixture(scope="module")
def found():
    """``found(operation, body)``: the faults of an answer of AWS Backup."""
    model = botocore.session.get_session().get_service_model("backup")

    def check(operation, body, status=200, headers=()):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = {"status_code": status, "headers": dict(headers), "body": content}
        return faults(model.operation_model(operation), answer)

    return check


def test_an_answer_of_the_models_shape_passes(found):
    assert found("DescribeRecoveryPoint", POINT | {"CreationDate": 1.5, "EncryptionKeyArn": None}) == []
    assert found("DeleteRecoveryPoint", b"") == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"Colour": "red"}, "has no member Colour"),
        ({"Status": "DONE"}, "Status must be one of COMPLETED"),
        ({"BackupSizeInBytes": "1"}, "BackupSizeInBytes must be a long, got '1'"),
        ({"BackupSizeInBytes": True}, "BackupSizeInBytes must be a long, got True"),
        ({"CreationDate": "2026-01-01"}, "CreationDate must be a timestamp"),
        ({"Lifecycle": {"DeleteAfterWeeks": 1}}, "Lifecycle has no member DeleteAfterWeeks"),
    ],
)
def test_each_difference_from_the_model_is_named(found, change, fault):
    (only,) = found("DescribeRecoveryPoint", POINT | change)
    assert only.startswith("DescribeRecoveryPoint")
    assert fault in only


def test_a_missing_required_member_is_named(found):
    (only,) = found("GetRestoreTestingPlan", {})
    assert only == "GetRestoreTestingPlan lacks RestoreTestingPlan"


def test_elements_of_lists_are_checked(found):
    (only,) = found("ListRecoveryPointsByBackupVault", {"RecoveryPoints": [POINT, POINT | {"StorageClass": "WARM"}]})
    assert only == "ListRecoveryPointsByBackupVault.RecoveryPoints[1] has no member StorageClass"


def test_an_error_that_the_operation_does_not_have_is_named(found):
    error = {"headers": [("x-amzn-errortype", "AlreadyExistsException")], "status": 400}
    assert found("CreateBackupVault", {"message": "taken"}, **error) == []
    (only,) = found("DeleteBackupVault", {"message": "taken"}, **error)
    assert only == "DeleteBackupVault has no error AlreadyExistsException"


def test_the_clients_of_tests_carry_the_check(aws):
    backup = clients_of(aws)("backup")
    backup.meta.events.register_first("before-parse", lambda response_dict, **_: response_dict.update(body=b'{"A": 1}'))
    with pytest.raises(AssertionError, match="ListBackupVaults has no member A"):
        backup.list_backup_vaults()
