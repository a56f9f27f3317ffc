"""What a stage's settings may be, and the error when one is wrong."""

import json

import pytest

from ops.backup import RETAINED_DAYS
from stacks.setting_fields import _ON_DEMAND_BACKUP_DAYS, SettingsError, shown
from stacks.settings import Settings, settings_from_context
from tests.conftest import PROJECT

COMMITTED = json.loads((PROJECT / "cdk.json").read_text())["context"]
COPIES = {"stage": "prod", "region": "eu-west-1", "copy_region": "eu-central-1"}
REPLICAS = {"region": "eu-west-1", "replica_regions": ("eu-central-1", "us-east-1")}
GOVERNANCE = {"vault_lock": "governance"}
POOL = "eu-west-1_Ab1cD2eF3"


def retaining(daily, monthly):
    return {"daily_backup_retention_days": daily, "monthly_backup_retention_days": monthly}


COMPLIANCE = retaining(35, 365) | {
    "stage": "prod",
    "vault_lock": "compliance",
    "vault_lock_confirmed": "Messages-prod for 365 days",
}


def context(*, stage="dev", stages=None, **plain):
    return {"stages": {"dev": {}} if stages is None else stages, "stage": stage, **plain}


@pytest.mark.parametrize(
    ("settings", "rule"),
    [
        ({"stage": "a" * 32}, "a lower-case letter, then up to 30"),
        ({"table_name": "ab"}, "3 to 255"),
        ({"region": "Frankfurt"}, "an AWS region"),
        ({"billing_mode": "free"}, "on_demand, provisioned"),
        ({"pitr_days": 36}, "between 0 and 35"),
        ({"daily_backup_retention_days": 36501}, "between 0 and 36500"),
        ({"backups_on_destroy": "burn"}, "keep or delete"),
        ({"backup_time": "24:00"}, "HH:MM from 00:00 to 23:59"),
        ({"time_zone": "Mars/Olympus"}, "IANA"),
        ({"time_zone": "Factory"}, "IANA"),
        ({"read_capacity": 5}, "no effect with billing_mode on_demand"),
        ({"max_read_units": 0}, "between 1 and"),
        ({"customer_key": True}, "needs the setting 'region'"),
        ({"seed_dataset": "messages.json"}, "a file named *.jsonl or *.jsonl.gz, s3://bucket/key, or s3://"),
        ({"seed_dataset": "no-such-file.jsonl"}, "there is no such file in"),
        ({"seed_dataset": "s3://bucket/a*"}, "s3://bucket/key of one object, or s3://bucket/prefix/ of an export"),
        ({"tags": {"Messages:stack": "y"}}, "not starting with aws: or messages:"),
        ({"tags": {"k": "a\nb"}}, "up to 256"),
        ({"tags": {"Team": "a", "team": "b"}}, "two keys that differ only in case"),
        ({"vault_lock": "Governance"}, "must be governance or compliance, or empty"),
        ({"vault_lock_confirmed": "x"}, "no effect unless vault_lock is compliance"),
        ({"alarm_email": "team@example.org"}, "has no effect without the setting 'alarms'"),
        ({"alarm_email": "team"}, "one address such as team@example.org"),
        ({"user_pool_id": POOL + "\n"}, "the id of a user pool such as eu-west-1_Ab1cD2eF3"),
        ({"billing_mode": "provisioned", "max_write_units": 10}, "no effect with billing_mode provisioned"),
        ({"billing_mode": "provisioned", "max_read_capacity": 4}, "at least the minimum, 5"),
        (retaining(7, 3), "must be 0 or at least the daily retention, 7"),
        ({"user_pool_id": POOL, "region": "eu-west-2"}, "pool in the stage's region, eu-west-2"),
        (COPIES | {"region": None}, "needs the setting 'region'"),
        (COPIES | {"copy_region": "eu-west-1"}, "must be another region"),
        (COPIES | {"backups_on_destroy": "delete"}, "cannot be delete"),
        (COPIES | retaining(0, 0), "needs a daily"),
        (COPIES | {"copy_retention_days": 0}, "between 1 and"),
        (COPIES | {"copy_region": "", "copy_retention_days": 9}, "no effect without copy_region"),
        (COPIES | {"stage": "s" * 31}, "too long by 9: give the stage a name of at most 22"),
        (COPIES | GOVERNANCE | retaining(7, 35) | {"copy_retention_days": 1}, "between 2 and"),
        (REPLICAS | {"region": None}, "needs the setting 'region'"),
        (REPLICAS | {"region": "us-east-1"}, "must be AWS regions"),
        (REPLICAS | {"replica_regions": ("Frankfurt",)}, "must be AWS regions"),
        (REPLICAS | {"replica_regions": ("us-east-1", "us-east-1")}, "each once"),
        (REPLICAS | {"customer_key": True}, "cannot be used with customer_key"),
        (GOVERNANCE | {"backups_on_destroy": "delete"}, "cannot be delete"),
        (GOVERNANCE | retaining(0, 0), "needs a daily or a monthly backup"),
        (GOVERNANCE | retaining(7, 30), "allows only backups kept for 7 to 30 days"),
        (GOVERNANCE | retaining(60, 90), "keeps 35 days; change daily_"),
        (COMPLIANCE | {"vault_lock_grace_days": 2}, "between 3 and"),
        (COMPLIANCE | {"vault_lock_confirmed": "messages-prod for 365 days"}, "you pay for each backup for up to 365"),
        (COMPLIANCE | {"vault_lock_confirmed": ""}, "'Messages-prod for 365 days' with vault_lock compliance: 7 days"),
        (COMPLIANCE | COPIES | {"copy_retention_days": 400}, "'Messages-prod for 400 days'"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_one_line_with_its_value_rule_and_remedy(settings, rule):
    with pytest.raises(SettingsError) as caught:
        Settings(**settings)
    text = str(caught.value)
    name = text.split("'")[1]
    assert f" is {shown(settings.get(name, ''))}; " in text
    assert rule in text
    assert f"-c {name}=..." in text
    assert len(text) < 450
    assert "\n" not in text


def test_the_lock_includes_what_the_backup_command_keeps():
    assert RETAINED_DAYS == _ON_DEMAND_BACKUP_DAYS
    Settings(**GOVERNANCE | retaining(7, 35))


def test_the_command_line_overrides_the_stages_block_and_another_stage_is_like_dev_with_its_own_table():
    stages = {"dev": {"pitr_days": 2, "table_name": "Chat"}, "prod": {"pitr_days": 35.0, "retain_table": True}}
    prod = settings_from_context(context(stage="prod", stages=stages))
    assert (prod.pitr_days, prod.retain_table, prod.table_name) == (35, True, "Messages-prod")
    override = settings_from_context(context(stage="prod", stages=stages, pitr_days="3"))
    assert (override.pitr_days, override.retain_table) == (3, True)
    unlisted = settings_from_context(context(stage="pr-12", stages=stages))
    assert (unlisted.pitr_days, unlisted.table_name) == (2, "Messages-pr-12")


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("retain_table", "true", True),
        ("read_capacity", "7", 7),
        ("tags", '{"team": "chat"}', {"team": "chat"}),
        ("time_zone", "Europe/Berlin", "Europe/Berlin"),
        ("replica_regions", " eu-central-1 , us-east-1 ", ("eu-central-1", "us-east-1")),
        ("replica_regions", "", ()),
        ("replica_regions", ["us-east-1"], ("us-east-1",)),
    ],
)
def test_text_from_the_command_line_takes_the_settings_type(key, text, value):
    plain = {key: text, "billing_mode": "provisioned"}
    if key == "replica_regions":
        plain["region"] = "eu-west-1"
    assert getattr(settings_from_context(context(**plain)), key) == value


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("pitr_days", "many", "a whole number"),
        ("pitr_days", 1.5, "a whole number"),
        ("pitr_days", "9" * 5000, "a whole number"),
        ("retain_table", "yes", "true or false"),
        ("table_name", 5, "text"),
        ("tags", '{"a": "1", "a": "2"}', "an object of strings or its JSON, such as"),
        ("tags", {"team": 5}, "an object of strings or its JSON"),
        ("replica_regions", 5, "a list of strings"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(key, value, rule):
    with pytest.raises(SettingsError) as caught:
        settings_from_context(context(**{key: value}))
    assert f"setting {key!r} is {shown(value)}; must be {rule}" in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "run this app through the CDK CLI"),
        (context(stages=[1]), "context.stages is [1]; it must be an object"),
        (context(stage="prod", stages={"prod": None}), "context.stages.prod is None; it must be an object"),
        (context(pitr_day="1"), "unknown setting 'pitr_day' in the context (cdk.json, -c or ~/.cdk.json); did you"),
        (context(stages={"dev": {"zzz": 1}}), "unknown setting 'zzz' in cdk.json under context.stages.dev; known are"),
    ],
)
def test_a_context_that_has_no_settings_is_refused(given, said):
    with pytest.raises(SettingsError) as caught:
        settings_from_context(given)
    assert said in str(caught.value)


def test_keys_of_the_cdk_are_not_settings():
    own = {"aws:cdk:enable-path-metadata": True, "@aws-cdk/core:x": True, "availability-zones:account=1": []}
    stored = {"cli-telemetry": False, "acknowledged-issue-numbers": [1]}
    assert settings_from_context({**context(), **own, **stored}) == Settings()


@pytest.mark.parametrize("stage", [*COMMITTED["stages"], "pr-7"])
def test_a_committed_stage_is_valid_and_must_ask_for_what_costs_or_cannot_be_undone(stage):
    settings = settings_from_context({**COMMITTED, "stage": stage})
    assert (settings.vault_lock, settings.copy_region, settings.replica_regions) == ("", "", ())


def test_prod_switches_an_option_on_with_one_line():
    """Besides its region, which every option about regions needs."""
    for line in (
        GOVERNANCE,
        {"copy_region": "eu-central-1"},
        {"replica_regions": ["eu-central-1"]},
        {"billing_mode": "provisioned"},
    ):
        prod = COMMITTED["stages"]["prod"] | {"region": "eu-west-1"} | line
        settings_from_context(COMMITTED | {"stages": {"prod": prod}, "stage": "prod"})


def test_a_stage_under_the_limits_of_pull_requests_has_no_restore_tests():
    limits = json.loads((PROJECT / "stacks/pipeline/preview-context.json").read_text())
    refused = "restore_testing' is true; must be false under MessagesPreviewLimits, .* -c restore_testing=false"
    with pytest.raises(SettingsError, match=refused):
        settings_from_context(context(stage="pr-7", restore_testing="true", **limits))
    assert not settings_from_context(context(stage="pr-7", **limits)).restore_testing
    assert settings_from_context(context(stage="pr-7", restore_testing="true")).restore_testing
