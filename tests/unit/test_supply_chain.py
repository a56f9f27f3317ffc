"""The lock files pin everything by hash, and match what asks for them."""

import json
import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import PROJECT

ASKED = tomllib.loads((PROJECT / "pyproject.toml").read_text())
ENTRY = re.compile(r"([\w.-]+)==([^ ;]+)(?: ;[^\\]*)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n")
RUNTIME, DEV, UV = "requirements.txt", "requirements/dev.txt", "requirements/uv.txt"


def locked(lock: str) -> dict[str, str]:
    """The version of each package; an entry without a version and hashes is an error."""
    text = (PROJECT / lock).read_text()
    assert ENTRY.sub("", text) == "", f"{lock} has an entry without version or hash: run `make lock`"
    return {canonicalize_name(name): version for name, version, _ in ENTRY.findall(text)}


def test_the_python_locks_satisfy_what_pyproject_asks_for_with_one_version_of_each_package():
    project, groups = ASKED["project"]["dependencies"], ASKED["dependency-groups"]
    for lock, asked in {RUNTIME: project, DEV: groups["dev"], UV: []}.items():
        found = locked(lock)
        for requirement in map(Requirement, asked):
            version = found.get(canonicalize_name(requirement.name), "none")
            assert version in requirement.specifier, f"{lock} has {requirement.name} {version}: run `make lock`"
    dev = locked(DEV)
    assert [name for name, version in locked(RUNTIME).items() if dev.get(name, version) != version] == []


def test_the_npm_lock_pins_what_package_json_asks_for_by_hash():
    asked = json.loads((PROJECT / "package.json").read_text())["devDependencies"]
    packages = json.loads((PROJECT / "package-lock.json").read_text())["packages"]
    assert packages.pop("")["devDependencies"] == asked
    for name, version in asked.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), f"{name} is not pinned: {version}"
        assert packages[f"node_modules/{name}"]["version"] == version
    for folder, package in packages.items():
        assert package["integrity"].startswith("sha512-"), folder
