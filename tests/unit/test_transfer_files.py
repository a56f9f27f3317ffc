"""The files of a transfer: what is continued, what is refused, what an interruption leaves."""

import fcntl
import gzip
import io
import json
import os
import sqlite3
import sys
import tempfile
from functools import partial

import pytest
from botocore.exceptions import ClientError

from chat.__main__ import main
from chat.export import continued_file
from chat.import_ import ImportProgress, import_rest
from chat.item_files import opened
from chat.transfer import ProgressFile, bar
from cli.errors import OpsError

ALL = {"table": "one", "selection of items": "all items"}
NEW = {"bytes": 0, "items": 0, "after": {"0": None, "1": None, "2": None}}
KEY = {"pk": {"S": "p"}, "sk": {"S": "1"}}
ANSWER = {"Error": {"Code": "AccessDeniedException", "Message": "not you"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
DENIED = ClientError(ANSWER, "Scan")


def interrupted(path, by=KeyboardInterrupt):
    """Leave an export of two pages unfinished; what it says of that."""

    def two_pages():
        with continued_file(path, ALL, NEW, force=False) as output:
            output.write(0, [b"one\n"], KEY)
            output.write(1, [b"two\n"], None)
            raise by

    with pytest.raises((KeyboardInterrupt, OpsError)) as caught:
        two_pages()
    return str(caught.value)


def refusal(path, *, force=False, **other):
    with pytest.raises(OpsError) as caught, continued_file(path, ALL | other, NEW, force=force):
        pass
    return str(caught.value)


def test_an_interrupted_export_knows_where_it_continues(tmp_path):
    path, part = tmp_path / "out", tmp_path / "out.part"
    how_far = f"{part} has 2 items, and running the same command again continues"
    assert interrupted(path) == how_far
    for error, said in (DENIED, "Scan: AccessDeniedException: not you; "), (TimeoutError("gave up"), "gave up; "):
        part.unlink()
        assert interrupted(path, by=error).startswith(said)
    assert not path.exists()
    with part.open("ab") as file:
        file.write(b"half a li")  # after the last save, so it does not count
    with continued_file(path, ALL, NEW, force=False) as output:
        assert (output.state["items"], output.segments()) == (2, {0: KEY, 2: None})
        output.write(0, [b"three\n"], None)
    assert path.read_text() == "one\ntwo\nthree\n"
    assert os.listdir(tmp_path) == ["out"]


def test_what_is_not_this_unfinished_export_is_left_alone(tmp_path):
    path, part = tmp_path / "out", tmp_path / "out.part"
    part.write_text("mine")
    assert "exists but is not an unfinished export" in refusal(path, force=True)
    assert part.read_text() == "mine"
    part.unlink()
    interrupted(path)
    assert refusal(path, table="another") == (
        f"{part}.json belongs to an interrupted transfer with another table (one); "
        f"finish that one, or delete {part} to start over"
    )
    assert "another selection of items (all items)" in refusal(path, **{"selection of items": "messages"})
    state = part.with_name("out.part.json")
    saved = state.read_bytes()
    state.write_text("[]")
    assert refusal(path).endswith(f"or delete {part} to start over")
    state.write_bytes(saved)
    with part.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "is being written by another export" in refusal(path)
    assert part.read_text() == "one\ntwo\n"
    part.write_text("on")
    assert "was truncated" in refusal(path)
    (tmp_path / "out.part.json").write_text("{")
    assert f"delete {part} to start over" in refusal(path)
    part.unlink()
    with pytest.raises(OpsError, match="exists"), continued_file(path, ALL, NEW, force=False):
        path.write_text("mine")  # appears meanwhile
    assert path.read_text() == "mine"


class Recorder:
    """A client that takes batches, until it has taken ``most`` items; before each one it acts."""

    def __init__(self, most=10**9, then=KeyboardInterrupt, act=lambda: None):
        self.lines, self.most, self.then, self.act = [], most, then, act

    def batch_write_item(self, RequestItems):
        self.act()
        if len(self.lines) >= self.most:
            raise self.then
        ((_, requests),) = RequestItems.items()
        self.lines += [int(r["PutRequest"]["Item"]["sk"]["S"]) for r in requests]
        return {"UnprocessedItems": {}}


def run(path, client, table="one", *, if_absent=False, say=print):
    """Import; the line after which it continued, and its counts."""
    with opened(str(path)) as source:
        progress = ImportProgress(source, {"TableName": "T", "TableId": table}, if_absent=if_absent, say=say)
        began = progress.line
        import_rest(client, "T", source, progress)
        return began, progress.counts


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(f'{{"pk": "p", "sk": "{n}"}}\n' for n in range(1, 1001)))
    return path


STOPPED = r"written up to line \d+, and running the same command again continues"


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
@pytest.mark.parametrize(
    ("by", "said"),
    [(KeyboardInterrupt, STOPPED), (DENIED, rf"lines \d+ to \d+: Scan: AccessDeniedException: not you; .*{STOPPED}")],
    ids=["interrupted", "refused"],
)
def test_a_stopped_import_is_continued_after_what_is_written(file, packed, by, said):
    file.write_bytes(packed(file.read_bytes()))
    with pytest.raises((KeyboardInterrupt, OpsError), match=said):
        run(file, Recorder(most=300, then=by))
    line = json.loads((file.parent / "in.jsonl.T.import").read_text())["line"]
    assert 0 < line <= 400
    client = Recorder()
    for other, said in ({"table": "another"}, "table of that name"), ({"if_absent": True}, "choice of --if-absent"):
        with pytest.raises(OpsError, match=rf"another {said}.*in\.jsonl\.T\.import to start over"):
            run(file, client, **other)
    content = file.read_bytes()
    file.write_bytes(content + packed(b'{"pk": "p", "sk": "x"}\n'))
    with pytest.raises(OpsError, match="another content of the file"):
        run(file, client)
    assert client.lines == []
    file.write_bytes(content)
    assert run(file, client) == (line, {"written": 1000})
    assert sorted(client.lines) == list(range(line + 1, 1001))
    assert os.listdir(file.parent) == ["in.jsonl"]


def test_a_file_that_changes_while_it_is_imported_is_noticed(file):
    def change():
        with file.open("ab") as more:
            more.write(b"no JSON\n")

    with pytest.raises(OpsError, match="was changed during its import, and is partly written"):
        run(file, Recorder(act=change))
    assert os.listdir(file.parent) == ["in.jsonl"]  # so that it can be imported again


def test_an_import_continues_where_no_progress_can_be_saved(file, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ProgressFile, "save", full)
    monkeypatch.setattr(ProgressFile, "is_due", lambda _: True)
    said = []
    assert run(file, Recorder(), say=said.append)[1]["written"] == 1000
    assert said == [f"{file}.T.import: No space left on device; an interrupted import will start over"]


@pytest.fixture
def check(capsys, tmp_path):
    """``check(line, ...)``: the path of a file of these lines, and status, output and errors of its check."""

    def run(*lines, options=(), path=tmp_path / "in.jsonl"):
        if lines:
            path.write_bytes(
                b"".join(one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n" for one in lines)
            )
        status = main(["import", str(path), "--check", *options])
        return path, status, *capsys.readouterr()

    return run


def sent(at="2026-01-01T09:00Z", sender="Tom", recipient="Jerry", **more):
    return {"from": sender, "to": recipient, "body": "Hi", "at": at, **more}


PLAIN, LISTED = {"pk": "a", "sk": "b"}, {"pk": "USER#tom", "sk": "CONVERSATION#jerry#tom"}
TYPED = {"pk": {"S": "a"}, "sk": {"S": "b"}}


def test_a_check_needs_no_aws_and_says_what_is_there(check, monkeypatch):
    # Different messages by their ids, memberships, which are skipped, and a line that begins as the output of a scan.
    others = [sent(id="2"), sent(sender="Jerry", recipient="Tom", id="3"), LISTED, LISTED, {"Items": [2]} | PLAIN]
    path, *ran = check(sent(), *others)
    said = "3 messages, 1 other item, 2 rows of users' lists, to be skipped\n"
    assert ran == [0, f"{path}: {said}", ""]
    numbers = {"lines": 6, "messages": 3, "others": 1, "memberships": 2}
    assert json.loads(check(options=["--json"])[2]) == {"file": str(path), **numbers}
    # Compressed files, also of several members, are known by their content.
    packed = b"".join(map(gzip.compress, path.read_bytes().splitlines(keepends=True)))
    assert check(packed)[2] == f"{path}: {said}"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(packed)))
    assert check(path="-")[2] == f"standard input: {said}"


@pytest.mark.parametrize(
    "lines",
    [
        [sent(), sent(at="2026-01-01T09:01Z"), sent(body="Another text")],
        [sent(), {}, sent(sender="Jerry", recipient="Tom")],
        [sent(), LISTED, sent(sender="TOM", at="2026-01-01T10:00:00.0004+01:00")],
        [PLAIN, {"pk": "ab", "sk": "c"}, {"Item": TYPED | {"n": {"N": "1"}}}],
    ],
)
def test_two_lines_that_would_be_one_item_are_refused_with_both_numbers(check, lines):
    path, status, _, err = check(*lines)
    assert f"{path}:3: is the same item as line 1; remove one, or give a message an 'id'\n" in err
    assert err.endswith(" of 3 lines cannot be imported; nothing was written\n")
    assert status == 1


SCANNED = {"Items": [TYPED], "Count": 1, "ScannedCount": 1, "ConsumedCapacity": None}
GZIP = gzip.compress(b'{"pk": "a", "sk": "b"}\n' * 99, mtime=0)  # else workers would name their tests differently
DAMAGED = "error: {path} is a damaged or incomplete gzip file ("
NUMBERED = "".join(json.dumps({"pk": "a", "sk": str(n)}) + "\n" for n in range(30)).encode()
DOCUMENT = "error: {path} is one JSON document; make it one item a line with jq -c: '.[]' for an array"
DOCUMENTS = [
    "\ufeff" + json.dumps(document, indent=indent)
    for document in (SCANNED, dict(reversed(SCANNED.items())), [PLAIN], [])
    for indent in (None, 4)
]
REFUSED = [
    (b"\n \n", "error: {path} is empty; it needs one item or message a line\n", 1),
    (b"x" * 9_000_000, "{path}:1: is longer than 8 MiB; no item is that long\n", 3),
    # 20 lines are named
    (NUMBERED * 2, "error: {path}: 30 of 60 lines cannot be imported; nothing was written\n", 21),
    (GZIP[:5], DAMAGED, 1),
    (GZIP[:-1], DAMAGED, 1),
    (GZIP[:12] + b"\xff" + GZIP[13:], DAMAGED, 1),
    (GZIP + b"more", DAMAGED, 1),
    *((text.encode(), DOCUMENT, 1) for text in [*DOCUMENTS, json.dumps(PLAIN, indent=4)]),
]


@pytest.mark.parametrize(("content", "said", "count"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_file_that_cannot_be_imported_is_reported(check, content, said, count):
    path, status, out, err = check(content)
    assert (status, out) == (1, "")
    assert said.format(path=path) in err
    assert err.count("\n") == count


def test_a_missing_file_and_a_full_disk_are_one_line(check, monkeypatch):
    path, *missing = check()
    assert missing == [1, "", f"error: {path}: No such file or directory\n"]

    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("model.dataset.RepeatedKeys.first", full)
        _, status, out, err = check(PLAIN)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "cannot be checked for repeated keys: database or disk is full; free space" in err
    # The few bytes of a copy are in memory until its end, and once more when the file is closed.
    monkeypatch.setattr(tempfile, "TemporaryFile", partial(open, "/dev/full", "w+b"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{}\n")))
    why = "No space left on device; free disk space there, or name another folder in TMPDIR"
    assert check(path="-")[3] == f"error: standard input: cannot copy it to a temporary file: {why}\n"


def test_a_progress_bar_is_on_a_terminal_only_and_gone_at_the_end(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := io.StringIO())
    for is_terminal in (False, True):
        assert terminal.getvalue() == ""
        terminal.isatty = lambda found=is_terminal: found
        with bar("importing [x]", 1000) as advance:
            advance(300)
    assert "300 of about 1,000" in terminal.getvalue()
    assert "importing [x]" in terminal.getvalue()
    assert terminal.getvalue().rindex("\x1b[?25h") > terminal.getvalue().rindex("\x1b[?25l")  # the cursor shows
