"""The process of the embedded AWS: starts, answers, stops, leaves nothing."""

import http.client
import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from embedded_aws import process
from embedded_aws.environment import PROJECT
from local import __main__ as local
from tests.support.processes import listening_on, wait_for_end

ACCOUNT = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
# What a user may have set for others: nothing of it reaches the engine or a command.
FOREIGN = {
    "SERVICES": "s3",
    "MINISTACK_ACCOUNT_ID": "111111111111",
    "PERSIST_STATE": "1",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_PROFILE": "nobody",
}


def command(state, *arguments, **more):
    return subprocess.run(
        [sys.executable, "-m", "local", "--state", state, *arguments],
        cwd=state,
        text=True,
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(PROJECT), **more},
    )


@pytest.fixture
def state(tmp_path):
    yield tmp_path
    process.stop(tmp_path)


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    """The folder of an embedded AWS, started by a user whose environment is set for others."""
    folder = tmp_path_factory.mktemp("started")
    made = command(folder, "start", **FOREIGN)
    assert made.returncode == 0, made.stderr
    yield folder
    process.stop(folder)


def test_it_listens_on_loopback_only_and_a_second_start_finds_it(started):
    found = process.find(started)
    port = int(found.endpoint.rsplit(":", 1)[1])
    assert listening_on(found.pid) == [f"0100007F:{port:04X}"]
    again, status = command(started, "start"), command(started, "status")
    assert again.stdout == status.stdout
    assert f"pid      {found.pid}\n" in status.stdout


def test_a_command_runs_with_its_own_status_on_the_embedded_aws_alone(started):
    ran = command(started, "run", "--", sys.executable, "-c", ACCOUNT, **FOREIGN)
    assert ran.stdout == "000000000000\n", ran.stderr
    assert command(started, "run", "--", "sh", "-c", "exit 7").returncode == 7
    unknown = command(started, "run", "--", "no-such-command")
    assert (unknown.returncode, "'no-such-command'" in unknown.stderr) == (1, True)
    named = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    ran = command(started, "run", "--", "sh", "-c", "echo $AWS_ENDPOINT_URL", **named)
    assert ran.stdout == f"{process.find(started).endpoint}\n"
    assert ran.stderr == (
        "AWS_ENDPOINT_URL=http://127.0.0.1:1 is ignored: `python -m local` uses only the "
        "embedded AWS; for another endpoint, leave out `python -m local run --`\n"
    )


def test_three_starts_at_once_are_one_server_and_stop_leaves_nothing(state):
    """Also with a client that stays connected; a relative folder is that of the caller."""
    folder = state / "nested/aws"
    try:
        with ThreadPoolExecutor() as threads:
            starts = list(threads.map(lambda _: command(state, "--state", "nested/aws", "start"), range(3)))
        assert [one.returncode for one in starts] == [0, 0, 0]
        (output,) = {one.stdout for one in starts}
        assert f"ca       {folder}/ca.pem" in output
        found = process.find(folder)
        context = ssl.create_default_context(cafile=found.ca_file)
        connection = http.client.HTTPSConnection("127.0.0.1", int(found.endpoint.rsplit(":", 1)[1]), context=context)
        connection.request("GET", "/_ministack/health")
        assert connection.getresponse().read()
    finally:
        process.stop(folder)
    wait_for_end(found.pid)
    assert not (folder / "tmp").exists(), "only the server's own orderly end removes it"
    connection.close()


def test_a_state_that_cannot_be_read_is_one_line_and_the_server_ends_with_its_folder(state, capsys):
    pid = process.start(state).pid
    (state / "state.json").write_text("{")
    assert local.main(["--state", str(state), "status"]) == 1
    assert "state.json is not valid; delete it" in capsys.readouterr().err
    shutil.rmtree(state)
    wait_for_end(pid)


def test_it_ends_with_the_process_that_it_is_bound_to(state):
    program = (
        "import sys, time; from pathlib import Path; from embedded_aws import process;"
        "print(process.start(Path(sys.argv[1]), bound_to_parent=True).pid, flush=True);"
        "time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(state)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    with parent:
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    wait_for_end(pid)


@pytest.mark.parametrize("program", ["chat", "local", "ops", "seed"])
def test_outside_the_projects_environment_a_program_ends_in_one_line(program):
    python = [sys.executable, "-S", "-m", program]  # -S: without the installed packages
    done = subprocess.run(python, cwd=PROJECT, text=True, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (
        1,
        f"error: boto3 is not installed for {sys.executable}; run: make setup && source .venv/bin/activate\n",
    )


NOT_RUNNING = (
    "error: the embedded AWS is not running; start it with the stack on it (make up), or empty (python -m local start)"
)


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["bogus"], 2, "error: .*invalid choice: 'bogus'"),
        ([], 2, "error: .*required: start|stop|status|up|run"),
        (["up", "--stage", "Bad"], 2, "error: .*'Bad' must be a lower-case letter"),
        (["up", "-c", "region"], 2, "error: .*'region' must be KEY=VALUE"),
        (["up", "-c", "stage=prod"], 2, r"error: .*'stage=prod' must be given as --stage \(make: STAGE=...\)"),
        (["up", "--require-approval", "never"], 2, "error: unrecognized arguments: --require-approval never"),
        (["run", "--"], 2, "error: no command"),
        (["run", "--", "true"], 1, re.escape(NOT_RUNNING)),
        (["console"], 1, re.escape(NOT_RUNNING)),
        (["status"], 1, "not running; start it with: python -m local start"),
        (["stop"], 0, "not running"),
    ],
)
def test_what_cannot_run_is_one_line(tmp_path, capsys, arguments, status, said):
    try:
        ended = local.main(["--state", str(tmp_path), *arguments])
    except SystemExit as exited:
        ended = exited.code
    output, errors = capsys.readouterr()
    assert (ended, output, errors.count("\n")) == (status, "", 1)
    assert re.match(said, errors)
    assert process.find(tmp_path) is None


def test_a_folder_that_cannot_be_used_is_one_line(tmp_path, capsys):
    (tmp_path / "start.lock").mkdir()
    with pytest.raises(process.LocalAwsError) as failed:
        process.find(tmp_path)
    assert str(failed.value) == f"{tmp_path}: Is a directory; name another folder"
    for name in ("start", "up"):
        assert local.main(["--state", "/proc/aws", name]) == 1
        assert capsys.readouterr().err.splitlines()[-1].startswith("error: /proc/aws")
