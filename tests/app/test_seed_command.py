"""``python -m seed`` as a process: closed pipes and full disks."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import PROJECT


@pytest.fixture
def dataset(tmp_path):
    """A file of more lines than a pipe holds."""
    line = {"from": "Tom", "to": "Jerry", "body": "x" * 900, "at": "2026-01-01T09:00:00Z"}
    file = tmp_path / "data.jsonl"
    file.write_text((json.dumps(line) + "\n") * 300)
    return file


def run(*argv, stdout):
    command = [sys.executable, "-m", "seed", *map(str, argv)]
    # As most people have it: what was printed is written later, at the end at the latest.
    buffered = os.environ | {"PYTHONUNBUFFERED": ""}
    return subprocess.Popen(command, cwd=PROJECT, stdout=stdout, stderr=subprocess.PIPE, text=True, env=buffered)


def test_a_reader_that_closes_the_pipe_sees_no_error(dataset):
    with run(dataset, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


@pytest.mark.parametrize("options", [("--check",), ("--json",), ()])
def test_a_full_disk_is_one_line(options):
    with open("/dev/full", "w") as full, run(*options, stdout=full) as process:
        complaint = process.stderr.read().splitlines()[-1]
    assert complaint == f"error: standard output: {os.strerror(28)}"
    assert process.returncode == 1
