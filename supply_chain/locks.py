"""Read the lock files: requirements.txt, requirements/*.txt and package-lock.json."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
PYTHON_LOCKS = ("requirements.txt", "requirements/dev.txt", "requirements/uv.txt")
NPM_LOCK = "package-lock.json"
_ENTRY = re.compile(r"([A-Za-z0-9._-]+)==([^ ;]+)(?: *; *(.*))?")
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


@dataclass(frozen=True, kw_only=True)
class Locked:
    """One package as a lock file pins it.

    ``hashes`` are what its files may be; ``marker`` says where a Python package
    is needed at all, empty for everywhere; ``folder`` is where npm puts it.
    """

    ecosystem: str
    name: str
    version: str
    hashes: tuple[str, ...]
    marker: str = ""
    folder: str = ""
    licence: str = ""


def python(path: Path) -> Iterator[Locked]:
    """The entries of a requirements file. Raises ValueError for a line that pins nothing."""
    text = path.read_text().replace("\\\n", " ")
    for number, line in enumerate(text.splitlines(), 1):
        stated = line.partition("--hash")[0].strip()
        if not stated or stated.startswith("#"):
            continue
        entry = _ENTRY.fullmatch(stated)
        if not entry:
            raise ValueError(f"{path.name}, entry {number}: {stated!r} is not NAME==VERSION")
        yield Locked(
            ecosystem="PyPI",
            name=canonical(entry[1]),
            version=entry[2],
            hashes=tuple(_HASH.findall(line)),
            marker=entry[3] or "",
        )


def npm(path: Path) -> Iterator[Locked]:
    """The packages of a package-lock.json, the project itself left out."""
    for folder, package in json.loads(path.read_text())["packages"].items():
        if folder:
            yield Locked(
                ecosystem="npm",
                name=folder.rpartition("node_modules/")[2],
                version=package["version"],
                hashes=tuple(filter(None, [package.get("integrity")])),
                folder=folder,
                licence=package.get("license", ""),
            )


def everything(project: Path = PROJECT) -> list[Locked]:
    """What all lock files pin, each package and version once, by ecosystem and name."""
    found = [locked for lock in PYTHON_LOCKS for locked in python(project / lock)]
    found += npm(project / NPM_LOCK)
    unique = {(locked.ecosystem, locked.name, locked.version): locked for locked in found}
    return [unique[key] for key in sorted(unique)]


def canonical(name: str) -> str:
    """A package's name as the index compares it.

    https://packaging.python.org/en/latest/specifications/name-normalization/
    """
    return re.sub(r"[-_.]+", "-", name).lower()
