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

from chat.__main__ import main
from chat.transfer.importing import import_rest
from chat.transfer.outputs import part_file
from chat.transfer.progress import Progress
from chat.transfer.scanning import Page, Selection
from chat.transfer.sources import opened
from chat.transfer.state import StateFile
from chat.transfer.tables import Described
from cli.errors import OpsError

TABLE = Described(name="T", id="one", items=0, has_stream=True)
OTHER = Described(name="T", id="another", items=0, has_stream=True)
ALL, MESSAGES = Selection(), Selection(messages_only=True)
KEY = {"pk": {"S": "p"}, "sk": {"S": "1"}}


def two_pages(path, table, selection):
    with part_file(path, table, selection, force=False) as output:
        output.write(0, b"one\n", Page([KEY], KEY))
        output.write(1, b"two\n", Page([KEY], None))
        raise KeyboardInterrupt


def interrupted(path, table=TABLE, selection=ALL):
    """Leave an export of two pages unfinished; what it says of that."""
    with pytest.raises(KeyboardInterrupt) as caught:
        two_pages(path, table, selection)
    return str(caught.value)


def refusal(path, table=TABLE, selection=ALL, *, force=False):
    with pytest.raises(OpsError) as caught, part_file(path, table, selection, force=force):
        pass
    return str(caught.value)


def test_an_interrupted_export_knows_where_it_goes_on(tmp_path):
    path = tmp_path / "out"
    interrupted(path)
    assert not path.exists()
    with part_file(path, TABLE, ALL, force=False) as output:
        assert (output.items, output.left(4)) == (2, {0: KEY, 2: None, 3: None})
        output.write(0, b"three\n", Page([KEY], None))
    assert path.read_text() == "one\ntwo\nthree\n"
    assert os.listdir(tmp_path) == ["out"]


def test_what_was_written_after_the_last_saved_state_does_not_count(tmp_path):
    path = tmp_path / "out"
    interrupted(path)
    with (tmp_path / "out.part").open("ab") as file:
        file.write(b"half a li")
    with part_file(path, TABLE, ALL, force=False):
        pass
    assert path.read_text() == "one\ntwo\n"


def test_an_interruption_says_how_far_it_came(tmp_path):
    path = tmp_path / "out"
    said = f"{path}.part has 2 items, and running the same command again continues"
    assert interrupted(path) == said


def test_the_unfinished_export_of_something_else_is_left_alone(tmp_path):
    path, part = tmp_path / "out", tmp_path / "out.part"
    interrupted(path)
    assert f"{part} is an unfinished export of another table" in refusal(path, OTHER)
    assert "of other items (all items)" in refusal(path, selection=MESSAGES)
    assert f"delete {part} to begin anew" in refusal(path, selection=Selection(conversation="a#b"))
    assert part.read_text() == "one\ntwo\n"
    part.unlink()
    with part_file(path, OTHER, MESSAGES, force=False) as output:
        assert output.items == 0
    assert os.listdir(tmp_path) == ["out"]


def test_a_file_of_somebody_is_not_written_over(tmp_path):
    part = tmp_path / "out.part"
    part.write_text("mine")
    assert "is in the way, and of no export" in refusal(tmp_path / "out", force=True)
    assert part.read_text() == "mine"


def test_a_cut_or_unreadable_state_is_refused(tmp_path):
    interrupted(tmp_path / "out")
    (tmp_path / "out.part").write_text("on")
    assert "is shorter than it was" in refusal(tmp_path / "out")
    (tmp_path / "out.part.json").write_text("{")
    assert "out.part.json is not readable; delete it" in refusal(tmp_path / "out")


def test_two_exports_do_not_write_the_same_file(tmp_path):
    interrupted(tmp_path / "out")
    with (tmp_path / "out.part").open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "is being written by another export" in refusal(tmp_path / "out")


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path):
    path = tmp_path / "out"
    with pytest.raises(OpsError, match="exists"), part_file(path, TABLE, ALL, force=False):
        path.write_text("mine")
    assert path.read_text() == "mine"


class Recorder:
    """A client that takes every batch, until it has taken so many."""

    def __init__(self, most=10**9):
        self.lines, self.most = [], most

    def batch_write_item(self, RequestItems):
        if len(self.lines) >= self.most:
            raise KeyboardInterrupt
        ((_, requests),) = RequestItems.items()
        self.lines += [int(r["PutRequest"]["Item"]["sk"]["S"]) for r in requests]
        return {"UnprocessedItems": {}}


def run(path, client, table=TABLE, *, if_absent=False, say=print):
    with opened(str(path)) as source:
        progress = Progress(source, table, if_absent=if_absent, say=say)
        continued = progress.resume()
        import_rest(client, table, source, progress, lambda _: None)
        return continued, progress.counts


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(f'{{"pk": "p", "sk": "{n}"}}\n' for n in range(1, 1001)))
    return path


@pytest.fixture
def stopped(file):
    """A file whose import was interrupted."""
    with pytest.raises(KeyboardInterrupt, match=r"what is up to line \d+ of .* is written"):
        run(file, Recorder(most=300))
    return file


def test_an_interrupted_import_is_continued_behind_what_is_written(stopped):
    state = json.loads((stopped.parent / "in.jsonl.T.import").read_text())
    assert 0 < state["line"] <= 400
    client = Recorder()
    assert run(stopped, client) == (True, {"written": 1000, "memberships_skipped": 0})
    assert sorted(client.lines) == list(range(state["line"] + 1, 1001))
    assert os.listdir(stopped.parent) == ["in.jsonl"]


@pytest.mark.parametrize(
    ("change", "table", "if_absent", "said"),
    [
        (b'{"pk": "p", "sk": "x"}\n', TABLE, False, "another content of the file"),
        (b"", OTHER, False, "another table of that name"),
        (b"", TABLE, True, "another choice of --if-absent"),
    ],
)
def test_an_import_of_something_else_is_not_continued(stopped, change, table, if_absent, said):
    with stopped.open("ab") as file:
        file.write(change)
    client = Recorder()
    with pytest.raises(OpsError, match=said) as caught:
        run(stopped, client, table, if_absent=if_absent)
    assert "delete it to begin anew" in str(caught.value)
    assert client.lines == []


def test_a_file_of_the_same_size_with_another_content_is_noticed(stopped):
    stopped.write_bytes(stopped.read_bytes().replace(b'"1"', b'"x"'))
    with pytest.raises(OpsError, match="another content of the file"):
        run(stopped, Recorder())


@pytest.mark.parametrize("line", [b"\n", b"no JSON\n"])
def test_a_file_that_changes_while_it_is_imported_is_noticed(file, monkeypatch, line):
    class Changing(Recorder):
        def batch_write_item(self, **request):
            with file.open("ab") as more:
                more.write(line)
            return super().batch_write_item(**request)

    monkeypatch.setattr(StateFile, "is_due", lambda _: True)
    with pytest.raises(OpsError, match="was changed while it was imported, and is written in part"):
        run(file, Changing())
    assert os.listdir(file.parent) == ["in.jsonl"]  # so that it can be imported again


def test_an_import_goes_on_where_no_state_can_be_kept(file, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(StateFile, "save", full)
    monkeypatch.setattr(StateFile, "is_due", lambda _: True)
    said = []
    assert run(file, Recorder(), say=said.append)[1]["written"] == 1000
    assert said == [f"{file}.T.import: No space left on device; an interrupted import begins anew"]


def test_an_interrupted_import_of_a_compressed_file_is_continued(file):
    file.write_bytes(gzip.compress(file.read_bytes()))
    with pytest.raises(KeyboardInterrupt, match="running the same command again continues"):
        run(file, Recorder(most=300))
    state = json.loads((file.parent / "in.jsonl.T.import").read_text())
    client = Recorder()
    assert run(file, client) == (True, {"written": 1000, "memberships_skipped": 0})
    assert sorted(client.lines) == list(range(state["line"] + 1, 1001))
    assert os.listdir(file.parent) == ["in.jsonl"]


def test_a_compressed_file_is_as_large_as_its_content(file):
    content = file.read_bytes()
    file.write_bytes(gzip.compress(content))
    with opened(str(file)) as source:
        assert source.size() == len(content)


def check(capsys, path, *options):
    status = main(["import", str(path), "--check", *options])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_a_check_needs_no_aws_and_says_what_is_there(capsys, tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text(
        '{"from": "Tom", "to": "Jerry", "body": "Hi", "at": "2026-01-01T09:00:00Z"}\n'
        '{"pk": "a", "sk": "b"}\n{"pk": "USER#tom", "sk": "CONVERSATION#jerry#tom"}\n'
    )
    assert check(capsys, path) == (0, f"{path}: 1 message, 1 other item, 1 row of users' lists, to be skipped\n", "")
    assert json.loads(check(capsys, path, "--json")[1]) == {
        "file": str(path),
        "lines": 3,
        "messages": 1,
        "others": 1,
        "memberships": 1,
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "error: {path} is empty; it needs one item or message a line\n"),
        (b"\n \n", "error: {path} is empty; it needs one item or message a line\n"),
        (
            b"x" * 9_000_000,
            "{path}:1: is longer than 8 MiB; no item takes so much\n"
            "error: {path}: 1 of 1 line cannot be imported; nothing was written\n",
        ),
    ],
)
def test_a_file_that_cannot_be_imported_is_said(capsys, tmp_path, content, said):
    path = tmp_path / "in.jsonl"
    path.write_bytes(content)
    assert check(capsys, path) == (1, "", said.format(path=path))


def lines_file(tmp_path, *lines):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def sent(at="2026-01-01T09:00Z", sender="Tom", recipient="Jerry", **more):
    return {"from": sender, "to": recipient, "body": "Hi", "at": at, **more}


@pytest.mark.parametrize(
    "second",
    [
        sent(),
        sent(body="Another text"),
        sent(sender="Jerry", recipient="Tom"),
        sent(sender="TOM"),
        sent(at="2026-01-01T09:00:00.0004Z"),
        sent(at="2026-01-01T10:00+01:00"),
    ],
)
def test_two_messages_that_would_be_one_item_are_refused_with_both_lines(capsys, tmp_path, second):
    path = lines_file(tmp_path, sent(), sent(at="2026-01-01T09:01Z"), second)
    assert check(capsys, path) == (
        1,
        "",
        f"{path}:3: is another message of the same users and time as line 1; give one of them an "
        "'id' of its own, or remove one\n"
        f"error: {path}: 1 of 3 lines cannot be imported; nothing was written\n",
    )


def test_an_id_of_its_own_makes_a_message_another_item(capsys, tmp_path):
    path = lines_file(tmp_path, sent(), sent(id="2"), sent(sender="Jerry", recipient="Tom", id="3"))
    assert check(capsys, path)[0] == 0


def test_items_with_one_key_are_refused_in_whatever_form_they_come(capsys, tmp_path):
    plain = {"pk": "a", "sk": "b"}
    typed = {"Item": {"pk": {"S": "a"}, "sk": {"S": "b"}, "n": {"N": "1"}}}
    path = lines_file(tmp_path, plain, {"pk": "ab", "sk": ""} | {"sk": "c"}, typed)
    assert check(capsys, path)[2].startswith(f"{path}:3: is the same item as line 1; remove one of them\n")


def test_the_first_of_many_repeated_lines_are_named_and_all_are_counted(capsys, tmp_path):
    items = [{"pk": "a", "sk": str(n)} for n in range(30)]
    path = lines_file(tmp_path, *items * 2)
    status, _, err = check(capsys, path)
    assert status == 1
    *named, last = err.splitlines()
    assert named == [f"{path}:{n + 30}: is the same item as line {n}; remove one of them" for n in range(1, 21)]
    assert last == f"error: {path}: 30 of 60 lines cannot be imported; nothing was written"


def test_lines_of_lists_which_are_skipped_may_be_repeated(capsys, tmp_path):
    row = {"pk": "USER#tom", "sk": "CONVERSATION#jerry#tom"}
    assert check(capsys, lines_file(tmp_path, row, row, sent()))[0] == 0


def test_a_file_that_cannot_be_read_is_said(capsys, tmp_path):
    missing = tmp_path / "missing"
    assert check(capsys, missing) == (1, "", f"error: {missing}: No such file or directory\n")
    assert check(capsys, tmp_path) == (1, "", f"error: {tmp_path}: Is a directory\n")


def test_standard_input_can_be_checked(capsys, monkeypatch):
    given = io.TextIOWrapper(io.BytesIO(b'{"pk": "a", "sk": "b"}\n{'))
    monkeypatch.setattr(sys, "stdin", given)
    status, _, err = check(capsys, "-")
    assert status == 1
    assert err.startswith("standard input:2: is not valid JSON")


def test_compressed_files_are_known_by_their_content(capsys, monkeypatch, tmp_path):
    packed = gzip.compress(b'{"pk": "a", "sk": "b"}\n') + gzip.compress(b'{"pk": "a", "sk": "c"}\n')
    path = tmp_path / "in.jsonl"
    path.write_bytes(packed)
    assert check(capsys, path)[1].startswith(f"{path}: 0 messages, 2 other items")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(packed)))
    assert check(capsys, "-")[1].startswith("standard input: 0 messages, 2 other items")


TYPED = {"pk": {"S": "a"}, "sk": {"S": "b"}}
PLAIN = {"pk": "a", "sk": "b"}
SCANNED = {"Items": [TYPED], "Count": 1, "ScannedCount": 1, "ConsumedCapacity": None}
WHOLE = {
    "scan": (SCANNED, "is the output of a scan or query", ".Items[] | {Item: .}"),
    "count first": (dict(reversed(SCANNED.items())), "a scan or query", ".Items[] | {Item: .}"),
    "plain scan": ({"Items": [PLAIN], "Count": 1}, "a scan or query", ".Items[]"),
    "typed array": ([TYPED, TYPED], "is a JSON array", ".[] | {Item: .}"),
    "plain array": ([PLAIN], "is a JSON array", ".[]"),
    "empty array": ([], "is a JSON array", ".[]"),
}


def by_jq(document, query):
    """The lines that the query of jq makes of a document."""
    path, _, made = query.partition(" | ")
    items = document["Items"] if path == ".Items[]" else document
    return [{"Item": item} if made else item for item in items]


@pytest.mark.parametrize("indent", [None, 4])
@pytest.mark.parametrize(("document", "said", "query"), WHOLE.values(), ids=WHOLE)
def test_one_document_instead_of_lines_is_one_error_with_the_way_out(capsys, tmp_path, document, said, query, indent):
    path = tmp_path / "in.json"
    path.write_text("\ufeff" + json.dumps(document, indent=indent))
    status, out, err = check(capsys, path)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert said in err
    assert err.endswith(f"; make it one item a line with: jq -c '{query}'\n")


@pytest.mark.parametrize("name", ["scan", "count first", "plain scan", "plain array"])
def test_what_the_way_out_makes_can_be_imported(capsys, tmp_path, name):
    document, _, query = WHOLE[name]
    assert check(capsys, lines_file(tmp_path, *by_jq(document, query)))[0] == 0


def test_one_item_over_several_lines_is_one_error(capsys, tmp_path):
    path = tmp_path / "in.json"
    path.write_text(json.dumps({"Item": TYPED}, indent=4))
    assert check(capsys, path) == (
        1,
        "",
        f"error: {path} is JSON over several lines; make it one item a line with: jq -c '.'\n",
    )


@pytest.mark.parametrize("attribute", ["Items", "Count"])
def test_an_item_whose_first_attribute_is_that_of_a_scan_is_a_line(capsys, tmp_path, attribute):
    assert check(capsys, lines_file(tmp_path, {attribute: [1], "Items": [2]} | PLAIN))[0] == 0


GZIP = gzip.compress(b'{"pk": "a", "sk": "b"}\n' * 99)


@pytest.mark.parametrize(
    "content",
    [GZIP[:5], GZIP[:-9], GZIP[:-1], GZIP[:12] + b"\xff" + GZIP[13:], GZIP[:-8] + b"x" * 8, GZIP + b"more"],
    ids=["header", "cut", "last byte", "data", "checksum", "more"],
)
def test_a_damaged_compressed_file_is_one_line(capsys, tmp_path, content):
    path = tmp_path / "in.jsonl.gz"
    path.write_bytes(content)
    status, out, err = check(capsys, path)
    assert (status, out) == (1, "")
    assert err.startswith(f"error: {path} is a damaged or incomplete gzip file (")
    assert err.count("\n") == 1


NO_SPACE = (
    f"cannot copy it to a temporary file in {tempfile.gettempdir()}: No space left on device; "
    "free disk space there, or name another folder in TMPDIR\n"
)


def test_a_disk_that_is_full_at_the_end_of_a_copy_is_not_taken_for_standard_output(capsys, monkeypatch):
    # The few bytes are in memory until then, and once more when the file is closed.
    monkeypatch.setattr(tempfile, "TemporaryFile", partial(open, "/dev/full", "w+b"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{}\n")))
    assert check(capsys, "-") == (1, "", f"error: standard input: {NO_SPACE}")


def test_a_machine_without_a_folder_for_temporary_files_is_one_line(capsys, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/nowhere"])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{}\n")))
    status, out, err = check(capsys, "-")
    assert (status, out) == (1, "")
    assert err == (
        "error: standard input: cannot copy it to a temporary file: No usable temporary directory "
        "found in ['/nowhere']; name a folder for it in TMPDIR\n"
    )


def test_a_full_disk_of_temporary_files_is_one_line(capsys, monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("chat.transfer.sources.shutil.copyfileobj", full)
    path = tmp_path / "in.jsonl.gz"
    path.write_bytes(GZIP)
    assert check(capsys, path) == (1, "", f"error: {path}: {NO_SPACE}")


def test_a_full_disk_while_keys_are_compared_is_one_line(capsys, monkeypatch, tmp_path):
    def full(*_):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("model.dataset.RepeatedKeys.first", full)
    path = lines_file(tmp_path, PLAIN)
    status, out, err = check(capsys, path)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "in a temporary file: database or disk is full; free disk space" in err


def test_export_to_standard_output_has_no_result_of_its_own(capsys):
    assert main(["export", "--json", "--table", "T-1"]) == 2
    assert "--json is about the result, and needs FILE" in capsys.readouterr().err
