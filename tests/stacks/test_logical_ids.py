"""Logical ids are a contract: under another one CloudFormation makes another resource.

What the old one holds is then lost, or left behind where nobody looks. Where its
name is fixed there cannot be two: the deployment fails and rolls back. The names
and keys of table and index, under which CloudFormation makes another one as well,
are held by test_stack.py and test_conversation_index.py, the name of the copies' vault by
test_backup_copies.py.
"""

import pytest

from tests.stacks.test_backup_copies import stacks
from tests.support.templates import stack

EVERYTHING = {"customer_key": True, "region": "eu-west-1", "alarms": True, "copy_region": "eu-central-1"}
HOME, COPIES = 0, 1
TABLE, VAULT, ROLE, SEED, QUEUE = (
    "MessagesTable9E4E97A0",
    "BackupVaultADF21B19",
    "BackupRole4CD139C5",
    "SeedC76DC678",
    "ConversationsFailures2C98D521",
)


@pytest.mark.parametrize(
    ("which", "logical_id", "kind", "lost"),
    [
        (
            HOME,
            TABLE,
            "AWS::DynamoDB::GlobalTable",
            "the deployment, because the name is taken, and under another name every message: the "
            "old table is deleted, or left behind unused where it is retained",
        ),
        (
            HOME,
            VAULT,
            "AWS::Backup::BackupVault",
            "the deployment, because the name is taken, and under another name sight of every "
            "backup: the old vault is left behind, and no plan expires it",
        ),
        (HOME, ROLE, "AWS::IAM::Role", "expiry: points that were made as the old role turn EXPIRED and stay billed"),
        (HOME, "BackupPlan14914BEB", "AWS::Backup::BackupPlan", "the deployment, because the name is taken"),
        (
            HOME,
            "StageKey97AE122F",
            "AWS::KMS::Key",
            "access to table and backups, which are encrypted with the old key",
        ),
        (
            HOME,
            SEED,
            "Custom::MessageSeed",
            "the memory of what the seed wrote: a new seed rewrites nothing and removes nothing",
        ),
        (HOME, QUEUE, "AWS::SQS::Queue", "the records in the failure queue"),
        (
            HOME,
            "AlarmsTopic3A2DFEBA",
            "AWS::SNS::Topic",
            "every subscription: whoever hears of alarms by mail has to confirm the new topic's",
        ),
        (
            COPIES,
            "Vault23237E5B",
            "AWS::Backup::BackupVault",
            "the deployment, because the name is taken; after a destroy the vault is still there, "
            "and --import-existing-resources adopts it, or a clean-up makes room",
        ),
        (
            COPIES,
            "StageKey97AE122F",
            "AWS::KMS::Key",
            "access to the copies, which are encrypted with the old key: a vault keeps the key that "
            "it was made with, so the deployment fails for the vault's name",
        ),
    ],
)
def test_what_would_be_lost_under_another_logical_id(which, logical_id, kind, lost):
    found = stacks(**EVERYTHING)[which].find_resources(kind)
    assert logical_id in found, f"{kind} is now {sorted(found)}: a deployed stack loses {lost}"


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"replica_regions": ("us-east-1", "eu-central-1")},
        {"copy_region": "eu-central-1"},
        {"monthly_backup_retention_days": 365, "vault_lock": "governance"},
        {"billing_mode": "provisioned", "max_read_capacity": 50, "max_write_capacity": 50},
        {"retain_table": True, "deletion_protection": True},
        {"backups_on_destroy": "delete"},
        {"table_name": "Other"},
    ],
    ids=str,
)
def test_no_setting_moves_what_holds_something_to_another_logical_id(settings):
    found = stack(region="eu-west-1", **settings).to_json()["Resources"]
    assert {TABLE, VAULT, ROLE, SEED, QUEUE} <= found.keys()


def test_every_logical_id_can_be_read():
    """It says the constructs on the way to the resource; the hash makes it unique."""
    for one in stacks(**EVERYTHING):
        for name in one.to_json()["Resources"]:
            assert len(name) <= 80, name
