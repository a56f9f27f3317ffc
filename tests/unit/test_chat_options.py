"""Values of options: numbers, and those that an unset variable of a script makes empty."""

import argparse

import pytest

from chat.__main__ import main
from chat.options import MOST, count


@pytest.mark.parametrize(("text", "number"), [("1", 1), ("007", 7), (str(MOST), MOST)])
def test_a_number_of_things(text, number):
    assert count(text) == number


@pytest.mark.parametrize("text", ["0", "-1", "", "x", "1_0", "١", " 1", "1.0", str(MOST + 1), "9" * 20, "9" * 5000])
def test_what_is_no_number_of_things(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is not a number of 1 or more, up to"):
        count(text)


@pytest.mark.parametrize(
    "argv",
    [
        ["history", "a#b", "--limit"],
        ["conversations", "a", "--limit"],
        ["follow", "a#b", "--last"],
        ["scan", "--limit"],
    ],
    ids=" ".join,
)
def test_the_largest_number_goes_as_far_as_the_request(argv, capsys, monkeypatch):
    asked = []

    def answer(_client, _operation, request):
        asked.append(request)
        raise KeyboardInterrupt

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", answer)
    for name, value in {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv(name, value)
    arguments = [*argv, str(MOST), "--table", "Messages"]
    assert main([*arguments, "--json"]) in (0, 130)
    assert asked[0]["Limit"] <= MOST
    with pytest.raises(SystemExit, match="2"):
        main([*argv, str(MOST + 1)])
    assert "is not a number of 1 or more, up to 2147483647" in capsys.readouterr().err


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


@pytest.mark.parametrize(
    "argv",
    [
        ["send", "--from", "a", "--to", "b", "--at", "yesterday", "x"],
        ["send", "--from", "a#", "--to", "b", "x"],
        ["send", "--from", "a", "--to", "", "x"],
        ["send", "--from", "a", "--to", "b", "x" * 1025],
        ["send", "--from", "a", "--to", "b", " "],
        ["edit", "a#b", "abcd", "x" * 1025],
        ["edit", "a", "abcd", "x"],
        ["edit", "a#b", "abc", "x"],
        ["delete", "a#b", "yesterday#abcd"],
        ["get", "a#a", "abcd"],
        ["history", "a#b#c"],
        ["history", "a#b", "--since", "2026-13-01"],
        ["history", "a#b", "--until", "2026-01-01T09:00"],
        ["history", "a#b", "--before", "x#y"],
        ["follow", "a# "],
        ["conversations", "a#b"],
        ["conversations", "a", "--before", "x"],
        ["export", "--conversation", "a"],
        ["reindex", "a#b", "a"],
        ["reindex", "a#b", "--all"],
        ["scan", "--table", "x"],
        ["put", "{"],
        ["put", '{"pk": "a", "sk": "b"}', "--if-unchanged", "[]"],
    ],
    ids=" ".join,
)
def test_what_the_arguments_alone_show_to_be_wrong_is_status_2_and_nothing_is_asked(argv, capsys, monkeypatch):
    """In whatever account, and without any."""

    def ask(*_):
        pytest.fail("a request")

    monkeypatch.setattr("botocore.client.BaseClient._make_api_call", ask)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    try:
        status = main(argv)
    except SystemExit as ended:  # argparse
        status = ended.code
    said = capsys.readouterr()
    assert (status, said.out) == (2, "")
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
