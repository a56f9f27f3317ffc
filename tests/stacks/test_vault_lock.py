"""A vault lock: what it takes to ask for one, and what it makes of the vault."""

import re

import pytest

from ops.backup import RETAINED, retention_days
from stacks.backup_settings import ON_DEMAND_DAYS
from stacks.settings import Settings
from tests.support.templates import VAULT, only, stack
from tests.unit.test_settings import problem

PROD = {"stage": "prod", "daily_backup_retention_days": 35, "monthly_backup_retention_days": 365}
CONFIRMED = {"vault_lock": "compliance", "vault_lock_confirmed": "Messages-prod for 365 days"}


def lock(**settings):
    return only(stack(**settings), VAULT)["Properties"].get("LockConfiguration")


def test_there_is_none_unless_a_stage_says_so():
    assert lock() is None


def test_a_governance_lock_goes_from_the_shortest_to_the_longest_retention():
    assert lock(**PROD, vault_lock="governance") == {"MinRetentionDays": 35, "MaxRetentionDays": 365}


def test_one_retention_alone_leaves_room_for_itself_only():
    assert lock(vault_lock="governance", daily_backup_retention_days=35, monthly_backup_retention_days=0) == {
        "MinRetentionDays": 34,
        "MaxRetentionDays": 35,
    }


@pytest.mark.parametrize(("grace", "days"), [({}, 7), ({"vault_lock_grace_days": 3}, 3)])
def test_a_compliance_lock_is_changeable_for_some_days(grace, days):
    assert lock(**PROD, **CONFIRMED, **grace) == {
        "MinRetentionDays": 35,
        "MaxRetentionDays": 365,
        "ChangeableForDays": days,
    }


@pytest.mark.parametrize(
    "written",
    [
        "",
        "yes",
        "messages-prod for 365 days",
        "Messages-prod for 35 days",
        "Messages-dev for 365 days",
        " Messages-prod for 365 days",
    ],
)
def test_compliance_has_to_be_confirmed_word_for_word(written):
    text = problem(**PROD, vault_lock="compliance", vault_lock_confirmed=written)
    assert "it must be 'Messages-prod for 365 days', word for word" in text
    assert "7 days after the deployment nobody, not even AWS, can take the lock off" in text
    assert "which you pay for up to 365 days" in text


def test_what_was_confirmed_for_one_retention_does_not_hold_for_another():
    longer = PROD | {"monthly_backup_retention_days": 3650}
    assert "'Messages-prod for 3650 days'" in problem(**longer, **CONFIRMED)


def test_copies_kept_longer_are_part_of_what_is_confirmed():
    copies = {"region": "eu-west-1", "copy_region": "eu-central-1", "copy_retention_days": 400}
    assert "'Messages-prod for 400 days'" in problem(**PROD, **CONFIRMED, **copies)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"vault_lock": "Governance"}, "must be governance or compliance, or empty"),
        ({"vault_lock": "governance", "backups_on_destroy": "delete"}, "cannot be delete"),
        (
            {"vault_lock": "governance", "daily_backup_retention_days": 0, "monthly_backup_retention_days": 0},
            "needs a daily or a monthly backup",
        ),
        ({"vault_lock": "governance"}, "kept for 7 to 30 days only"),
        (
            {"vault_lock": "governance", "daily_backup_retention_days": 60, "monthly_backup_retention_days": 90},
            "kept for 60 to 90 days only",
        ),
        ({"vault_lock_confirmed": "x"}, "no effect unless vault_lock is compliance"),
        ({"vault_lock_grace_days": 5}, "no effect unless vault_lock is compliance"),
        (PROD | {"vault_lock": "governance", "vault_lock_confirmed": "x"}, "no effect unless vault_lock is compliance"),
        (PROD | CONFIRMED | {"vault_lock_grace_days": 2}, "between 3 and"),
        (PROD | CONFIRMED | {"vault_lock_grace_days": 0}, "between 3 and"),
    ],
)
def test_what_a_lock_excludes_is_an_error(settings, said):
    assert said in problem(**settings)


def test_the_bounds_are_held_against_what_the_backup_command_keeps():
    assert retention_days(RETAINED) == ON_DEMAND_DAYS
    said = problem(vault_lock="governance")
    assert re.search(r"`python -m ops backup` keeps its own 35 days, so set daily_", said)
    Settings(vault_lock="governance", monthly_backup_retention_days=35)
