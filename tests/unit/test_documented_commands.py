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
MAKEFILE = (PROJECT / "Makefile").read_text()
PARSERS = {"chat": chat(), "local": local(), "ops": ops()}
# Options of the CDK CLI.
OF_OTHERS = {"--force", "--import-existing-resources", "--no-rollback", "--require-approval", "--revert-drift"}


def code(text: str) -> list[str]:
    """The commands in the blocks and between the backquotes of a document."""
    blocks = "\n".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    lines = [re.sub(r"\s+#.*", "", line) for line in blocks.splitlines()]
    inline = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    # What follows is another command, or the file that its output goes to.
    commands = [part for line in [*lines, *inline] for part in re.split(r" (?:&&|[|>]) ", line)]
    given = [re.sub("<[^>]*>", "x", part).replace("TIME#", "2026-01-01T09:00:00.000Z#") for part in commands]
    return [re.sub(r"\s+", " ", command).strip() for command in given]


COMMANDS = sorted({command for path in PATHS for command in code(path.read_text())})
MAKE = [command for command in COMMANDS if command.startswith("make ")]
PYTHON = [command for command in COMMANDS if re.match(r"python3? -m [\w.]+", command)]
SHORT = [command for command in COMMANDS if re.match(r"(chat|ops|local) [a-z]", command)]


class Accepted(BaseException):
    """The command line was parsed; nothing was run."""


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    subparsers = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return {name: command for action in subparsers for name, command in action.choices.items()}


def options(parser: argparse.ArgumentParser) -> set[str]:
    """The options of a program and of all its commands."""
    own = {option for action in parser._actions for option in action.option_strings}
    return own.union(*map(options, commands(parser).values()))


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
def test_a_command_takes_its_arguments(command, monkeypatch):
    module, *arguments = shlex.split(command)[2:]
    if module in PARSERS:
        # Where a sentence only names the command, it has no arguments.
        if len(arguments) < 2:
            with pytest.raises(SystemExit) as ended:
                PARSERS[module].parse_args([*arguments, "--help"])
            assert ended.value.code == 0
        else:
            PARSERS[module].parse_args(arguments)
    elif not module.startswith("tests."):
        parse = argparse.ArgumentParser.parse_args

        def parse_args(self, args=None, namespace=None):
            parse(self, args, namespace)
            raise Accepted

        monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_args)
        monkeypatch.setattr(sys, "argv", [module, *arguments])
        with pytest.raises(Accepted):
            importlib.import_module(f"{module}.__main__" if (PROJECT / module).is_dir() else module).main()


@pytest.mark.parametrize("command", SHORT)
def test_a_command_in_its_short_form_exists(command):
    program, name, *_ = command.split()
    assert name in commands(PARSERS[program])


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_every_option_and_file_that_is_named_exists(path):
    text = path.read_text()
    others = re.compile(r"(aws|gh|python3? -m|curl) ")
    own = [command for command in code(text) if not others.match(command)]
    found = {option for command in own for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", command)}
    assert found - OF_OTHERS - set().union(*map(options, PARSERS.values())) == set()

    linked = re.findall(r"\]\(([\w./-]+?)(?:#[\w-]+)?\)", text)
    assert [link for link in linked if not (path.parent / link).exists()] == []
    named = {span for span in re.findall(r"`([^`\n]+)`", text) if re.fullmatch(r"(\w+/)+\w+\.(py|md|yaml|guard)", span)}
    assert [name for name in sorted(named) if not (PROJECT / name).exists()] == []


def test_every_name_in_contributing_is_in_the_file_it_is_said_to_be_in():
    text = (PROJECT / "CONTRIBUTING.md").read_text()
    named = re.findall(r"`(\w+)(?:\(\))?` (?:in |\()`([\w/]+\.py)`", text)
    assert len(named) > 4
    assert [pair for pair in named if not re.search(rf"\b{pair[0]}\b", (PROJECT / pair[1]).read_text())] == []


def test_the_example_of_a_seed_is_valid(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", (PROJECT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "messages.yaml").write_text(example)
    assert [item["Body"] for item in load_items(tmp_path / "messages.yaml")] == [
        "Hey Jerry, are you free?",
        "Yes, Tom.",
        "{} are braces",
    ]


def test_the_readme_has_the_cost_of_the_generated_example():
    (cost,) = re.findall(r"^(\$[\d.]+) a month in us-east-1", (PROJECT / "docs/cost.md").read_text(), re.M)
    assert f"10,000 messages a day {cost}." in (PROJECT / "README.md").read_text()
