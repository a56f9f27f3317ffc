"""Standard streams that the caller has closed: one line, and nothing done."""

import sys

import pytest

from chat.__main__ import main

CLOSED = "error: standard output is closed, so nothing was done; to discard the output, use >/dev/null\n"


@pytest.mark.parametrize(
    "arguments",
    [["tables"], ["send", "--from", "a", "--to", "b", "x"], ["export", "FILE"], ["import", "--check", __file__]],
    ids=" ".join,
)
def test_a_closed_standard_output_is_said_before_anything_is_done(monkeypatch, capsys, arguments):
    def reached(*_, **__):
        raise AssertionError("nothing may be asked for")

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", reached)
    monkeypatch.setattr(sys, "stdout", None)
    assert main(arguments) == 1
    assert capsys.readouterr().err == CLOSED


@pytest.mark.parametrize(
    "arguments",
    [["import", "--check", "-"], ["put", "-", "--table", "T-1"], ["send", "--from", "a", "--to", "b", "-"]],
    ids=" ".join,
)
def test_a_closed_standard_input_is_said(monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, "stdin", None)
    assert main(arguments) == 1
    assert capsys.readouterr() == ("", "error: standard input is closed, so - has nothing to read\n")
