"""What a stage's settings may be, and what a person reads when one is wrong."""

import json

import pytest

from stacks.context import settings_from_context
from stacks.settings import Settings, SettingsError, shown
from tests.conftest import PROJECT


def context(*, stage="dev", stages=None, **plain):
    return {"stages": {"dev": {}} if stages is None else stages, "stage": stage, **plain}


def problem(**settings):
    with pytest.raises(SettingsError) as caught:
        Settings(**settings)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize(
    ("stage", "table"), [("dev", "Messages"), ("prod", "Messages-prod"), ("pr-7", "Messages-pr-7")]
)
def test_the_default_table_name_is_the_stages_own(stage, table):
    assert Settings(stage=stage).table_name == table


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("stage", "Prod", "a lower-case letter"),
        ("stage", "a" * 32, "up to 30"),
        ("stage", "", "a lower-case letter"),
        ("table_name", "ab", "3 to 255"),
        ("table_name", "a b c", "3 to 255"),
        ("region", "Frankfurt", "an AWS region"),
        ("billing_mode", "free", "on_demand, provisioned"),
        ("pitr_days", 36, "between 0 and 35"),
        ("pitr_days", -1, "between 0 and 35"),
        ("daily_backup_retention_days", 36501, "between 0 and 36500"),
        ("monthly_backup_retention_days", 3, "at least the daily retention, 7"),
        ("backups_on_destroy", "burn", "keep or delete"),
        ("backup_time", "24:00", "00:00 to 23:59"),
        ("backup_time", "5:00", "HH:MM"),
        ("time_zone", "Mars/Olympus", "IANA"),
        ("read_capacity", 5, "no effect with billing_mode on_demand"),
        ("max_read_units", 0, "between 1 and"),
        ("customer_key", True, "needs the setting 'region'"),
        ("seed_dataset", "messages.json", "a file named *.jsonl or *.jsonl.gz, or s3://bucket/key"),
        ("seed_dataset", "no-such-file.jsonl", "there is no such file in"),
        ("seed_dataset", "seed/.jsonl", "there is no such file in"),
        ("seed_dataset", "s3://bucket", "s3://bucket/key of one object"),
        ("seed_dataset", "s3://Bucket/key", "s3://bucket/key of one object"),
        ("seed_dataset", "s3://bucket/a*", "s3://bucket/key of one object"),
        ("seed_dataset", "s3://bucket/a key", "s3://bucket/key of one object"),
        ("tags", {"aws:x": "y"}, "not starting with aws:"),
        ("tags", {"Messages:stack": "y"}, "messages:"),
        ("tags", {"k": "v" * 257}, "up to 256"),
        ("tags", {"k": "v" * 200 + "%"}, "up to 256"),
        ("tags", {"k": "a\nb"}, "up to 256"),
        ("tags", {"Team": "a", "team": "b"}, "a key twice"),
        ("tags", {f"k{n}": "" for n in range(41)}, "at most 40"),
        ("region", "eu-west-١", "an AWS region"),
        ("backup_time", "0٣:05", "HH:MM"),
        ("time_zone", "Factory", "IANA"),
        ("pitr_days", 10**80, "between 0 and 35"),
    ],
)
def test_a_wrong_value_is_named_with_rule_and_remedy(name, value, rule):
    text = problem(**{name: value})
    assert f"setting {name!r} is {shown(value)}; " in text
    assert len(text) < 400
    assert rule in text
    assert f"-c {name}=..." in text


def test_settings_of_the_other_billing_mode_are_refused():
    assert "no effect with billing_mode provisioned" in problem(billing_mode="provisioned", max_write_units=10)


def test_scaling_needs_room_above_the_minimum():
    assert "at least the minimum, 5" in problem(billing_mode="provisioned", max_read_capacity=4)


def test_settings_cannot_be_changed():
    with pytest.raises(AttributeError):
        Settings().pitr_days = 3  # type: ignore[misc]


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
    ],
)
def test_text_from_the_command_line_takes_the_settings_type(key, text, value):
    plain = {key: text, "billing_mode": "provisioned"}
    assert getattr(settings_from_context(context(**plain)), key) == value


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("pitr_days", "many", "a whole number"),
        ("pitr_days", True, "a whole number"),
        ("pitr_days", 1.5, "a whole number"),
        ("pitr_days", None, "a whole number"),
        ("retain_table", "yes", "true or false"),
        ("retain_table", 1, "true or false"),
        ("table_name", 5, "text"),
        ("pitr_days", "--5", "a whole number"),
        ("pitr_days", "9" * 5000, "a whole number"),
        ("tags", "[" * 100_000, "JSON"),
        ("tags", '{"a": "1", "a": "2"}', "JSON"),
        ("tags", "team=chat", "JSON"),
        ("tags", {"team": 5}, "an object of texts"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(key, value, rule):
    with pytest.raises(SettingsError) as caught:
        settings_from_context(context(**{key: value}))
    assert f"setting {key!r} is {shown(value)}; must be {rule}" in str(caught.value)


@pytest.mark.parametrize(
    ("stage", "stages", "where"),
    [
        ("dev", [1], "context.stages is [1]"),
        ("dev", "x", "context.stages is 'x'"),
        ("prod", {"prod": None}, "context.stages.prod is None"),
        ("pr-1", {"dev": [1]}, "context.stages.dev is [1]"),
    ],
)
def test_stages_that_are_no_objects_are_refused(stage, stages, where):
    with pytest.raises(SettingsError) as caught:
        settings_from_context(context(stage=stage, stages=stages))
    assert f"{where}; it must be an object" in str(caught.value)


def test_an_unknown_key_is_refused_with_the_nearest_one():
    with pytest.raises(SettingsError, match=r"unknown setting 'pitr_day'.*did you mean 'pitr_days'"):
        settings_from_context(context(pitr_day="1"))
    with pytest.raises(SettingsError, match=r"unknown setting 'zzz' in cdk.json under .*stages.dev"):
        settings_from_context(context(stages={"dev": {"zzz": 1}}))


def test_keys_of_the_cdk_are_none_of_ours():
    own = {
        "aws:cdk:enable-path-metadata": True,
        "@aws-cdk/core:x": True,
        "cli-telemetry": False,
        "availability-zones:account=1": [],
        "acknowledged-issue-numbers": [1],
    }
    assert settings_from_context({**context(), **own}) == Settings()


def test_without_the_cli_the_way_out_is_named():
    with pytest.raises(SettingsError, match="through the CDK CLI"):
        settings_from_context({})


def test_the_stages_of_cdk_json_are_valid():
    committed = json.loads((PROJECT / "cdk.json").read_text())["context"]
    for stage in committed["stages"]:
        settings_from_context({**committed, "stage": stage})


def test_the_capacity_of_the_seed_systems_is_one_line():
    settings = settings_from_context(context(billing_mode="provisioned"))
    assert (settings.billing_mode, settings.read_capacity) == ("provisioned", None)
    explicit = settings_from_context(
        context(stages={"dev": {"billing_mode": "provisioned", "read_capacity": 5, "write_capacity": 5}})
    )
    assert (explicit.read_capacity, explicit.write_capacity) == (5, 5)


def test_a_stage_under_the_limits_of_pull_requests_has_no_restore_tests():
    limits = json.loads((PROJECT / "stacks/pipeline/preview-context.json").read_text())
    with pytest.raises(SettingsError) as caught:
        settings_from_context(context(stage="pr-7", restore_testing="true", **limits))
    assert str(caught.value) == (
        "setting 'restore_testing' is true; must be false under MessagesPreviewLimits, because "
        "restore tests share their tables' names with other stages. Set it to false in cdk.json "
        "under context.stages.pr-7, or with -c restore_testing=false"
    )
    assert not settings_from_context(context(stage="pr-7", **limits)).restore_testing
    assert settings_from_context(context(stage="pr-7", restore_testing="true")).restore_testing
