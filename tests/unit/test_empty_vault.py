"""The physical id under which CloudFormation knows the resource that empties a vault."""

import pytest

from functions.empty_vault import on_event

CONSTANT = "BackupEmptyingProviderResource-emptying"


@pytest.mark.parametrize(
    ("kind", "vault", "known", "old", "physical_id"),
    [
        ("Create", "one", None, None, "one-emptying"),
        # Another vault is another resource.
        ("Update", "two", CONSTANT, "one", "two-emptying"),
        ("Update", "two", "one-emptying", "one", "two-emptying"),
        # A new id would have CloudFormation delete the old one, and empty the vault in use.
        ("Update", "one", CONSTANT, "one", CONSTANT),
        ("Delete", "one", CONSTANT, None, CONSTANT),
    ],
)
def test_only_another_vault_is_another_resource(kind, vault, known, old, physical_id):
    event = {
        "RequestType": kind,
        "LogicalResourceId": "BackupEmptyingProviderResource",
        "ResourceProperties": {"VaultName": vault},
        **({"PhysicalResourceId": known} if known else {}),
        **({"OldResourceProperties": {"VaultName": old}} if old else {}),
    }
    assert on_event(event, None)["PhysicalResourceId"] == physical_id
