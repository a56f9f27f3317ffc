"""``scan`` and ``tables`` against scripted pages: every item once, and a limit."""

import json

import pytest

from chat.__main__ import main

# Segment n of 5 has four pages, of n to n + 3 items.
PAGES = [[[{"id": {"S": f"{s}-{p}-{n}"}} for n in range(s + p)] for p in range(4)] for s in range(5)]


@pytest.fixture
def respond(monkeypatch):
    """``respond(function)``: what every request gets; the function takes the operation and the request."""
    for name, value in {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(name, value)
    call = "botocore.client.BaseClient._make_api_call"
    return lambda function: monkeypatch.setattr(call, lambda _, *asked: function(*asked))


def page(_operation, request):
    number = int(request["ExclusiveStartKey"]["page"]) if "ExclusiveStartKey" in request else 0
    more = {"LastEvaluatedKey": {"page": number + 1}} if number < 3 else {}
    return {"Items": PAGES[request["Segment"]][number][: request.get("Limit")], **more}


@pytest.mark.parametrize("limit", [None, 1, 13, 69])
def test_every_item_comes_once_and_a_limit_is_exact(respond, capsys, limit):
    respond(page)
    options = ["--limit", str(limit)] if limit else []
    assert main(["scan", "--table", "T-1", "--json", "--segments", "5", *options]) == 0
    found = [json.loads(line)["id"]["S"] for line in capsys.readouterr().out.splitlines()]
    total = sum(len(items) for segment in PAGES for items in segment)
    assert len(found) == len({*found}) == (limit or total)


def test_the_tables_of_every_page_are_listed(respond, capsys):
    def names(_operation, request):
        if "ExclusiveStartTableName" in request:
            return {"TableNames": ["c"]}
        return {"TableNames": ["a", "b"], "LastEvaluatedTableName": "b"}

    respond(names)
    assert main(["tables"]) == 0
    assert capsys.readouterr().out == "a\nb\nc\n"
    assert main(["tables", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == ["a", "b", "c"]
