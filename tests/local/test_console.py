"""The console: on loopback, with a home of its own, and the table's items on its page."""

import contextlib
import html
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from local import browser, pictures
from local.console import running
from local.process import LocalAwsError
from local.steps import Steps
from model.messages import PARTITION_KEY, SORT_KEY
from seed.templates import load_items
from tests.conftest import PROJECT
from tests.support.deployment import Deployment

BODIES = ("Hey Jerry, are you free?", "Need help with a script.", "<b>Sure</b>, send it over.")


@pytest.fixture
def console(aws, tmp_path):
    with running(aws.environment(), tmp_path) as started:
        yield started


@pytest.fixture
def messages(client, messages_table):
    """A table with three messages."""
    for number, body in enumerate(BODIES):
        item = {PARTITION_KEY: "CONVERSATION#jerry#tom", SORT_KEY: f"MESSAGE#{number}", "Body": body}
        typed = {name: {"S": value} for name, value in item.items()}
        client("dynamodb").put_item(TableName=messages_table, Item=typed)
    return messages_table


@pytest.fixture
def stage(client, name, messages_table):
    """A stage with a stack that has nothing but the table's name to say."""
    cloudformation = client("cloudformation")
    template = """{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
                   "Outputs": {"TableName": {"Value": "%s"}}}"""
    cloudformation.create_stack(StackName=f"Messages-{name}", TemplateBody=template % messages_table)
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=f"Messages-{name}", WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
    )
    yield name
    cloudformation.delete_stack(StackName=f"Messages-{name}")


def processes_of(session: int) -> list[int]:
    """The processes of a session, which is what each server here starts as."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(process.name))
    return found


def listening_on(session: int) -> list[str]:
    """The addresses on which the processes of a session listen, as the kernel shows them."""
    inodes = set()
    for descriptor in (each for pid in processes_of(session) for each in Path(f"/proc/{pid}/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):
            inodes.add(os.readlink(descriptor))
    rows = [row.split() for kind in ("tcp", "tcp6") for row in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]]
    return [row[1] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]


def ask(console, path: str, **headers: str) -> tuple[int, bytes]:
    """The answer to a path that no client would send by itself."""
    connection = http.client.HTTPConnection(urlsplit(console.address).netloc, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_it_listens_on_loopback_only_and_lets_no_file_and_no_other_site_through(console, messages, tmp_path):
    for path in ("/", "/api/stats", f"/api/dynamodb/tables/{messages}/items"):
        assert ask(console, path)[0] == 200
    port = urlsplit(console.address).port
    assert listening_on(console.process.pid) == [f"0100007F:{port:04X}"]
    secret = tmp_path / "secret"
    secret.write_text("private")
    for path in (f"/{secret}", "/..%2f" * 20 + str(secret)[1:].replace("/", "%2f")):
        status, body = ask(console, path)
        assert (status, secret.read_bytes() in body) == (403, False)
    assert ask(console, "/", Origin="https://evil.example")[0] == 403
    assert ask(console, "/", Host="evil.example")[0] == 403


def test_what_it_keeps_is_in_the_folder_and_goes_with_it(aws, tmp_path):
    home, folder = tmp_path / "home", tmp_path / "folder"
    home.mkdir()
    folder.mkdir()
    with running(aws.environment() | {"HOME": str(home)}, folder) as console:
        assert ask(console, "/api/endpoints")[0] == 200
        (own,) = folder.iterdir()
        assert (own / "endpoints.json").exists()
        pid = console.process.pid
    assert list(folder.iterdir()) == list(home.iterdir()) == []
    assert processes_of(pid) == []


def test_a_port_that_is_taken_is_named(aws, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        expected = f"^the console did not start: port {port}: .*name another with --port"
        with pytest.raises(LocalAwsError, match=expected), running(aws.environment(), tmp_path, port=port):
            pass
    assert list(tmp_path.iterdir()) == []


def command(state: Path, *options: str, **kwargs) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return subprocess.Popen(
        [sys.executable, "-m", "local", "--state", str(state), "console", *options],
        cwd=PROJECT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment | kwargs,
    )


def state_of(aws) -> Path:
    return Path(aws.ca_file).parent


def children_of(pid: int) -> list[int]:
    return [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 30
    while processes_of(pid):
        assert time.monotonic() < deadline, "the console is still there"
        time.sleep(0.02)


def test_without_the_stack_the_remedy_is_named(aws, name):
    with command(state_of(aws), "--stage", name) as started:
        output, errors = started.communicate(timeout=60)
    assert (started.returncode, output) == (1, "")
    assert errors.startswith(f"error: stack Messages-{name} does not exist in us-east-1; deploy it")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGHUP])
def test_the_address_is_printed_and_a_signal_ends_it_well(aws, stage, messages_table, signum):
    before = set(state_of(aws).glob("console-*"))
    with command(state_of(aws), STAGE=stage) as started:
        address = started.stdout.readline().strip()
        page = urlsplit(address)
        assert (page.path, page.query) == ("/resources/dynamodb", f"table={messages_table}")
        assert started.stderr.readline() == "serving the console; press Ctrl-C to stop it\n"
        (server,) = children_of(started.pid)
        assert set(state_of(aws).glob("console-*")) - before
        started.send_signal(signum)
        _, errors = started.communicate(timeout=60)
    assert (started.returncode, errors) == (0, "")
    assert processes_of(server) == []
    assert set(state_of(aws).glob("console-*")) == before


def test_it_ends_with_the_process_that_started_it(aws, stage):
    with command(state_of(aws), "--stage", stage) as started:
        assert started.stdout.readline().startswith("http://127.0.0.1:")
        (server,) = children_of(started.pid)
        started.kill()
    wait_for_end(server)


def test_an_end_by_itself_is_a_failure(aws, stage):
    with command(state_of(aws), "--stage", stage) as started:
        assert started.stdout.readline().startswith("http://127.0.0.1:")
        (server,) = children_of(started.pid)
        os.kill(server, signal.SIGKILL)
        _, errors = started.communicate(timeout=60)
    assert started.returncode == 1
    assert errors.endswith("error: the console stopped unexpectedly, with status -9\n")
    for left in state_of(aws).glob("console-*"):
        shutil.rmtree(left)


@pytest.mark.skipif(not browser.installed(), reason="no chromium on this machine")
def test_the_tables_page_shows_the_items_in_a_browser(console, messages):
    asked = []
    with browser.browser_page() as page:
        page.on("request", lambda request: asked.append(request.url))
        page.goto(console.table_page(messages))
        page.get_by_text(BODIES[-1]).first.wait_for()
        text = page.inner_text("body")
    assert [body for body in BODIES if body not in text] == []
    assert text.count("CONVERSATION#jerry#tom") == len(BODIES)
    assert any(f"/tables/{messages}/items" in url for url in asked)
    assert [url for url in asked if not url.startswith(("data:", f"{console.address}/"))] == []


@pytest.mark.usefixtures("bootstrapped")
def test_the_pictures_are_made_those_of_the_console_with_chromium_alone(
    aws, client, name, tmp_path, capsys, monkeypatch
):
    deployment, images = Deployment(client, f"pr-{name}"), tmp_path / "images"
    items = load_items(PROJECT / "seed/messages.yaml")
    table = deployment.deploy(items)["TableName"]
    images.mkdir()

    def take():
        environment = {**aws.environment(), "STAGE": deployment.stage}
        pictures.take(Steps(tmp_path / "log"), environment, table, tmp_path, images)

    with monkeypatch.context() as patch:
        patch.setattr(browser, "COMMAND", "no-such-browser")
        take()
    assert {file.name for file in images.iterdir()} == {"backups.svg", "conversations.svg"}
    drawn = html.unescape((images / "conversations.svg").read_text()).replace("\xa0", " ")
    assert [item for item in items if item["Body"] not in drawn] == []
    assert "COMPLETED" in (images / "backups.svg").read_text()
    errors = capsys.readouterr().err
    assert errors.startswith("no-such-browser is not installed: the pictures of the console are unchanged")
    assert errors.count("\n") == 1
    if browser.installed():
        take()
        assert capsys.readouterr().err == ""
        for kind in ("table", "items"):
            picture = (images / f"console-{kind}.png").read_bytes()
            assert picture.startswith(b"\x89PNG")
            assert len(picture) < 200_000
    deployment.destroy()
