"""How a command starts and ends: usage, errors in one line, exit statuses."""

import contextlib
import io

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, NoRegionError, ProfileNotFound

from cli.command_line import agree
from cli.errors import OpsError, UsageError, explain
from ops import __main__ as cli
from ops import backup, orphans
from tests.support.fake_clients import FakeClients, refusal


@pytest.fixture(autouse=True)
def no_aws(monkeypatch):
    monkeypatch.delenv("STAGE", raising=False)
    monkeypatch.setattr("cli.clients.Clients", FakeClients)


def _status(*argv):
    try:
        return cli.main(list(argv))
    except SystemExit as ended:
        return ended.code


@pytest.mark.parametrize(
    ("raised", "status", "line"),
    [
        (OpsError("it failed"), 1, "error: it failed"),
        (UsageError("not so"), 2, "error: not so"),
        (NoRegionError(), 1, "error: no AWS region is set; name one with --region or AWS_REGION"),
        (
            FileNotFoundError(2, "No usable temporary directory found in ['/t']"),
            1,
            "error: No usable temporary directory found in ['/t']",
        ),
        (OSError(28, "No space left on device"), 1, "error: standard output: No space left on device"),
        (KeyboardInterrupt(), 130, "error: interrupted; run the same command again to continue"),
        (KeyboardInterrupt("the job goes on"), 130, "error: interrupted; the job goes on"),
    ],
)
def test_every_failure_is_one_line(raised, status, line, monkeypatch, capsys):
    def run(*_):
        raise raised

    monkeypatch.setattr(backup, "run", run)
    assert _status("backup") == status
    assert capsys.readouterr().err == f"{line}\n"


@pytest.mark.parametrize(
    ("argv", "environment", "name"),
    [
        ((), None, "Messages-dev"),
        ((), "pr-7", "Messages-pr-7"),
        (("--stage", "prod"), "pr-7", "Messages-prod"),
        (("--stack", "Messages-old"), "pr-7", "Messages-old"),
    ],
)
def test_the_stack_that_is_meant(argv, environment, name, monkeypatch):
    seen = []
    if environment:
        monkeypatch.setenv("STAGE", environment)
    monkeypatch.setattr(backup, "run", lambda _, context: seen.append(context.stack) or 0)
    assert _status("backup", *argv) == 0
    assert seen == [name]


def test_what_looks_at_every_stack_needs_none(monkeypatch):
    seen = []
    monkeypatch.setenv("STAGE", "No Stage!")
    monkeypatch.setattr(orphans, "run", lambda _, context: seen.append(context.region) or 0)
    assert _status("orphans", "--region", "eu-west-1", "--profile", "p") == 0
    assert seen == ["us-east-1"]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (refusal("ExpiredToken"), "the credentials have expired: log in again"),
        (refusal("InvalidClientTokenId"), "the credentials are not valid"),
        (refusal("AccessDenied"), "the caller needs permission for Operation"),
        (refusal("Throttling", "Rate\nexceeded"), "Operation: Throttling: Rate exceeded"),
        (NoCredentialsError(), "no AWS credentials"),
        (ProfileNotFound(profile="p"), "`aws configure list-profiles`"),
        (EndpointConnectionError(endpoint_url="https://x"), "check the network, --region"),
    ],
)
def test_errors_say_what_to_do(error, text):
    assert text in explain(error)
    assert "\n" not in explain(error)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("y\n", ""),
        ("n\n", "the answer was not yes"),
        ("", "the answer was not yes"),
        (None, "stdin is not a terminal; to delete, pass --yes"),
    ],
)
def test_it_asks_on_a_terminal_and_nowhere_else(answer, error, monkeypatch, capsys):
    stdin = io.StringIO("y\n" if answer is None else answer)
    stdin.isatty = lambda: answer is not None
    monkeypatch.setattr("sys.stdin", stdin)
    with pytest.raises((OpsError, UsageError), match=error) if error else contextlib.nullcontext():
        agree("Delete 1 point?", yes=False, to="delete", done="deleted")
    assert capsys.readouterr().err == ("" if answer is None else "Delete 1 point? [y/N] ")
