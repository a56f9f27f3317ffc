"""Commands on a terminal of their own, for pictures of what they print."""

import os
import sys

import pytest

from local.pictures import terminal
from local.steps import StepFailed

PROGRAM = "import os, sys; print(sys.stdout.isatty(), os.get_terminal_size().columns)"


def test_a_command_prints_as_on_a_terminal():
    assert terminal.output([sys.executable, "-c", PROGRAM], os.environ, 77) == "True 77\n"


def test_more_than_a_terminal_holds_at_once_arrives():
    program = "print('line of text\\n' * 20_000, end='')"
    printed = terminal.output([sys.executable, "-c", program], os.environ, 80)
    assert printed == "line of text\n" * 20_000


def test_a_command_that_fails_is_no_picture():
    program = "import sys; sys.exit('what went wrong')"
    with pytest.raises(StepFailed, match=r"ended with status 1: what went wrong"):
        terminal.output([sys.executable, "-c", program], os.environ, 80)
