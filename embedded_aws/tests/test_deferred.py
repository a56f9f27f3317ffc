"""Modules that run when they are first used."""

import importlib
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from embedded_aws.deferred import defer

CODE = """
import time
from later_log import runs
early = 1
runs.append(early)
time.sleep(0.05)
import later
late = later.early + 1
"""


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """How often the module ``later`` has run; it is deferred."""
    (tmp_path / "later.py").write_text(CODE)
    (tmp_path / "later_log.py").write_text("runs = []\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("later", "later_log"):
        monkeypatch.setitem(sys.modules, name, None)
        del sys.modules[name]
    defer("later")
    return importlib.import_module("later_log").runs


def test_an_import_does_not_run_it_and_all_threads_see_the_whole_module(runs):
    later = importlib.import_module("later")
    assert runs == []
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: later.late, range(4))) == [2] * 4
    assert runs == [1]
    with pytest.raises(AttributeError, match="module 'later' has no attribute 'missing'"):
        later.missing  # noqa: B018 (the attribute is what raises)


def test_a_module_that_is_missing_is_named():
    with pytest.raises(ValueError, match="no_such_module"):
        defer("no_such_module")


def test_cognito_signs_with_a_key_of_its_own(client, name):
    pool = client("cognito-idp").create_user_pool(PoolName=name)["UserPool"]
    assert client("cognito-idp").describe_user_pool(UserPoolId=pool["Id"])["UserPool"]["Name"] == name
    client("cognito-idp").delete_user_pool(UserPoolId=pool["Id"])
