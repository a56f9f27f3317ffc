"""The lock files pin everything by hash and are in step with what asks for them."""

import json
import re
import tomllib

import pytest
from packaging.requirements import Requirement

from supply_chain import audit, licences, locks
from supply_chain.locks import Locked
from tests.conftest import PROJECT

ASKED = tomllib.loads((PROJECT / "pyproject.toml").read_text())
HASH = re.compile(r"sha256:[0-9a-f]{64}|sha512-[A-Za-z0-9+/]{86}==")


@pytest.mark.parametrize("lock", [*locks.PYTHON_LOCKS, locks.NPM_LOCK])
def test_every_entry_of_a_lock_has_a_version_and_hashes(lock):
    read = locks.npm if lock == locks.NPM_LOCK else locks.python
    entries = list(read(PROJECT / lock))
    assert entries
    for entry in entries:
        assert entry.version, entry
        assert entry.hashes, f"{lock}: {entry.name} has no hash: run `make lock`"
        assert all(HASH.fullmatch(value) for value in entry.hashes), entry


@pytest.mark.parametrize(
    ("lock", "asked"),
    [
        ("requirements.txt", ASKED["project"]["dependencies"]),
        ("requirements/dev.txt", ASKED["dependency-groups"]["dev"]),
    ],
)
def test_a_lock_satisfies_what_pyproject_asks_for(lock, asked):
    locked = {entry.name: entry.version for entry in locks.python(PROJECT / lock)}
    for requirement in map(Requirement, asked):
        version = locked.get(locks.canonical(requirement.name))
        assert version, f"{requirement.name} is not in {lock}: run `make lock`"
        assert requirement.specifier.contains(version), (
            f"{lock} has {requirement.name} {version}, pyproject.toml asks for {requirement.specifier}: run `make lock`"
        )


def test_what_both_python_locks_have_is_the_same_version():
    deployed = {e.name: e.version for e in locks.python(PROJECT / "requirements.txt")}
    for entry in locks.python(PROJECT / "requirements/dev.txt"):
        assert deployed.get(entry.name, entry.version) == entry.version


def test_the_npm_lock_is_of_package_json():
    asked = json.loads((PROJECT / "package.json").read_text())["devDependencies"]
    packages = json.loads((PROJECT / locks.NPM_LOCK).read_text())["packages"]
    assert packages[""]["devDependencies"] == asked
    for name, version in asked.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{name} is not pinned: {version}"
        assert packages[f"node_modules/{name}"]["version"] == version


def test_an_entry_that_pins_nothing_is_an_error_with_its_place(tmp_path):
    lock = tmp_path / "requirements.txt"
    lock.write_text("attrs==26.1.0 \\\n    --hash=sha256:" + "a" * 64 + "\nboto3>=1\n")
    with pytest.raises(ValueError, match=r"requirements.txt, entry 2: 'boto3>=1' is not"):
        list(locks.python(lock))


def test_a_marker_and_all_hashes_of_an_entry_are_read(tmp_path):
    lock = tmp_path / "requirements.txt"
    hashes = ["sha256:" + "a" * 64, "sha256:" + "b" * 64]
    lines = " \\\n".join(f"    --hash={value}" for value in hashes)
    lock.write_text(f"Foo.Bar==1.0 ; sys_platform == 'win32' \\\n{lines}\n")
    (entry,) = locks.python(lock)
    assert (entry.name, entry.marker) == ("foo-bar", "sys_platform == 'win32'")
    assert entry.hashes == tuple(hashes)


@pytest.mark.parametrize(
    ("stated", "allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("MIT AND (Apache-2.0 OR GPL-3.0-only)", False),  # not understood, so looked at
        ("(MIT OR Apache-2.0) AND ISC", True),
        ("unknown", False),
        ("", False),
    ],
)
def test_an_expression_is_allowed_when_a_choice_of_it_is(stated, allowed):
    assert licences.is_allowed(stated) is allowed


def test_metadata_of_three_ages_names_the_licence():
    assert licences.stated(expression="MIT", text="whatever") == "MIT"
    classifiers = [
        "License :: OSI Approved",
        "License :: OSI Approved :: BSD License",
        "License :: OSI Approved :: Apache Software License",
    ]
    assert licences.stated(classifiers=classifiers) == "BSD-3-Clause AND Apache-2.0"
    assert licences.stated(classifiers=["License :: OSI Approved"], text="ISC\n\n...") == "ISC"
    assert licences.stated() == "unknown"


def test_a_package_in_another_version_than_locked_is_not_taken_for_it():
    packaging = Locked(ecosystem="PyPI", name="packaging", version="0.0.1", hashes=())
    assert licences.licence(packaging) == "unknown"


def test_every_locked_package_is_under_a_licence_that_somebody_looked_at(capsys):
    assert licences.main() == 0
    printed = capsys.readouterr().out
    assert re.search(r"^PyPI +aws-cdk-lib +[\d.]+ +Apache-2.0$", printed, re.MULTILINE)
    assert re.search(r"^npm +aws-cdk +[\d.]+ +Apache-2.0$", printed, re.MULTILINE)


def test_a_licence_nobody_looked_at_is_named_and_status_1(monkeypatch, capsys):
    monkeypatch.setattr(licences, "ALLOWED", licences.ALLOWED - {"0BSD"})
    assert licences.main() == 1
    assert "is under '0BSD', which nobody has looked at" in capsys.readouterr().err


PIP_AUDIT = {
    "dependencies": [
        {"name": "one", "version": "1.0", "vulns": []},
        {
            "name": "two",
            "version": "2.0",
            "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.1"]}, {"id": "X-2", "fix_versions": []}],
        },
    ]
}


def test_python_advisories_are_findings():
    verdict = audit.of_python(json.dumps(PIP_AUDIT), "")
    assert verdict.findings == ("two 2.0: PYSEC-1, mended in 2.1", "two 2.0: X-2, mended in no version yet")
    assert audit.summary(verdict) == "2 packages, 2 advisories"


def test_a_mirror_without_advisories_is_not_a_clean_bill():
    skipped = [{"name": name, "skip_reason": "Dependency not found on PyPI"} for name in "ab"]
    verdict = audit.of_python(json.dumps({"dependencies": skipped}), "")
    assert audit.summary(verdict).startswith("not checked: offline")
    some = audit.of_python(json.dumps({"dependencies": [*PIP_AUDIT["dependencies"][:1], *skipped]}), "")
    assert (some.unchecked, some.missed) == ("", ("a", "b"))
    assert audit.summary(some) == "1 packages, 0 advisories, no answer about a, b"


def test_no_network_is_said_and_any_other_failure_is_one():
    error = "Traceback ...\nrequests.exceptions.ProxyError: Max retries exceeded with url: /\n"
    assert audit.of_python("", error).unchecked.startswith("offline")
    with pytest.raises(RuntimeError, match="pip-audit: no such option: --frmt"):
        audit.of_python("", "usage: pip-audit\n\nno such option: --frmt\n")


def test_npm_advisories_are_findings():
    found = {"lodash": {"severity": "high", "range": "<4.17.21"}}
    metadata = {"dependencies": {"total": 30}}
    verdict = audit.of_npm(json.dumps({"vulnerabilities": found, "metadata": metadata}), "")
    assert verdict.findings == ("lodash: high, versions <4.17.21",)
    assert audit.of_npm(json.dumps({"message": "405", "error": {}}), "").unchecked.endswith("(405)")
    with pytest.raises(RuntimeError, match="npm audit: no answer"):
        audit.of_npm("", "")


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([audit.Verdict(checked=3), audit.Verdict(unchecked="offline")], 0),
        ([audit.Verdict(findings=("bad",)), audit.Verdict(unchecked="offline")], 1),
        ([audit.Verdict(checked=3), audit.Verdict(checked=2, missed=("a",))], 1),
    ],
)
def test_an_audit_fails_for_findings_and_gaps_and_not_for_being_offline(verdicts, status, monkeypatch):
    monkeypatch.setattr(audit, "_run", lambda *_: ("", ""))
    monkeypatch.setattr(audit, "of_python", lambda *_: verdicts[0])
    monkeypatch.setattr(audit, "of_npm", lambda *_: verdicts[1])
    assert audit.main() == status
