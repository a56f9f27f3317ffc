"""Every command, option, make target and file that docs/seed-systems.md names exists."""

import re
import shlex

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
SPANS = sorted(set(re.findall(r"`([^`\n]+)`", PAGE)))
COMMANDS = [span for span in SPANS if span.split()[0] in PROGRAMS and " " in span]
TARGETS = sorted(set(re.findall(r"`make ([a-z-]+)", PAGE)))
FILES = [span for span in SPANS if re.fullmatch(r"[\w.-]+(/[\w.-]+)*/[\w-]+\.\w+", span)]


def test_the_page_has_a_table_for_each_project_and_one_for_their_defects():
    rows = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| ")]
    assert [row[0] for row in rows if row[1] == "here"] == ["it did", "it did", "it did", "defect"]
    assert {len(row) for row in rows} == {2}
    assert len(COMMANDS) > 20


@pytest.mark.parametrize("span", COMMANDS)
def test_every_command_that_is_named_exists(span, capsys):
    words = shlex.split(span)
    command = words[1:2] if not words[1].startswith("-") else []
    with pytest.raises(SystemExit) as ended:
        PROGRAMS[words[0]]([*command, "--help"])
    printed = capsys.readouterr()
    assert ended.value.code == 0, printed.err
    options = [word for word in words if re.fullmatch(r"--\w.*", word)]
    assert [option for option in options if not re.search(rf"{option}(?![\w-])", printed.out)] == []


@pytest.mark.parametrize("target", TARGETS)
def test_every_make_target_that_is_named_exists(target):
    assert re.search(rf"^{target}:|\.PHONY:.* {target}\b", MAKEFILE, re.MULTILINE)


@pytest.mark.parametrize("file", FILES)
def test_every_file_that_is_named_exists(file):
    assert (PROJECT / file).exists()
