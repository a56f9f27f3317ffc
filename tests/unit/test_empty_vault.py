"""The resource that empties a vault: its physical id, and a vault to which a backup job still writes."""

from unittest.mock import Mock

import pytest

from functions.empty_vault import is_complete, on_event

CONSTANT = "BackupEmptyingProviderResource-emptying"


def answered(kind, vault, known=None, old=None):
    event = {"RequestType": kind, "ResourceProperties": {"VaultName": vault}, "PhysicalResourceId": known}
    if old:
        event["OldResourceProperties"] = {"VaultName": old}
    return on_event(event, None)["PhysicalResourceId"]


@pytest.mark.parametrize("known", [CONSTANT, "one-emptying"])
def test_a_resource_is_named_after_its_vault_and_keeps_its_id_until_there_is_another(known):
    """A new id would have CloudFormation delete the old one, and empty the vault in use."""
    assert answered("Create", "one") == "one-emptying"
    assert answered("Update", "two", known, old="one") == "two-emptying"
    assert answered("Update", "one", known, old="one") == known
    assert answered("Delete", "one", known) == known


def test_a_vault_without_recovery_points_waits_for_a_backup_job_however_long_it_takes(monkeypatch):
    pages = {"list_recovery_points_by_backup_vault": {"RecoveryPoints": []}, "list_backup_jobs": {"BackupJobs": [{}]}}
    backup = Mock()
    backup.list_tags.return_value = {"Tags": {"messages:emptying-since": "0"}}
    backup.get_paginator.side_effect = lambda name: Mock(**{"paginate.return_value": [pages[name]]})
    monkeypatch.setattr("boto3.client", lambda *_, **__: backup)
    monkeypatch.setenv("VAULT_NAME", "another")
    event = {"RequestType": "Delete", "ResourceProperties": {"VaultName": "one", "VaultArn": "arn"}}
    context = Mock(**{"get_remaining_time_in_millis.return_value": 60_000})
    assert is_complete(event, context) == {"IsComplete": False}
