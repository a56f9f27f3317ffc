"""``python -m supply_chain.audit``: known vulnerabilities of everything that the lock files pin.

Asks PyPI's and npm's advisory services through pip-audit and npm. Exit status 1
when an advisory matches, or when a service answered for some packages only;
0 with a line "not checked" where a service cannot be reached.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from supply_chain.locks import NPM_LOCK, PROJECT, PYTHON_LOCKS

# What pip-audit says before its last line where no connection comes about.
_UNREACHABLE = ("ConnectionError", "Max retries exceeded", "ServiceError", "timed out", "ProxyError")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a service said about a lock: ``unchecked`` is why it said nothing."""

    findings: tuple[str, ...] = ()
    checked: int = 0
    unchecked: str = ""
    missed: tuple[str, ...] = ()


def main() -> int:
    """Ask about every lock; findings on standard output, progress on standard error."""
    verdicts = {
        lock: of_python(
            *_run(
                "pip-audit",
                "--format",
                "json",
                "--progress-spinner",
                "off",
                "--require-hashes",
                "--disable-pip",
                "-r",
                lock,
            )
        )
        for lock in PYTHON_LOCKS
    }
    verdicts[NPM_LOCK] = of_npm(*_run("npm", "audit", "--json", "--package-lock-only"))
    for lock, verdict in verdicts.items():
        for finding in verdict.findings:
            print(f"{lock}: {finding}")
        print(f"audit: {lock}: {summary(verdict)}", file=sys.stderr)
    return int(any(verdict.findings or verdict.missed for verdict in verdicts.values()))


def summary(verdict: Verdict) -> str:
    """One line about a lock."""
    if verdict.unchecked:
        return f"not checked: {verdict.unchecked}"
    missed = f", no answer about {', '.join(verdict.missed)}" if verdict.missed else ""
    return f"{verdict.checked} packages, {len(verdict.findings)} advisories{missed}"


def of_python(output: str, error: str) -> Verdict:
    """Read pip-audit's answer. Raises RuntimeError for one that is neither yes, no nor offline."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        if any(sign in error for sign in _UNREACHABLE):
            return Verdict(unchecked="offline, PyPI's advisories cannot be reached")
        raise RuntimeError(f"pip-audit: {_last_line(error)}") from None
    missed = tuple(p["name"] for p in packages if p.get("skip_reason"))
    if packages and len(missed) == len(packages):
        # A mirror that has no advisories says of every package that it has none of that name.
        return Verdict(unchecked="offline, this package index serves no advisories")
    findings = [
        f"{package['name']} {package['version']}: {entry['id']}, mended in "
        f"{', '.join(entry['fix_versions']) or 'no version yet'}"
        for package in packages
        for entry in package.get("vulns", [])
    ]
    return Verdict(findings=tuple(findings), checked=len(packages) - len(missed), missed=missed)


def of_npm(output: str, error: str) -> Verdict:
    """Read npm's answer. Raises RuntimeError for what is no answer."""
    try:
        answer: dict[str, Any] = json.loads(output)
    except ValueError:
        raise RuntimeError(f"npm audit: {_last_line(error)}") from None
    if "vulnerabilities" not in answer:
        said = str(answer.get("message") or answer.get("error") or "no reason")
        return Verdict(unchecked=f"offline, npm's advisories cannot be reached ({said})")
    findings = [
        f"{name}: {entry['severity']}, versions {entry['range']}" for name, entry in answer["vulnerabilities"].items()
    ]
    count = answer["metadata"]["dependencies"]["total"]
    return Verdict(findings=tuple(findings), checked=count)


def _run(*command: str) -> tuple[str, str]:
    done = subprocess.run(_on_path(command), cwd=PROJECT, capture_output=True, text=True)
    return done.stdout, done.stderr


def _on_path(command: Sequence[str]) -> list[str]:
    return [str(PROJECT / ".venv/bin" / command[0]), *command[1:]]


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.splitlines()) if line.strip()), "no answer")


if __name__ == "__main__":
    sys.exit(main())
