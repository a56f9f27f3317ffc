"""The process of the embedded AWS: starts, answers, stops, leaves nothing."""

import http.client
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local import process
from local.environment import PROJECT


def _alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def _wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "condition did not come true"
        time.sleep(0.02)


def _local(*arguments: str, **kwargs) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments], cwd=PROJECT, text=True, capture_output=True, timeout=60, **kwargs
    )


@pytest.fixture
def state(tmp_path):
    yield tmp_path
    process.stop(tmp_path)


def test_start_status_run_stop(state):
    started = _local("--state", str(state), "start")
    assert started.returncode == 0, started.stderr
    assert _local("--state", str(state), "status").returncode == 0
    pid = process.find(state).pid

    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    ran = _local("--state", str(state), "run", "--", sys.executable, "-c", program)
    assert (ran.returncode, ran.stdout) == (0, "000000000000\n"), ran.stderr

    assert _local("--state", str(state), "stop").returncode == 0
    assert not _alive(pid)
    assert not (state / "tmp").exists()
    stopped = _local("--state", str(state), "status")
    assert stopped.returncode == 1
    assert "not running" in stopped.stderr


def test_start_twice_finds_the_first(state):
    _local("--state", str(state), "start")
    pid = process.find(state).pid
    again = _local("--state", str(state), "start")
    assert again.returncode == 0
    assert f"pid      {pid}" in again.stdout


def test_run_passes_the_exit_status_and_refuses_without_server(state):
    missing = _local("--state", str(state), "run", "--", "true")
    assert missing.returncode == 1
    assert missing.stderr == (
        "error: the embedded AWS is not running; start it with the stack on it (make up), "
        "or empty (python -m local start)\n"
    )
    _local("--state", str(state), "start")
    assert _local("--state", str(state), "run", "--", "sh", "-c", "exit 7").returncode == 7
    unknown = _local("--state", str(state), "run", "--", "no-such-command")
    assert unknown.returncode == 1
    assert "'no-such-command'" in unknown.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bogus"], "invalid choice: 'bogus'"),
        ([], "required: start|stop|status|up|run"),
        (["up", "--stage", "Bad"], "'Bad' must be a lower-case letter"),
        (["run", "--"], "no command"),
    ],
)
def test_wrong_usage_is_one_line(state, arguments, said):
    failed = _local("--state", str(state), *arguments)
    assert failed.returncode == 2
    assert failed.stderr.startswith("error: ")
    assert said in failed.stderr
    assert len(failed.stderr.splitlines()) == 1
    assert process.find(state) is None


def test_an_endpoint_that_is_already_set_is_not_used_and_the_command_says_so(state):
    environment = dict(os.environ) | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    _local("--state", str(state), "start")
    ran = _local("--state", str(state), "run", "--", "sh", "-c", "echo $AWS_ENDPOINT_URL", env=environment)
    assert ran.stdout == f"{process.find(state).endpoint}\n"
    assert ran.stderr == (
        "AWS_ENDPOINT_URL=http://127.0.0.1:1 is ignored: `python -m local` uses only the "
        "embedded AWS; for another endpoint, leave out `python -m local run --`\n"
    )


def test_two_starts_at_once_are_one_server(state):
    command = [sys.executable, "-m", "local", "--state", str(state), "start"]
    starts = [
        subprocess.Popen(command, cwd=PROJECT, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for _ in range(3)
    ]
    outputs = {start.communicate(timeout=60)[0] for start in starts}
    assert [start.returncode for start in starts] == [0, 0, 0]
    assert len(outputs) == 1


def test_the_server_ends_when_its_folder_is_deleted(state):
    pid = process.start(state).pid
    shutil.rmtree(state)
    _wait_until(lambda: not _alive(pid))


def test_a_state_that_cannot_be_read_is_one_line(state):
    pid = process.start(state).pid
    (state / "state.json").write_text("{")
    failed = _local("--state", str(state), "status")
    assert failed.returncode == 1
    assert "state.json is not readable; delete it" in failed.stderr
    (state / "state.json").unlink()
    _wait_until(lambda: not _alive(pid))


def test_a_relative_folder_is_that_of_the_caller(state):
    started = subprocess.run(
        [sys.executable, "-m", "local", "--state", "nested/aws", "start"],
        cwd=state,
        text=True,
        capture_output=True,
        timeout=60,
        env=dict(os.environ) | {"PYTHONPATH": str(PROJECT)},
    )
    try:
        assert started.returncode == 0, started.stderr
        assert f"ca       {state}/nested/aws/ca.pem" in started.stdout
    finally:
        process.stop(state / "nested/aws")


def test_a_folder_that_cannot_be_written_is_one_line_where_it_is_only_looked_at(tmp_path):
    (tmp_path / "start.lock").mkdir()
    with pytest.raises(process.LocalAwsError) as failed:
        process.find(tmp_path)
    assert str(failed.value) == f"{tmp_path}: Is a directory; name another folder"


def test_a_folder_that_cannot_be_made_is_one_line():
    failed = _local("--state", "/proc/aws", "start")
    assert failed.returncode == 1
    assert failed.stderr.splitlines()[-1].startswith("error: /proc/aws: ")


def test_what_the_caller_has_set_for_others_does_not_reach_the_engine(state):
    environment = dict(os.environ) | {
        "SERVICES": "s3",
        "MINISTACK_ACCOUNT_ID": "111111111111",
        "PERSIST_STATE": "1",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_PROFILE": "nobody",
    }
    started = _local("--state", str(state), "start", env=environment)
    assert started.returncode == 0, started.stderr
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    ran = _local("--state", str(state), "run", "--", sys.executable, "-c", program, env=environment)
    assert ran.stdout == "000000000000\n", ran.stderr


def test_listens_on_loopback_only(state):
    started = process.start(state)
    port = int(started.endpoint.rsplit(":", 1)[1])
    listening = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].rsplit(":", 1)[1], 16) == port
    ]
    assert listening == [f"0100007F:{port:04X}"]


def test_a_client_that_stays_connected_does_not_hold_the_end_up(state):
    started = process.start(state)
    port = int(started.endpoint.rsplit(":", 1)[1])
    context = ssl.create_default_context(cafile=started.ca_file)
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context)
    connection.request("GET", "/_ministack/health")
    assert connection.getresponse().read()
    process.stop(state)
    # Only the server's own orderly end removes its folder.
    assert not (state / "tmp").exists()
    connection.close()


def test_ends_with_the_process_that_it_is_bound_to(state):
    program = (
        "import sys, time; from pathlib import Path; from local import process;"
        "print(process.start(Path(sys.argv[1]), bound_to_parent=True).pid, flush=True);"
        "time.sleep(60)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(state)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    with parent:
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    _wait_until(lambda: not _alive(pid))


def test_another_engine_version_is_refused(state):
    program = (
        "import importlib.metadata as m, sys; m.version = lambda name: '9.9.9';"
        f"sys.argv = ['server', {str(state)!r}];"
        "from local import server; server.main()"
    )
    refused = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, text=True, capture_output=True, timeout=60)
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: ministack 9.9.9 is installed")
    assert len(refused.stderr.strip().splitlines()) == 1
