"""What a stage's settings may be, and the error when one is wrong."""

import json

import pytest

from ops.backup import RETAINED, retention_days
from stacks.setting_fields import _ON_DEMAND_BACKUP_DAYS, SettingsError, shown
from stacks.settings import Settings, settings_from_context
from tests.conftest import PROJECT

COMMITTED = json.loads((PROJECT / "cdk.json").read_text())["context"]
COPIES = {"stage": "prod", "region": "eu-west-1", "copy_region": "eu-central-1"}
REPLICAS = {"region": "eu-west-1", "replica_regions": ("eu-central-1", "us-east-1")}
LOCK = {"stage": "prod", "daily_backup_retention_days": 35, "monthly_backup_retention_days": 365}
COMPLIANCE = LOCK | {"vault_lock": "compliance", "vault_lock_confirmed": "Messages-prod for 365 days"}
NO_BACKUPS = {"daily_backup_retention_days": 0, "monthly_backup_retention_days": 0}
POOL = "eu-west-1_Ab1cD2eF3"


def context(*, stage="dev", stages=None, **plain):
    return {"stages": {"dev": {}} if stages is None else stages, "stage": stage, **plain}


def problem(**settings):
    with pytest.raises(SettingsError) as caught:
        Settings(**settings)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("stage", "Prod", "a lower-case letter"),
        ("stage", "a" * 32, "up to 30"),
        ("stage", "", "a lower-case letter"),
        ("table_name", "ab", "3 to 255"),
        ("table_name", "a b c", "3 to 255"),
        ("region", "Frankfurt", "an AWS region"),
        ("region", "eu-west-١", "an AWS region"),
        ("billing_mode", "free", "on_demand, provisioned"),
        ("pitr_days", 36, "between 0 and 35"),
        ("pitr_days", -1, "between 0 and 35"),
        ("pitr_days", 10**80, "between 0 and 35"),
        ("daily_backup_retention_days", 36501, "between 0 and 36500"),
        ("backups_on_destroy", "burn", "keep or delete"),
        ("backup_time", "24:00", "00:00 to 23:59"),
        ("backup_time", "5:00", "HH:MM"),
        ("time_zone", "Mars/Olympus", "IANA"),
        ("read_capacity", 5, "no effect with billing_mode on_demand"),
        ("max_read_units", 0, "between 1 and"),
        ("customer_key", True, "needs the setting 'region'"),
        ("seed_dataset", "messages.json", "a file named *.jsonl or *.jsonl.gz, or s3://bucket/key"),
        ("seed_dataset", "no-such-file.jsonl", "there is no such file in"),
        ("seed_dataset", "s3://bucket", "s3://bucket/key of one object"),
        ("seed_dataset", "s3://Bucket/key", "s3://bucket/key of one object"),
        ("seed_dataset", "s3://bucket/a*", "s3://bucket/key of one object"),
        ("tags", {"aws:x": "y"}, "not starting with aws:"),
        ("tags", {"Messages:stack": "y"}, "messages:"),
        ("tags", {"k": "v" * 257}, "up to 256"),
        ("tags", {"k": "a\nb"}, "up to 256"),
        ("tags", {"Team": "a", "team": "b"}, "two keys that differ only in case"),
        ("vault_lock", "Governance", "must be governance or compliance, or empty"),
        ("vault_lock_confirmed", "x", "no effect unless vault_lock is compliance"),
        ("vault_lock_grace_days", 5, "no effect unless vault_lock is compliance"),
        ("alarm_email", "team@example.org", "has no effect without the setting 'alarms'"),
        ("alarm_email", "team", "one address such as team@example.org"),
        ("user_pool_id", "eu-west-1", "the id of a user pool such as eu-west-1_Ab1cD2eF3"),
        ("user_pool_id", POOL + "\n", "the id of a user pool"),
        ("user_pool_id", "eu-west-1_é", "the id of a user pool"),
        ("user_pool_id", "eu-west-1_" + "a" * 46, "the id of a user pool"),
    ],
)
def test_a_wrong_value_is_named_with_rule_and_remedy(name, value, rule):
    text = problem(**{name: value})
    assert f"setting {name!r} is {shown(value)}; " in text
    assert rule in text
    assert f"-c {name}=..." in text
    assert len(text) < 400


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"billing_mode": "provisioned", "max_write_units": 10}, "no effect with billing_mode provisioned"),
        ({"billing_mode": "provisioned", "max_read_capacity": 4}, "at least the minimum, 5"),
        (
            {"daily_backup_retention_days": 7, "monthly_backup_retention_days": 3},
            "must be 0 or at least the daily retention, 7",
        ),
        ({"user_pool_id": POOL, "region": "eu-west-2"}, "pool in the stage's region, eu-west-2"),
        (COPIES | {"region": None}, "needs the setting 'region'"),
        (COPIES | {"copy_region": "eu-west-1"}, "must be another region"),
        (COPIES | {"copy_region": "Frankfurt"}, "an AWS region"),
        (COPIES | {"backups_on_destroy": "delete"}, "cannot be delete"),
        (COPIES | NO_BACKUPS, "needs a daily"),
        (COPIES | {"copy_retention_days": 0}, "between 1 and"),
        (COPIES | {"copy_region": "", "copy_retention_days": 9}, "no effect without copy_region"),
        (COPIES | {"stage": "s" * 31}, "too long by 9: give the stage a name of at most 22"),
        (
            COPIES | {"vault_lock": "governance", "monthly_backup_retention_days": 35, "copy_retention_days": 1},
            "between 2 and",
        ),
        (REPLICAS | {"region": None}, "needs the setting 'region'"),
        (REPLICAS | {"region": "us-east-1"}, "must not contain the stage's own region"),
        (REPLICAS | {"replica_regions": ("Frankfurt",)}, "must be AWS regions"),
        (REPLICAS | {"replica_regions": ("us-east-1", "us-east-1")}, "a region twice"),
        (REPLICAS | {"customer_key": True}, "cannot be used with customer_key"),
        ({"vault_lock": "governance", "backups_on_destroy": "delete"}, "cannot be delete"),
        ({"vault_lock": "governance"} | NO_BACKUPS, "needs a daily or a monthly backup"),
        (
            {"vault_lock": "governance", "daily_backup_retention_days": 7, "monthly_backup_retention_days": 30},
            "allows only backups kept for 7 to 30 days",
        ),
        (
            {"vault_lock": "governance", "daily_backup_retention_days": 60, "monthly_backup_retention_days": 90},
            "keeps 35 days; change daily_",
        ),
        (LOCK | {"vault_lock": "governance", "vault_lock_confirmed": "x"}, "no effect unless vault_lock is compliance"),
        (COMPLIANCE | {"vault_lock_grace_days": 2}, "between 3 and"),
        (COMPLIANCE | {"vault_lock_confirmed": ""}, "must be exactly 'Messages-prod for 365 days' with"),
        (COMPLIANCE | {"vault_lock_confirmed": "messages-prod for 365 days"}, "you pay for each backup for up to 365"),
        (COMPLIANCE | {"vault_lock_confirmed": " Messages-prod for 365 days"}, "7 days after the deployment no one"),
        (COMPLIANCE | {"monthly_backup_retention_days": 3650}, "'Messages-prod for 3650 days'"),
        (COMPLIANCE | COPIES | {"copy_retention_days": 400}, "'Messages-prod for 400 days'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_settings_that_exclude_each_other_are_refused(settings, said):
    assert said in problem(**settings)


def test_the_lock_includes_what_the_backup_command_keeps():
    assert retention_days(RETAINED) == _ON_DEMAND_BACKUP_DAYS
    Settings(vault_lock="governance", daily_backup_retention_days=7, monthly_backup_retention_days=35)


def test_the_stages_block_applies_and_the_command_line_overrides_it():
    stages = {"dev": {}, "prod": {"pitr_days": 35.0, "retain_table": True}}
    prod = settings_from_context(context(stage="prod", stages=stages))
    assert (prod.pitr_days, prod.retain_table, prod.table_name) == (35, True, "Messages-prod")
    override = settings_from_context(context(stage="prod", stages=stages, pitr_days="3"))
    assert (override.pitr_days, override.retain_table) == (3, True)


def test_a_stage_that_is_not_listed_is_like_dev_under_its_own_table_name():
    stages = {"dev": {"pitr_days": 2, "table_name": "Chat"}}
    settings = settings_from_context(context(stage="pr-12", stages=stages))
    assert (settings.pitr_days, settings.table_name) == (2, "Messages-pr-12")


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("retain_table", "true", True),
        ("retain_table", "False", False),
        ("read_capacity", "7", 7),
        ("tags", '{"team": "chat"}', {"team": "chat"}),
        ("time_zone", "Europe/Berlin", "Europe/Berlin"),
        ("user_pool_id", "us-gov-west-1_a", "us-gov-west-1_a"),
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
        ("pitr_days", True, "a whole number"),
        ("pitr_days", 1.5, "a whole number"),
        ("pitr_days", None, "a whole number"),
        ("pitr_days", "9" * 5000, "a whole number"),
        ("retain_table", "yes", "true or false"),
        ("retain_table", 1, "true or false"),
        ("table_name", 5, "text"),
        ("tags", '{"a": "1", "a": "2"}', "an object of texts or its JSON, such as"),
        ("tags", "team=chat", "an object of texts or its JSON"),
        ("tags", {"team": 5}, "an object of texts or its JSON"),
        ("replica_regions", 5, "a list of texts"),
        ("replica_regions", [["us-east-1"]], "a list of texts"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(key, value, rule):
    with pytest.raises(SettingsError) as caught:
        settings_from_context(context(**{key: value}))
    assert f"setting {key!r} is {shown(value)}; must be {rule}" in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"stages": [1]}, "context.stages is [1]; it must be an object"),
        ({"stage": "prod", "stages": {"prod": None}}, "context.stages.prod is None; it must be an object"),
        ({"stage": "pr-1", "stages": {"dev": [1]}}, "context.stages.dev is [1]; it must be an object"),
        ({"pitr_day": "1"}, "unknown setting 'pitr_day' in the context (cdk.json, -c or ~/.cdk.json); did you mean"),
        ({"stages": {"dev": {"zzz": 1}}}, "unknown setting 'zzz' in cdk.json under context.stages.dev; known are"),
    ],
)
def test_a_context_that_has_no_settings_is_refused(given, said):
    with pytest.raises(SettingsError) as caught:
        settings_from_context(context(**given))
    assert said in str(caught.value)


def test_without_the_cdk_cli_the_error_names_it():
    with pytest.raises(SettingsError, match="through the CDK CLI"):
        settings_from_context({})


def test_keys_of_the_cdk_are_not_settings():
    own = {
        "aws:cdk:enable-path-metadata": True,
        "@aws-cdk/core:x": True,
        "cli-telemetry": False,
        "availability-zones:account=1": [],
        "acknowledged-issue-numbers": [1],
    }
    assert settings_from_context({**context(), **own}) == Settings()


@pytest.mark.parametrize("stage", [*COMMITTED["stages"], "pr-7"])
def test_a_committed_stage_is_valid_and_must_ask_for_what_costs_or_cannot_be_undone(stage):
    settings = settings_from_context({**COMMITTED, "stage": stage})
    assert (settings.vault_lock, settings.copy_region, settings.replica_regions) == ("", "", ())


@pytest.mark.parametrize(
    "line",
    [
        {"vault_lock": "governance"},
        {"copy_region": "eu-central-1"},
        {"replica_regions": ["eu-central-1"]},
        {"billing_mode": "provisioned"},
    ],
)
def test_prod_switches_an_option_on_with_one_line(line):
    """Besides its region, which every option about regions needs."""
    prod = COMMITTED["stages"]["prod"] | {"region": "eu-west-1"} | line
    settings_from_context(COMMITTED | {"stages": {"prod": prod}, "stage": "prod"})


def test_a_stage_under_the_limits_of_pull_requests_has_no_restore_tests():
    limits = json.loads((PROJECT / "stacks/pipeline/preview-context.json").read_text())
    with pytest.raises(SettingsError) as caught:
        settings_from_context(context(stage="pr-7", restore_testing="true", **limits))
    assert str(caught.value) == (
        "setting 'restore_testing' is true; must be false under MessagesPreviewLimits, because "
        "tables of restore tests have the same name prefix in every stage. Set it to false in cdk.json "
        "under context.stages.pr-7, or with -c restore_testing=false"
    )
    assert not settings_from_context(context(stage="pr-7", **limits)).restore_testing
    assert settings_from_context(context(stage="pr-7", restore_testing="true")).restore_testing
