"""Every test, command and file that docs/seed-systems.md names exists."""

import ast
import re
import shlex
from functools import cache

import pytest

import chat.__main__
import local.__main__
import ops.__main__
import seed.__main__
from tests.conftest import PROJECT

PAGE = (PROJECT / "docs/seed-systems.md").read_text()
MAKEFILE = (PROJECT / "Makefile").read_text()
PROGRAMS = {
    "chat": chat.__main__.main,
    "ops": ops.__main__.main,
    "seed": seed.__main__.main,
    "local": local.__main__.main,
}
_REFERENCE = r"`tests/[\w/]+\.py::\w+`"
_TESTS = re.compile(rf"{_REFERENCE}(?:, {_REFERENCE})*|none: \S.*")

SPANS = sorted(set(re.findall(r"`([^`\n]+)`", PAGE)))
ROWS = [re.split(r" \| ", line.strip("| ")) for line in PAGE.splitlines() if line.startswith("| ")]
REFERENCES = [span.split("::") for span in SPANS if "::" in span]
COMMANDS = [span for span in SPANS if span.split()[0] in PROGRAMS and " " in span]
OPTIONS = [span for span in SPANS if span.startswith("--")]
TARGETS = sorted(set(re.findall(r"`make ([a-z-]+)", PAGE)))
FILES = [span for span in SPANS if re.fullmatch(r"[\w.-]+(/[\w.-]+)*/[\w-]+\.\w+", span)]


@cache
def defined_in(file: str) -> set[str]:
    """The names of the functions that a file defines where pytest looks: in itself, in classes."""
    body = ast.parse((PROJECT / file).read_text()).body
    classes = [node for node in body if isinstance(node, ast.ClassDef)]
    members = [*body, *(member for each in classes for member in each.body)]
    return {node.name for node in members if isinstance(node, ast.FunctionDef)}


@pytest.fixture
def helped(capsys):
    """``helped("chat", "send")``: what --help of a command says; it must be one."""

    def read(program, *command):
        with pytest.raises(SystemExit) as ended:
            PROGRAMS[program]([*command, "--help"])
        printed = capsys.readouterr()
        assert ended.value.code == 0, printed.err
        return printed.out

    return read


def command_of(span: str) -> tuple[list[str], list[str]]:
    """Program and subcommand, and the options that follow."""
    words = shlex.split(span)
    options = [word for word in words if re.fullmatch(r"--\w.*", word)]
    return words[:1] if words[1].startswith("-") else words[:2], options


def takes(text: str, option: str) -> bool:
    return bool(re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text))


def test_the_page_has_a_table_for_each_original_and_one_for_their_defects():
    headers = [row for row in ROWS if row[0] in ("capability of the original", "of the originals")]
    assert [len(row) for row in headers] == [3, 3, 3, 3]
    assert len(ROWS) > 100
    assert len(REFERENCES) > 100


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_a_row_names_its_tests_or_says_why_there_is_none(row):
    _, _, tests = row
    assert tests == "test" or _TESTS.fullmatch(tests)


@pytest.mark.parametrize(("file", "test"), REFERENCES)
def test_every_test_that_is_named_exists(file, test):
    assert test.startswith("test_")
    assert test in defined_in(file)


@pytest.mark.parametrize("span", COMMANDS)
def test_every_command_that_is_named_exists(helped, span):
    command, options = command_of(span)
    text = helped(*command)
    assert [option for option in options if not takes(text, option)] == []


def test_every_option_that_is_named_belongs_to_a_command_of_the_page(helped):
    texts = [helped(*command) for command in {tuple(command_of(span)[0]) for span in COMMANDS}]
    assert [option for option in OPTIONS if not any(takes(t, option) for t in texts)] == []


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_that_is_named_exists(target):
    assert re.search(rf"^{target}:|\.PHONY:.* {target}\b", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("file", FILES)
def test_every_file_that_is_named_exists(file):
    assert (PROJECT / file).exists()
