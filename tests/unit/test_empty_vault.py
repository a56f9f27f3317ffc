"""The physical id under which CloudFormation knows the resource that empties a vault."""

import pytest

from functions.empty_vault import on_event

CONSTANT = "BackupEmptyingProviderResource-emptying"


def answered(kind, vault, known=None, old=None):
    event = {
        "RequestType": kind,
        "LogicalResourceId": "BackupEmptyingProviderResource",
        "ResourceProperties": {"VaultName": vault},
    }
    if known:
        event["PhysicalResourceId"] = known
    if old:
        event["OldResourceProperties"] = {"VaultName": old}
    return on_event(event, None)["PhysicalResourceId"]


def test_a_new_resource_is_named_after_its_vault():
    assert answered("Create", "one") == "one-emptying"


@pytest.mark.parametrize("known", [CONSTANT, "one-emptying"])
def test_another_vault_is_another_resource(known):
    assert answered("Update", "two", known, old="one") == "two-emptying"


@pytest.mark.parametrize("known", [CONSTANT, "one-emptying"])
def test_an_update_of_the_same_vault_and_a_deletion_keep_the_id(known):
    """A new id would have CloudFormation delete the old one, and empty the vault in use."""
    assert answered("Update", "one", known, old="one") == known
    assert answered("Delete", "one", known) == known
