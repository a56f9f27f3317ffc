"""The process of the embedded AWS: starts, answers, stops, leaves nothing."""

import http.client
import os
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
        [sys.executable, "-m", "local", *arguments],
        cwd=PROJECT, text=True, capture_output=True, timeout=60, **kwargs,
    )  # fmt: skip


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


def test_an_endpoint_that_is_already_set_is_used(state):
    environment = dict(os.environ) | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    ran = _local("--state", str(state), "run", "--", "sh", "-c", "echo $AWS_ENDPOINT_URL",
                 env=environment)  # fmt: skip
    assert ran.stdout == "http://127.0.0.1:1\n"


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
    parent = subprocess.Popen([sys.executable, "-c", program, str(state)], cwd=PROJECT,
                              stdout=subprocess.PIPE, text=True)  # fmt: skip
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
    refused = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, text=True,
                             capture_output=True, timeout=60)  # fmt: skip
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: ministack 9.9.9 is installed")
    assert len(refused.stderr.strip().splitlines()) == 1
