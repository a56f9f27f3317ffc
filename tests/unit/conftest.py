"""What keeps the unit tests Python alone."""

import socket
import subprocess

import pytest


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """Another process or a connection fails the test: its place is another tier."""

    def refused(*arguments, **_):
        pytest.fail(f"a unit test is Python alone: {arguments[1:2]}; move it to another tier")

    monkeypatch.setattr(subprocess.Popen, "__init__", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)
