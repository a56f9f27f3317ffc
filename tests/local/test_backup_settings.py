"""Durations and faults of the embedded AWS can be set."""

import json
import ssl
import urllib.error
import urllib.request

import pytest

from embedded_aws.process import running


def _post(aws, path, body=None):
    request = urllib.request.Request(f"{aws.endpoint}/_ministack/{path}", data=json.dumps(body).encode(), method="POST")
    trusting = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=aws.ca_file))
    with urllib.request.build_opener(urllib.request.ProxyHandler({}), trusting).open(request, timeout=60) as reply:
        return json.load(reply)


def test_the_environment_sets_a_duration_and_a_wrong_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("LOCAL_AWS_BACKUP_JOB_SECONDS", "7")
    with running(tmp_path) as own:
        answer = _post(own, "config", {"additions.backup_job_seconds": 3})
        assert answer["before"] == {"additions.backup_job_seconds": 7.0}
        for name, value, text in (
            ("job_seconds", 1, "'job_seconds' is not one of backup_job_seconds, "),
            ("backup_job_seconds", -1, "'backup_job_seconds' must be 0 or more, got -1"),
            ("backup_job_seconds", "nan", "'backup_job_seconds' must be 0 or more, got nan"),
            ("backup_job_seconds", "soon", "'soon'"),
        ):
            with pytest.raises(urllib.error.HTTPError) as caught:
                _post(own, "config", {f"additions.{name}": value})
            assert (caught.value.code, text in json.load(caught.value)["error"]) == (400, True)
