"""Logical ids are a contract: under another one CloudFormation makes another resource.

What the old one holds is then lost, or left behind where nobody looks.
"""

import pytest

from tests.stacks.templates import stack

EVERYTHING = {"customer_key": True, "region": "eu-west-1", "alarms": True}


@pytest.mark.parametrize(
    ("logical_id", "kind", "lost"),
    [
        ("MessagesTable9E4E97A0", "AWS::DynamoDB::GlobalTable",
         "every message: the old table is deleted, or left behind unused where it is retained"),
        ("BackupVaultADF21B19", "AWS::Backup::BackupVault",
         "sight of every backup: the old vault is left behind, and no plan expires it"),
        ("BackupRole4CD139C5", "AWS::IAM::Role",
         "expiry: points that were made as the old role turn EXPIRED and stay billed"),
        ("StageKey97AE122F", "AWS::KMS::Key",
         "access to table and backups, which are encrypted with the old key"),
        ("SeedC76DC678", "Custom::MessageSeed",
         "the memory of what the seed wrote: a new seed rewrites nothing and removes nothing"),
        ("ConversationsFailures2C98D521", "AWS::SQS::Queue",
         "the records in the failure queue"),
    ],
)  # fmt: skip
def test_what_would_be_lost_under_another_logical_id(logical_id, kind, lost):
    found = stack(**EVERYTHING).find_resources(kind)
    assert logical_id in found, f"{kind} is now {sorted(found)}: a deployed stack loses {lost}"


def test_every_logical_id_can_be_read():
    """It says the constructs on the way to the resource; the hash makes it unique."""
    for name in stack(**EVERYTHING).to_json()["Resources"]:
        assert len(name) <= 80, name
