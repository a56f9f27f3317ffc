"""What the documents tell people to type is valid: make targets, commands, their options, and a seed."""

import argparse
import importlib
import re
import shlex
import sys

import pytest

from chat.__main__ import parser as chat
from local.__main__ import _parser as local
from ops.__main__ import parser as ops
from seed.templates import load_items
from tests.conftest import PROJECT

PATHS = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *PROJECT.glob("docs/*.md")]
DOCUMENTS = {str(path.relative_to(PROJECT)): path.read_text() for path in PATHS}
MAKEFILE = (PROJECT / "Makefile").read_text()
PARSERS = {"chat": chat, "local": local, "ops": ops}
TIME = "2026-01-01T09:00:00.000Z"
# Options of the CDK CLI.
OF_OTHERS = {"--force", "--import-existing-resources", "--no-rollback", "--require-approval", "--revert-drift"}


def code(text: str) -> list[str]:
    """The commands in the blocks and between the backquotes of a document."""
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    lines = [re.sub(r"\s+#.*", "", line) for line in blocks.splitlines()]
    inline = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    # What follows is another command, or the file that its output goes to.
    commands = [part for line in [*lines, *inline] for part in re.split(r" (?:&&|[|>]) ", line)]
    given = [re.sub("<[^>]*>", "x", part).replace("TIME#", f"{TIME}#") for part in commands]
    return [re.sub(r"\s+", " ", command).strip() for command in given]


COMMANDS = sorted({command for text in DOCUMENTS.values() for command in code(text)})
MAKE = [command for command in COMMANDS if command.startswith("make ")]
PYTHON = [command for command in COMMANDS if re.match(r"python3? -m [\w.]+", command)]


class Accepted(BaseException):
    """The command line was parsed; nothing was run."""


@pytest.fixture
def parse_only(monkeypatch):
    """A program ends where it has parsed its arguments."""
    parse = argparse.ArgumentParser.parse_args

    def parse_args(self, args=None, namespace=None):
        parse(self, args, namespace)
        raise Accepted

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_args)


def options(parser: argparse.ArgumentParser) -> set[str]:
    """The options of a program and of all its commands."""
    found = set()
    for action in parser._actions:
        found |= set(action.option_strings)
        if isinstance(action, argparse._SubParsersAction):
            found |= set().union(*map(options, action.choices.values()))
    return found


def test_the_documents_have_commands():
    assert len(MAKE) > 20
    assert len(PYTHON) > 40


@pytest.mark.parametrize("command", MAKE)
def test_a_make_target_and_its_variables_exist(command):
    target, *words = shlex.split(command)[1:]
    assert re.search(rf"^{target}:|^\.PHONY:.* {target}\b", MAKEFILE, re.M)
    for name in [word.split("=")[0] for word in words]:
        assert f"$({name})" in MAKEFILE


@pytest.mark.parametrize("command", PYTHON)
@pytest.mark.usefixtures("parse_only")
def test_a_command_takes_its_arguments(command, monkeypatch):
    module, *arguments = shlex.split(command)[2:]
    if module in PARSERS:
        # Where a sentence only names the command, it has no arguments.
        named = [*arguments, "--help"] if len(arguments) < 2 else arguments
        with pytest.raises((Accepted, SystemExit)) as ended:
            PARSERS[module]().parse_args(named)
        assert ended.type is Accepted or ended.value.code == 0
    elif not module.startswith("tests."):
        monkeypatch.setattr(sys, "argv", [module, *arguments])
        program = f"{module}.__main__" if (PROJECT / module).is_dir() else module
        with pytest.raises(Accepted):
            importlib.import_module(program).main()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_an_option_that_is_named_exists(name):
    ours = options(chat()) | options(ops()) | options(local()) | OF_OTHERS
    named = {
        option
        for command in code(DOCUMENTS[name])
        if not re.match(r"(aws|gh|python3? -m|curl) ", command)
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", command)
    }
    assert named - ours == set()


@pytest.mark.parametrize(
    "command", [command for command in COMMANDS if re.match(r"(chat|ops|seed|local) [a-z]", command)]
)
def test_a_command_in_its_short_form_exists(command):
    program, name, *_ = command.split()
    assert program == "seed" or name in _commands(PARSERS[program]())


def _commands(parser: argparse.ArgumentParser) -> set[str]:
    subparsers = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return {name for action in subparsers for name in action.choices}


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_every_file_that_is_linked_or_named_exists(path):
    linked = re.findall(r"\]\(([\w./-]+?)(?:#[\w-]+)?\)", path.read_text())
    assert [link for link in linked if not (path.parent / link).exists()] == []
    spans = re.findall(r"`([^`\n]+)`", path.read_text())
    named = {span for span in spans if re.fullmatch(r"(\w+/)+\w+\.(py|md|yaml|guard)", span)}
    assert [name for name in sorted(named) if not (PROJECT / name).exists()] == []


def test_the_example_of_a_seed_is_valid(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", DOCUMENTS["README.md"], re.DOTALL)
    file = tmp_path / "messages.yaml"
    file.write_text(example)
    assert [item["Body"] for item in load_items(file)] == ["Hey Jerry, are you free?", "Yes, Tom.", "{} are braces"]
