"""The marks on what the documents say about AWS: every link leads somewhere, every check on an account has a command.

docs/README.md explains the marks. Whether a page of AWS's still says what is claimed, no test here can tell.
"""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import PROJECT

ACCOUNT = PROJECT / "docs/on-aws.md"
COUNTED = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted(PROJECT.glob("docs/*.md"))]
PAGES = [*COUNTED, *sorted(PROJECT.glob("embedded_aws/*.md"))]
WORDS = 12_400  # of README.md, CONTRIBUTING.md and docs/ together


@cache
def prose(page: Path) -> str:
    """The text of a page without blocks of code, and without what is between backquotes outside of a link's text."""
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)


def links(page: Path) -> list[tuple[str, str]]:
    """The text and the target of each link."""
    text = prose(page)
    defined = dict(re.findall(r"^\[([^\]]+)\]: (\S+)$", text, re.M))
    inline = re.findall(r"\[([^\]]+)\]\(([^)\s]+)\)", text)
    return inline + [(shown, defined[name]) for shown, name in re.findall(r"\[([^\]]+)\]\[([^\]]+)\]", text)]


@cache
def anchors(page: Path) -> set[str]:
    """What a link to a part of the page can name: its headings, as GitHub writes them, and the ids in it."""
    headings = [re.sub(r"[^\w\- ]", "", line).strip() for line in re.findall(r"^#+ (.+)$", prose(page), re.M)]
    return {one.lower().replace(" ", "-") for one in headings} | set(re.findall(r'<a id="([^"]+)">', prose(page)))


ALL = [(page, text, target) for page in PAGES for text, target in links(page)]


@pytest.mark.parametrize(
    ("page", "target"),
    sorted({(page, target) for page, _, target in ALL}),
    ids=lambda value: getattr(value, "name", value),
)
def test_a_link_leads_somewhere(page, target):
    if "://" in target:
        assert re.fullmatch(r"https://[a-z0-9.-]+\.[a-z]+(/[\w.~@/-]*)?(#[\w.-]+)?", target)
        return
    name, _, part = target.partition("#")
    there = (page.parent / name).resolve() if name else page
    assert there.exists()
    assert not part or part in anchors(there)


def test_marks_lead_to_their_own_page():
    marked = {mark: {target for _, text, target in ALL if text == mark} for mark in ("account", "graded")}
    assert len(marked["account"]) > 10
    assert all(re.fullmatch(r"(?:docs/)?on-aws\.md#[a-z-]+", target) for target in marked["account"])
    assert marked["graded"] == {"../embedded_aws/README.md#grades"}


ROWS = re.findall(r"^\* (.*)$", ACCOUNT.read_text(), re.M)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[:40])
def test_each_check_on_an_account_has_an_id_a_question_and_a_command(row):
    assert re.fullmatch(r'<a id="[a-z-]+"></a>[^`?]*(?:`[^`]+`[^`?]*)*\? .*`(?:make|aws|python) [^`]+`.*', row)


def test_ids_are_unique():
    ids = re.findall(r'<a id="([^"]+)">', ACCOUNT.read_text())
    assert len(ids) == len(set(ids)) == len(ROWS)


def test_the_documents_stay_short():
    assert sum(len(page.read_text().split()) for page in COUNTED) <= WORDS
