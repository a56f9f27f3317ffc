"""The whole sequences of the systems before this one, with this project's commands, on one deployment.

docs/seed-systems.md says capability by capability what does each of them here.
"""

import json

import pytest

import chat.__main__
import ops.__main__
from embedded_aws.tests.support.steps import eventually
from seed.templates import load_items
from tests.conftest import PROJECT
from tests.support.chat_steps import Ran

pytestmark = pytest.mark.usefixtures("bootstrapped")
PROGRAMS = {"chat": chat.__main__.main, "ops": ops.__main__.main}
ALICE = {"pk": "alice", "sk": "profile", "role": "admin", "active": True, "last_login": "2023-09-15"}


@pytest.fixture
def run(stage, quick_backups, capsys):  # noqa: ARG001 (quick_backups: also the environment)
    """``run("chat", "history", "a#b")``: a command on the test's stage."""

    def run(program, command, *arguments):
        capsys.readouterr()
        status = PROGRAMS[program]([command, "--stage", stage.stage, *map(str, arguments)])
        return Ran(status, *capsys.readouterr())

    return run


def test_the_commands_do_what_the_systems_before_did(stage, client, run, tmp_path):
    table = stage.deploy(load_items(PROJECT / "seed/messages.yaml"))["TableName"]
    check_lab(client, run, table, tmp_path)
    check_messages(run)
    check_clean_up(stage, run, table)


def check_lab(client, run, table, tmp_path):
    """Create, wait, list, insert, get, update, batches, scan, conditions, delete."""
    assert client("dynamodb").describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"
    assert table in run("chat", "tables").lines
    *things, cost = run("ops", "inventory").lines
    assert any(line.split()[:2] == ["table", table] for line in things)
    assert "a month (list prices of" in cost, "what it costs to leave it"

    key = ["--key", "alice", "profile"]
    assert run("chat", "put", json.dumps(ALICE), "--if-absent").status == 0
    before = run("chat", "get", *key, "--json")
    assert before.json == ALICE
    taken = run("chat", "put", json.dumps(ALICE | {"role": "guest"}), "--if-absent")
    assert "already exists; nothing written" in taken.error

    later = ALICE | {"last_login": "2026-01-01"}
    assert run("chat", "put", json.dumps(later), "--if-unchanged", before.out).status == 0
    stale = run("chat", "put", json.dumps(ALICE), "--if-unchanged", before.out)
    assert 'differs from OLD in ["last_login"]' in stale.error
    assert (taken.status, stale.status) == (1, 1)
    assert run("chat", "get", *key, "--json").json == later

    many = [ALICE | {"sk": f"login-{number:03}"} for number in range(120)]
    file, copy = tmp_path / "logins.jsonl", tmp_path / "copy.jsonl"
    file.write_text("\n".join(map(json.dumps, many)))
    assert run("chat", "import", file, "--json").json["written"] == 120
    assert run("chat", "export", copy, "--json").json["items"] >= 126
    assert copy.read_text().count('"login-') == 120
    scanned = [item for item in map(json.loads, run("chat", "scan", "--json").lines) if item["pk"] == "alice"]
    assert sorted(scanned, key=lambda item: item["sk"]) == [*many, later]

    assert run("chat", "delete", *key, "--json").json == later
    assert "does not exist" in run("chat", "get", *key).error


def check_messages(run):
    """List, a new conversation, an existing one, a part of it; both users' lists follow."""

    def listed(user):
        """With whom, and the last message, latest first."""
        rows = [line.split("\t") for line in run("chat", "conversations", user).lines]
        return [(partner, body) for _, _, partner, body in rows]

    thanks = "Thanks! You're the best, Jerry."
    eventually(lambda: listed("tom") == [("Jerry", thanks)])

    def send(sender, to, day, body):
        sent = run("chat", "send", "--from", sender, "--to", to, "--at", f"2027-01-0{day}", body)
        assert sent.status == 0, sent.err

    send("Spike", "Tom", 1, "Where is he?")
    eventually(lambda: listed("spike") == [("Tom", "Where is he?")])
    send("TOM", "spike", 2, "Who?")
    eventually(lambda: listed("tom") == [("spike", "Who?"), ("Jerry", thanks)])
    send("Jerry", "Tom", 3, "Done")
    eventually(lambda: listed("tom") == [("Jerry", "Done"), ("spike", "Who?")])
    assert listed("Jerry") == [("Tom", "Done")]
    assert listed("spike") == [("TOM", "Who?")]

    assert run("chat", "history", "tom#spike").lines == ["Spike → Tom: Where is he?", "TOM → spike: Who?"]
    of_2026 = ["--since", "2026-01-01T09:01Z", "--until", "2026-12-31"]
    part = run("chat", "history", "tom#jerry", *of_2026, "--limit", 2, "--capacity")
    assert [line.partition(": ")[2] for line in part.lines] == ["Sure, send it over.", thanks]
    older, capacity = part.err.splitlines()
    assert older.startswith("there are older messages: --before '2026-01-01T09:03:00.000Z#")
    assert capacity == "consumed capacity: 1 read units, 0 write units"
    checked = run("chat", "conversations", "tom", "--check")
    assert checked.err == "2 conversations compared with the messages: 0 lagging, 0 missing, 0 surplus\n"


def check_clean_up(stage, run, table):
    """Back up, delete the table, then the backups."""
    made = {run("ops", "backup").lines[0] for _ in range(2)}
    assert len(made) == 2
    stage.destroy()
    assert table not in run("chat", "tables").lines
    assert "does not exist in us-east-1; deploy it" in run("chat", "get", "--key", "alice", "profile").error
    kept = {backup["arn"] for backup in run("ops", "backups", "--json").json["backups"]}
    assert made <= kept, "no file has to remember them"
    deleted = run("ops", "cleanup", "--yes", "--json").json["deleted"]
    assert made <= {thing["id"] for thing in deleted}
    assert run("ops", "cleanup", "--dry-run", "--json").json["planned"] == []
