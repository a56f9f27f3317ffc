"""The server's own checks."""

import importlib.metadata

import pytest

from embedded_aws import server


def test_another_engine_version_is_refused_in_one_line(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "9.9.9")
    with pytest.raises(SystemExit, match=r"^error: ministack 9\.9\.9 is installed, .* Run `make setup`, .*$"):
        server.check_engine_version()
