"""The grade by the public conformance suite, without the suite itself."""

from collections import Counter

import pytest

from embedded_aws.tests import conformance, grades

TITLE = "empty RequestItems: full required-parameter error"


@pytest.fixture
def grade(tmp_path, monkeypatch, capsys):
    """``grade({"tier3/a.test.ts": {"title": "failed"}})``: what is printed for such a run; two tests must pass."""
    for folder in ("tests/tier1", "node_modules/.bin"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "node_modules/.bin/vitest").touch()
    monkeypatch.setattr(conformance, "PASSED", 2)

    def run(files, *only):
        monkeypatch.setattr("sys.argv", ["conformance", str(tmp_path), *only])
        report = [
            {
                "name": str(tmp_path / "tests" / name),
                "assertionResults": [{"title": title, "status": status} for title, status in tests.items()],
            }
            for name, tests in files.items()
        ]
        monkeypatch.setattr(conformance, "run", lambda _, paths: {"testResults": report} if paths == list(only) else {})
        conformance.main()
        return capsys.readouterr().out

    return run


def test_a_run_is_counted_by_tier(grade):
    known = {"tier3/error-messages/batchGetItem.test.ts": {TITLE: "failed"}}
    shown = grade({"tier1/a.test.ts": {"one": "passed", "two": "pending", "three": "passed"}} | known).splitlines()
    assert [line.split() for line in shown[:4]] == [
        ["tier", "passed", "failed", "skipped"],
        ["tier1", "2", "0", "1"],
        ["tier3", "0", "1", "0"],
        ["all", "2", "1", "1"],
    ]
    assert shown[4:] == [f"failed, known: tier3/error-messages/batchGetItem.test.ts: {TITLE}"]


def test_an_unknown_failure_and_too_few_passes_are_errors(grade):
    with pytest.raises(SystemExit, match="2 tests passed and 1 unknown"):
        grade({"tier1/a.test.ts": {"one": "passed", "two": "failed", "three": "passed"}})
    with pytest.raises(SystemExit, match="1 tests passed and 0 unknown"):
        grade({"tier1/a.test.ts": {"one": "passed", "two": "pending"}})


def test_of_a_part_all_tests_must_pass(grade):
    path = "tests/tier2/backups"
    assert "tier2" in grade({"tier2/backups/a.test.ts": {"one": "passed"}}, path)
    with pytest.raises(SystemExit, match="1 tests passed and 1 unknown"):
        grade({"tier2/backups/a.test.ts": {"one": "passed", "two": "failed"}}, path)
    with pytest.raises(SystemExit, match="0 tests passed and 0 unknown"):
        grade({"tier2/backups/a.test.ts": {"one": "pending"}}, path)


@pytest.mark.parametrize("given", [[], [""], ["/none"]])
def test_without_the_suite_one_line_says_how_to_get_it(given, monkeypatch):
    monkeypatch.setattr("sys.argv", ["conformance", *given])
    with pytest.raises(SystemExit, match=r"git clone .* npm ci") as caught:
        conformance.main()
    assert "\n" not in caught.value.code


def test_the_judges_without_network_are_counted_by_their_files():
    files = {judge: grades.found(names) for judge, names in grades.JUDGES.items()}
    assert all(files.values())
    (first, *_), *_ = files.values()
    seen = Counter({(first.name, "passed"): 12, (first.name, "failed"): 1, ("other.py", "passed"): 3})
    head, line, *_ = grades.table(files, seen).splitlines()
    assert head.split() == ["judge", *grades.OUTCOMES]
    assert line.split()[-3:] == ["12", "1", "0"]
