"""``python -m supply_chain.licences``: the licence of everything that the lock files pin.

Exit status 1 when one is not among those that somebody has looked at.
"""

import importlib.metadata
import re
import sys
from collections.abc import Iterable

from packaging.markers import Marker

from cli.output import columns
from supply_chain import locks
from supply_chain.locks import Locked

# Looked at, and fit for a project whose users run it and change it. MPL-2.0 asks
# for the source of changed files of the package itself, which is not changed here.
ALLOWED = frozenset(
    {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CNRI-Python", "ISC", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0"}
)
# What older packages say instead of an SPDX expression.
_SPOKEN = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_CLASSIFIER = "License :: OSI Approved :: "
_UNKNOWN = "unknown"
_NOT_HERE = "not installed on this platform"


def main() -> int:
    """Print the table; exit status 1 with the names of what is not allowed."""
    rows = [(locked, licence(locked)) for locked in locks.everything()]
    for line in table(rows):
        print(line)
    refused = [(locked, stated) for locked, stated in rows if not is_allowed(stated)]
    for locked, stated in refused:
        print(
            f"error: {locked.name} {locked.version} is under {stated!r}, which nobody has looked "
            "at: read it, then add it to ALLOWED in supply_chain/licences.py or drop the package",
            file=sys.stderr,
        )
    print(f"licences: {len(rows)} packages, {len(refused)} not allowed", file=sys.stderr)
    return int(bool(refused))


def licence(locked: Locked) -> str:
    """What the package's own metadata says, as an SPDX expression where that is possible."""
    if locked.ecosystem == "npm":
        return locked.licence or _UNKNOWN
    if locked.marker and not Marker(locked.marker).evaluate():
        return _NOT_HERE
    try:
        installed = importlib.metadata.distribution(locked.name)
    except importlib.metadata.PackageNotFoundError:
        return _UNKNOWN
    if installed.version != locked.version:
        return _UNKNOWN
    about = installed.metadata
    return stated(
        expression=str(next(iter(about.get_all("License-Expression") or []), "")),
        classifiers=about.get_all("Classifier") or [],
        text=str(next(iter(about.get_all("License") or []), "")),
    )


def stated(*, expression: str = "", classifiers: Iterable[str] = (), text: str = "") -> str:
    """The licence in a package's metadata: its expression, else its classifiers, else its text.

    Several classifiers do not say whether all of them hold or one may be
    chosen; all of them is the careful reading.
    """
    if expression:
        return expression
    named = [c.removeprefix(_CLASSIFIER) for c in classifiers if c.startswith(_CLASSIFIER)]
    if named:
        return " AND ".join(_SPOKEN.get(name, name) for name in named)
    return text.strip().partition("\n")[0] or _UNKNOWN


def is_allowed(stated: str) -> bool:
    """Whether every licence of an SPDX expression is allowed, or one where it only says OR."""
    if stated == _NOT_HERE:
        return True
    names = [name for name in re.split(r"\s+(?:AND|OR)\s+|[()]", stated) if name.strip()]
    fine = [name.strip() in ALLOWED for name in names]
    return any(fine) if " AND " not in stated else all(fine)


def table(rows: Iterable[tuple[Locked, str]]) -> list[str]:
    """One line a package: where from, name, version, licence."""
    cells = [("FROM", "NAME", "VERSION", "LICENCE")]
    cells += [(locked.ecosystem, locked.name, locked.version, text) for locked, text in rows]
    return columns(cells)


if __name__ == "__main__":
    sys.exit(main())
