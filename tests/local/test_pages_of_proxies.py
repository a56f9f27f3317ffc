"""A proxy's page in the place of one service's responses: one line of every command."""

import io
import re
from contextlib import closing

import pytest
from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session

from chat.__main__ import main as chat
from local.configuration import configure
from ops.__main__ import main as ops
from ops.commands import COMMANDS as OPS
from tests.support.ops_deployment import QUICK, USUAL, Deployment

PAGES = {
    "403 HTML": (403, b"<html><head><title>Blocked<br></head></html>", "text/html"),
    "200 HTML": (200, b"<!DOCTYPE html><html><p>Log in</html>", "text/html"),
    "200 nothing": (200, b"", ""),
}
# The services that each command asks, as a request's credentials name them.
COMMANDS = {
    "inventory": ("sts", "tagging", "cloudformation", "backup", "iam", "kms", "dynamodb", "logs"),
    "orphans": ("sts", "tagging", "cloudformation", "backup", "iam", "kms", "dynamodb", "logs"),
    "cleanup": ("sts", "cloudformation"),
    "backups": ("sts", "cloudformation", "backup", "dynamodb"),
    "backup": ("sts", "cloudformation", "backup"),
    "restore": ("sts", "cloudformation", "backup", "dynamodb"),
    "history": ("cloudformation", "dynamodb"),
    "send": ("cloudformation", "dynamodb"),
    "conversations": ("cloudformation", "dynamodb"),
    "tables": ("dynamodb",),
}
OPTIONS = {
    "cleanup": ["--dry-run"],
    "restore": ["--target", "Nobodys"],
    "history": ["jerry#tom"],
    "send": ["Hi", "--from", "Tom", "--to", "Jerry"],
    "conversations": ["tom"],
}
CASES = [(command, service) for command, services in COMMANDS.items() for service in services]
LINE = re.compile(
    r"error: [A-Z]\w+: the response did not come from AWS: expected (JSON|XML), got .+; check "
    r"AWS_ENDPOINT_URL, and whether a proxy or a log-in page is on the way"
)


class Raw(io.BytesIO):
    """A body as urllib3 hands it over."""

    def stream(self, **_):
        yield self.getvalue()


@pytest.fixture(scope="module")
def stage(aws, client):
    configure(aws, **QUICK)
    with closing(Deployment(client, "behind-a-proxy")) as stage:
        stage.deploy().start_job()
        yield stage
        stage.destroy()
    configure(aws, **USUAL)


@pytest.fixture
def page(aws, monkeypatch):
    """``page("sts", 403, b"...", "text/html")``: what that service's requests come back with."""
    for key, value in aws.environment().items():
        monkeypatch.setenv(key, value)
    send = URLLib3Session.send

    def answer(service, status, body, kind):
        def instead(session, request):
            credentials = str(request.headers["Authorization"])
            if f"/{service}/aws4_request" not in credentials:
                return send(session, request)
            headers = {"Content-Type": kind} if kind else {}
            return AWSResponse(request.url, status, headers, Raw(body))

        monkeypatch.setattr(URLLib3Session, "send", instead)

    return answer


@pytest.mark.parametrize("reply", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize(("command", "service"), CASES)
def test_a_page_of_one_service_is_one_line(stage, page, command, service, reply, capsys):
    page(service, *reply)
    main = ops if command in OPS else chat
    where = [] if command in ("orphans", "tables") else ["--stage", stage.stage]
    assert main([command, *where, *OPTIONS.get(command, [])]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert LINE.fullmatch(err.splitlines()[-1])
    assert all(len(line) < 300 for line in err.splitlines())
