"""An option that is given but empty, as an unset variable of a script makes it."""

import pytest

from chat.__main__ import main


@pytest.mark.parametrize(
    "argv",
    [
        ["export", "--conversation", ""],
        ["history", "jerry#tom", "--since", ""],
        ["history", "jerry#tom", "--until", ""],
        ["history", "jerry#tom", "--before", ""],
        ["conversations", "tom", "--before", ""],
        ["send", "--from", "Tom", "--to", "Jerry", "--at", "", "Hi"],
    ],
    ids=" ".join,
)
def test_an_empty_value_is_refused_before_aws_is_asked(argv, capsys, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert main([*argv, "--table", "Messages"]) in (1, 2)
    assert "'' is not a " in capsys.readouterr().err
