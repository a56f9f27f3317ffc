"""Logical ids are a contract: under another one CloudFormation makes another resource.

What the old resource holds is then lost, or left behind unused. Where its name is fixed there
cannot be two: the deployment fails and rolls back. The names and keys of table and index, under
which CloudFormation makes another one as well, are in the snapshots, the
name of the copies' vault in test_backup_copies.py.
"""

import pytest

from tests.support.templates import KEYED, stack, stacks

EVERYTHING = KEYED | {"alarms": True}
HOME, COPIES = 0, 1
TABLE, VAULT, ROLE = "MessagesTable9E4E97A0", "BackupVaultADF21B19", "BackupRole4CD139C5"
SEED, QUEUE, KEY = "SeedC76DC678", "ConversationsFailures2C98D521", "StageKey97AE122F"


@pytest.mark.parametrize(
    ("which", "logical_id", "lost"),
    [
        (HOME, TABLE, "the deployment, as the name is taken; under another name every message"),
        (HOME, VAULT, "the deployment, as the name is taken; under another name every backup, which no plan expires"),
        (HOME, ROLE, "expiry: recovery points that the old role made turn EXPIRED and stay billed"),
        (HOME, "BackupPlan14914BEB", "the deployment, as the name is taken"),
        (HOME, KEY, "access to table and backups, which are encrypted with the old key"),
        (HOME, SEED, "what the seed wrote: a new seed rewrites nothing and removes nothing"),
        (HOME, QUEUE, "the records in the failure queue"),
        (HOME, "AlarmsTopic3A2DFEBA", "every subscription: each address has to confirm the new topic"),
        (COPIES, "Vault23237E5B", "the deployment, as the name is taken, until it is adopted or cleaned up"),
        (COPIES, KEY, "the deployment: a vault keeps its key, so another one fails for the vault's name"),
    ],
)
def test_what_would_be_lost_under_another_logical_id(which, logical_id, lost):
    assert logical_id in stacks(**EVERYTHING)[which].to_json()["Resources"], f"a deployed stack loses {lost}"


@pytest.mark.parametrize(
    "settings",
    [
        {"copy_region": "eu-central-1", "replica_regions": ("us-east-1", "eu-central-1"), "retain_table": True},
        {"monthly_backup_retention_days": 365, "vault_lock": "governance", "table_name": "Other"},
        {"billing_mode": "provisioned", "max_write_capacity": 50, "backups_on_destroy": "delete"},
    ],
    ids=str,
)
def test_no_setting_moves_what_holds_data_to_another_logical_id(settings):
    found = stack(region="eu-west-1", **settings).to_json()["Resources"]
    assert {TABLE, VAULT, ROLE, SEED, QUEUE} <= found.keys()
