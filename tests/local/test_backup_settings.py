"""Durations and faults of the embedded AWS can be set, and a reset forgets everything else."""

import json
import ssl
import urllib.error
import urllib.request

import pytest

from embedded_aws.tests.support.engine import endpoint, session
from local.process import running


@pytest.fixture
def own(tmp_path, monkeypatch):
    """An embedded AWS of this test alone, started with a setting in its environment."""
    monkeypatch.setenv("LOCAL_AWS_BACKUP_JOB_SECONDS", "7")
    with running(tmp_path) as started:
        yield started


def _post(aws, path, body=None):
    request = urllib.request.Request(f"{aws.endpoint}/_ministack/{path}", data=json.dumps(body).encode(), method="POST")
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=aws.ca_file)),
    )
    with opener.open(request, timeout=10) as reply:
        return json.load(reply)


def test_the_environment_sets_a_duration_and_a_reset_forgets_the_rest(own):
    answer = _post(own, "config", {"additions.backup_job_seconds": 3})
    assert answer["before"] == {"additions.backup_job_seconds": 7.0}

    backup = session().client("backup", **endpoint(own))
    usual = backup.describe_region_settings()["ResourceTypeManagementPreference"]
    backup.update_region_settings(ResourceTypeManagementPreference={"DynamoDB": False})
    backup.create_backup_vault(BackupVaultName="vault")
    _post(own, "reset")
    assert backup.list_backup_vaults()["BackupVaultList"] == []
    assert backup.describe_region_settings()["ResourceTypeManagementPreference"] == usual


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("job_seconds", 1, "'job_seconds' is not one of backup_job_seconds, "),
        ("backup_job_seconds", -1, "'backup_job_seconds' must be 0 or more, got -1"),
        ("backup_job_seconds", "nan", "'backup_job_seconds' must be 0 or more, got nan"),
        ("backup_job_seconds", "soon", "'soon'"),
    ],
)
def test_a_wrong_setting_is_refused(aws, name, value, text):
    with pytest.raises(urllib.error.HTTPError) as caught:
        _post(aws, "config", {f"additions.{name}": value})
    assert caught.value.code == 400
    assert text in json.load(caught.value)["error"]
