"""The console: on loopback, with a home of its own, and the table's items on its page."""

import contextlib
import html
import http.client
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from embedded_aws.process import LocalAwsError
from local import browser, pictures
from local.console import running
from local.steps import Steps
from seed.templates import load_items
from tests.conftest import PROJECT
from tests.support.processes import listening_on, processes_of, wait_for_end


def ask(console, path: str, **headers: str) -> tuple[int, bytes]:
    """The answer to a path that no client would send by itself."""
    connection = http.client.HTTPConnection(urlsplit(console.address).netloc, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_it_listens_on_loopback_only_lets_no_file_and_no_other_site_through_and_leaves_nothing(
    aws, messages_table, tmp_path
):
    home, folder, secret = tmp_path / "home", tmp_path / "folder", tmp_path / "secret"
    home.mkdir()
    folder.mkdir()
    secret.write_text("private")
    with running(aws.environment() | {"HOME": str(home)}, folder) as console:
        for path in ("/", "/api/stats", "/api/endpoints", f"/api/dynamodb/tables/{messages_table}/items"):
            assert ask(console, path)[0] == 200
        port = urlsplit(console.address).port
        assert listening_on(console.process.pid) == [f"0100007F:{port:04X}"]
        for path in (f"/{secret}", "/..%2f" * 20 + str(secret)[1:].replace("/", "%2f")):
            status, body = ask(console, path)
            assert (status, secret.read_bytes() in body) == (403, False)
        assert ask(console, "/", Origin="https://evil.example")[0] == 403
        assert ask(console, "/", Host="evil.example")[0] == 403
        (own,) = folder.iterdir()
        assert (own / "endpoints.json").exists()
        with pytest.raises(LocalAwsError) as failed, running(aws.environment(), folder, port=port):
            pass
        assert str(failed.value).startswith(f"the console did not start: port {port}: ")
        assert "name another with --port" in str(failed.value)
    assert list(folder.iterdir()) == list(home.iterdir()) == []
    assert processes_of(console.process.pid) == []


@pytest.fixture
def started(aws, client, name, messages_table):
    """The command, as a process that has printed the page's address; with the process id of its server."""
    cloudformation, stack = client("cloudformation"), f"Messages-{name}"
    template = """{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
                   "Outputs": {"TableName": {"Value": "%s"}}}"""
    cloudformation.create_stack(StackName=stack, TemplateBody=template % messages_table)
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName=stack, WaiterConfig={"Delay": 0.05, "MaxAttempts": 200}
    )
    command = [sys.executable, "-m", "local", "--state", Path(aws.ca_file).parent, "console"]
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"STAGE": name},
    ) as process:
        address = urlsplit(process.stdout.readline().strip())
        assert (address.path, address.query) == ("/resources/dynamodb", f"table={messages_table}")
        tasks = Path(f"/proc/{process.pid}/task").iterdir()
        (server,) = [int(child) for task in tasks for child in (task / "children").read_text().split()]
        yield process, server
    cloudformation.delete_stack(StackName=stack)


def test_the_address_is_printed_and_an_interrupt_ends_it_well(started):
    process, server = started
    assert process.stderr.readline() == "serving the console; press Ctrl-C to stop it\n"
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert processes_of(server) == []


def test_it_ends_with_the_process_that_started_it(started):
    process, server = started
    process.kill()
    wait_for_end(server)


@pytest.mark.usefixtures("bootstrapped")
def test_the_pictures_are_made_those_of_the_console_with_chromium_alone(aws, stage, tmp_path, capsys, monkeypatch):
    images = tmp_path / "images"
    items = load_items(PROJECT / "seed/messages.yaml")
    table = stage.deploy(items)["TableName"]
    images.mkdir()
    environment = {**aws.environment(), "STAGE": stage.stage}
    steps = Steps(tmp_path / "log")
    pictures.take_of_commands(steps, environment, images)
    assert {file.name for file in images.iterdir()} == {"backups.svg", "conversations.svg"}
    drawn = html.unescape((images / "conversations.svg").read_text()).replace("\xa0", " ")
    assert [item for item in items if item["Body"] not in drawn] == []
    assert "COMPLETED" in (images / "backups.svg").read_text()

    with monkeypatch.context() as patch:
        patch.setattr(browser, "COMMAND", "no-such-browser")
        pictures.take_of_console(steps, environment, table, tmp_path, images)
    errors = capsys.readouterr().err
    assert errors.startswith("no-such-browser is not installed: the pictures of the console are unchanged")
    assert errors.count("\n") == 1
    if browser.installed():
        pictures.take_of_console(steps, environment, table, tmp_path, images)
        assert capsys.readouterr().err == ""
        for kind in ("table", "items"):
            picture = (images / f"console-{kind}.png").read_bytes()
            assert picture.startswith(b"\x89PNG")
            assert len(picture) < 200_000
    stage.destroy()
