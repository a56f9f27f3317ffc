"""The commands of the steps: one that hangs, cannot start, or prints on a terminal of its own."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from local import terminal
from local.steps import StepFailed, Steps, depending_on
from tests.support.processes import wait_for_end

PROGRAM = "import os, sys; print(sys.stdout.isatty(), os.get_terminal_size().columns)"


def test_a_command_that_hangs_is_stopped_with_its_children_and_named_in_one_line(tmp_path):
    hanging = f"sleep 1000 & echo $! > {tmp_path}/child; echo begun; wait"
    with pytest.raises(StepFailed) as failed:
        Steps(tmp_path / "log").run(["sh", "-c", hanging], environment=os.environ, seconds=3)
    assert str(failed.value) == f"`sh -c {hanging}` did not end within 3 s and was stopped (all output: {tmp_path}/log)"
    wait_for_end(int((tmp_path / "child").read_text()))
    assert "\nbegun\n" in (tmp_path / "log").read_text()


def test_a_step_that_failed_because_the_embedded_aws_stopped_says_so(aws, tmp_path):
    steps, folder = Steps(tmp_path / "log"), Path(aws.ca_file).parent
    with pytest.raises(StepFailed, match="`false` ended with status 1"), depending_on(aws, folder):
        steps.run(["false"], environment=os.environ)
    with pytest.raises(StepFailed) as failed, depending_on(replace(aws, pid=1), folder):
        steps.run(["false"], environment=os.environ)
    assert str(failed.value) == (
        f"the embedded AWS stopped during this step; run the same command again (its log: {folder}/server.log)"
    )


def test_a_command_may_print_what_the_locale_cannot_read(tmp_path):
    printed = Steps(tmp_path / "log").run(["printf", r"\342\234\205 \377"], environment={}, seconds=60)
    assert printed == "\u2705 \ufffd"


def test_a_log_that_cannot_be_written_is_one_line():
    with pytest.raises(StepFailed, match=r"^/proc/nope/log: No such file or directory; name another folder$"):
        Steps(Path("/proc/nope/log"))


def test_a_command_prints_as_on_a_terminal_however_much_it_prints():
    assert terminal.output([sys.executable, "-c", PROGRAM], os.environ, 77) == "True 77\n"
    program = "print('line of text\\n' * 20_000, end='')"
    assert terminal.output([sys.executable, "-c", program], os.environ, 80) == "line of text\n" * 20_000
    with pytest.raises(StepFailed, match=r"ended with status 1: what went wrong"):
        terminal.output([sys.executable, "-c", "import sys; sys.exit('what went wrong')"], os.environ, 80)
