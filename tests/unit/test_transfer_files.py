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
from chat.import_ import Progress, import_rest
from chat.item_files import opened
from chat.transfer import ProgressFile, bar
from cli.errors import OpsError

ALL = {"table": "one", "selection of items": "all items"}
NEW = {"bytes": 0, "items": 0, "after": {"0": None, "1": None, "2": None}}
KEY = {"pk": {"S": "p"}, "sk": {"S": "1"}}


DENIED = ClientError(
    {"Error": {"Code": "AccessDeniedException", "Message": "not you"}, "ResponseMetadata": {"HTTPStatusCode": 400}},
    "Scan",
)


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
    path = tmp_path / "out"
    how_far = f"{path}.part has 2 items, and running the same command again continues"
    assert interrupted(path) == how_far
    for error, said in (DENIED, "Scan: AccessDeniedException: not you; "), (TimeoutError("gave up"), "gave up; "):
        (tmp_path / "out.part").unlink()
        assert interrupted(path, by=error).startswith(said)
    assert not path.exists()
    with (tmp_path / "out.part").open("ab") as file:
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
    with pytest.raises(OpsError, match="exists"), continued_file(path, ALL, NEW, force=False):
        path.write_text("mine")  # appears meanwhile
    assert path.read_text() == "mine"
    path.unlink()
    part.unlink()

    interrupted(path)
    assert refusal(path, table="another") == (
        f"{part}.json belongs to an interrupted transfer with another table (one); "
        f"finish that one, or delete {part} to start over"
    )
    assert "another selection of items (all items)" in refusal(path, **{"selection of items": "messages"})
    assert part.read_text() == "one\ntwo\n"
    with part.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "is being written by another export" in refusal(path)
    part.write_text("on")
    assert "was truncated" in refusal(path)
    (tmp_path / "out.part.json").write_text("{")
    assert f"delete {part} to start over" in refusal(path)
    part.unlink()
    with continued_file(path, ALL, NEW, force=False) as output:
        assert output.state["items"] == 0
    assert os.listdir(tmp_path) == ["out"]


class Recorder:
    """A client that takes batches, until it has taken ``most`` items."""

    def __init__(self, most=10**9, then=KeyboardInterrupt):
        self.lines, self.most, self.then = [], most, then

    def batch_write_item(self, RequestItems):
        if len(self.lines) >= self.most:
            raise self.then
        ((_, requests),) = RequestItems.items()
        self.lines += [int(r["PutRequest"]["Item"]["sk"]["S"]) for r in requests]
        return {"UnprocessedItems": {}}


def run(path, client, table="one", *, if_absent=False, say=print):
    """Import; the line after which it continued, and its counts."""
    with opened(str(path)) as source:
        progress = Progress(source, {"TableName": "T", "TableId": table}, if_absent=if_absent, say=say)
        began = progress.line
        import_rest(client, "T", source, progress)
        return began, progress.counts


@pytest.fixture(params=[bytes, gzip.compress], ids=["plain", "gzip"])
def file(tmp_path, request):
    path = tmp_path / "in.jsonl"
    path.write_bytes(request.param("".join(f'{{"pk": "p", "sk": "{n}"}}\n' for n in range(1, 1001)).encode()))
    return path


@pytest.fixture
def stopped(file):
    """A file whose import was interrupted."""
    with pytest.raises(KeyboardInterrupt, match=r"written up to line \d+, and running the same command"):
        run(file, Recorder(most=300))
    return file


def test_an_interrupted_import_is_continued_after_what_is_written(stopped):
    state = json.loads((stopped.parent / "in.jsonl.T.import").read_text())
    assert 0 < state["line"] <= 400
    client = Recorder()
    assert run(stopped, client) == (state["line"], {"written": 1000})
    assert sorted(client.lines) == list(range(state["line"] + 1, 1001))
    assert os.listdir(stopped.parent) == ["in.jsonl"]


def test_a_refused_import_names_the_lines_and_is_continued(file):
    with pytest.raises(
        OpsError, match=r"lines \d+ to \d+: Scan: AccessDeniedException: not you;.* command again continues"
    ):
        run(file, Recorder(most=300, then=DENIED))
    began, counts = run(file, Recorder())
    assert (began > 0, counts) == (True, {"written": 1000})


@pytest.mark.parametrize(
    ("change", "table", "if_absent", "said"),
    [
        (b'{"pk": "p", "sk": "x"}\n', "one", False, "another content of the file"),
        (b"", "another", False, "another table of that name"),
        (b"", "one", True, "another choice of --if-absent"),
    ],
)
def test_an_import_of_something_else_is_not_continued(stopped, change, table, if_absent, said):
    with stopped.open("ab") as file:
        file.write(change if stopped.read_bytes()[:1] == b"{" else gzip.compress(change))
    client = Recorder()
    with pytest.raises(OpsError, match=said) as caught:
        run(stopped, client, table, if_absent=if_absent)
    assert "in.jsonl.T.import to start over" in str(caught.value)
    assert client.lines == []


@pytest.mark.parametrize("file", [bytes], indirect=True)
def test_a_file_that_changes_while_it_is_imported_is_noticed(file):
    class Changing(Recorder):
        def batch_write_item(self, **request):
            with file.open("ab") as more:
                more.write(b"no JSON\n")
            return super().batch_write_item(**request)

    with pytest.raises(OpsError, match="was changed during its import, and is partly written"):
        run(file, Changing())
    assert os.listdir(file.parent) == ["in.jsonl"]  # so that it can be imported again


def test_an_import_continues_where_no_progress_can_be_saved(file, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ProgressFile, "save", full)
    monkeypatch.setattr(ProgressFile, "is_due", lambda _: True)
    said = []
    assert run(file, Recorder(), say=said.append)[1]["written"] == 1000
    assert said == [f"{file}.T.import: No space left on device; an interrupted import will start over"]


def lines_file(tmp_path, *lines):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def check(capsys, path, *options):
    status = main(["import", str(path), "--check", *options])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_a_check_needs_no_aws_and_says_what_is_there(capsys, monkeypatch, tmp_path):
    path = lines_file(tmp_path, sent(), PLAIN, LISTED)
    assert check(capsys, path) == (0, f"{path}: 1 message, 1 other item, 1 row of users' lists, to be skipped\n", "")
    numbers = {"lines": 3, "messages": 1, "others": 1, "memberships": 1}
    assert json.loads(check(capsys, path, "--json")[1]) == {"file": str(path), **numbers}
    # Compressed files, also of several members, are known by their content.
    packed = b"".join(map(gzip.compress, path.read_bytes().splitlines(keepends=True)))
    path.write_bytes(packed)
    assert check(capsys, path)[1].startswith(f"{path}: 1 message, 1 other item")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(packed)))
    assert check(capsys, "-")[1].startswith("standard input: 1 message, 1 other item")


def sent(at="2026-01-01T09:00Z", sender="Tom", recipient="Jerry", **more):
    return {"from": sender, "to": recipient, "body": "Hi", "at": at, **more}


PLAIN, LISTED = {"pk": "a", "sk": "b"}, {"pk": "USER#tom", "sk": "CONVERSATION#jerry#tom"}
TYPED = {"pk": {"S": "a"}, "sk": {"S": "b"}}


@pytest.mark.parametrize(
    "lines",
    [
        [sent(), sent(at="2026-01-01T09:01Z"), sent(body="Another text")],
        [sent(), {}, sent(sender="Jerry", recipient="Tom")],
        [sent(), LISTED, sent(sender="TOM")],
        [sent(), LISTED, sent(at="2026-01-01T09:00:00.0004Z")],
        [sent(), LISTED, sent(at="2026-01-01T10:00+01:00")],
        [PLAIN, {"pk": "ab", "sk": "c"}, {"Item": TYPED | {"n": {"N": "1"}}}],
    ],
)
def test_two_lines_that_would_be_one_item_are_refused_with_both_numbers(capsys, tmp_path, lines):
    path = lines_file(tmp_path, *lines)
    status, _, err = check(capsys, path)
    assert f"{path}:3: is the same item as line 1; remove one, or give a message an 'id'\n" in err
    assert err.endswith(" of 3 lines cannot be imported; nothing was written\n")
    assert status == 1


@pytest.mark.parametrize(
    "lines",
    [
        [sent(), sent(id="2"), sent(sender="Jerry", recipient="Tom", id="3")],
        [LISTED, LISTED, sent()],  # skipped
        [{"Items": [2]} | PLAIN],  # begins as the output of a scan
    ],
)
def test_lines_that_are_different_items_are_taken(capsys, tmp_path, lines):
    assert check(capsys, lines_file(tmp_path, *lines))[0] == 0


SCANNED = {"Items": [TYPED], "Count": 1, "ScannedCount": 1, "ConsumedCapacity": None}


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize("document", [SCANNED, dict(reversed(SCANNED.items())), [PLAIN], [], PLAIN])
def test_one_document_instead_of_lines_is_one_error_with_the_way_out(capsys, tmp_path, document, indent):
    path = tmp_path / "in.json"
    path.write_text("\ufeff" + json.dumps(document, indent=indent))
    status, out, err = check(capsys, path)
    if document == PLAIN and indent is None:
        assert (status, err) == (0, "")
        return
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"error: {path} is one JSON document; make it one item a line with jq -c: '.[]' for an array")


GZIP = gzip.compress(b'{"pk": "a", "sk": "b"}\n' * 99)
DAMAGED = "error: {path} is a damaged or incomplete gzip file ("
NUMBERED = "".join(json.dumps({"pk": "a", "sk": str(n)}) + "\n" for n in range(30)).encode()
REFUSED = {
    "missing": (None, "error: {path}: No such file or directory\n"),
    "empty": (b"\n \n", "error: {path} is empty; it needs one item or message a line\n"),
    "long": (b"x" * 9_000_000, "{path}:1: is longer than 8 MiB, and no item is\n"),
    "repeated": (NUMBERED * 2, "error: {path}: 30 of 60 lines cannot be imported; nothing was written\n"),
    "gzip's header": (GZIP[:5], DAMAGED),
    "gzip's last byte": (GZIP[:-1], DAMAGED),
    "gzip's data": (GZIP[:12] + b"\xff" + GZIP[13:], DAMAGED),
    "more than gzip": (GZIP + b"more", DAMAGED),
}


@pytest.mark.parametrize(("content", "said"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_cannot_be_imported_is_reported(capsys, tmp_path, content, said):
    path = tmp_path / "in.jsonl"
    if content:
        path.write_bytes(content)
    status, out, err = check(capsys, path)
    assert (status, out) == (1, "")
    assert said.format(path=path) in err
    assert err.count("\n") == {NUMBERED * 2: 21, b"x" * 9_000_000: 3}.get(content, 1)  # 20 lines are named


def test_a_full_disk_during_a_check_is_one_line(capsys, monkeypatch, tmp_path):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("model.dataset.RepeatedKeys.first", full)
        status, out, err = check(capsys, lines_file(tmp_path, PLAIN))
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "in a temporary file: database or disk is full; free disk space" in err
    # The few bytes of a copy are in memory until its end, and once more when the file is closed.
    monkeypatch.setattr(tempfile, "TemporaryFile", partial(open, "/dev/full", "w+b"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{}\n")))
    why = "No space left on device; free disk space there, or name another folder in TMPDIR"
    assert check(capsys, "-") == (1, "", f"error: standard input: cannot copy it to a temporary file: {why}\n")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("total", "shown"), [(1000, "300 of about 1,000"), (None, "300")])
def test_a_progress_bar_is_on_a_terminal_only_and_gone_at_the_end(monkeypatch, total, shown):
    monkeypatch.setattr(sys, "stderr", io.StringIO())  # no terminal
    with bar("exporting T", 10) as advance:
        advance(3)
    assert sys.stderr.getvalue() == ""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with bar("importing [x]", total) as advance:
        advance(300)
    assert shown in terminal.getvalue()
    assert "importing [x]" in terminal.getvalue()
    assert terminal.getvalue().rindex("\x1b[?25h") > terminal.getvalue().rindex("\x1b[?25l")  # the cursor shows
