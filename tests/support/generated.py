"""``make accept``: write everything that is generated from the code, for a reviewer to read the difference.

That is a snapshot of each stage's template, and blocks in README.md and docs/, between
``<!-- NAME: written by make accept -->`` and ``<!-- /NAME -->``.
"""

import dataclasses
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from stacks.settings import Settings, settings_from_context
from tests.conftest import PROJECT
from tests.privileges.assemblies import everything, of_an_export
from tests.privileges.registry import REASONS, everywhere, table
from tests.privileges.statements import permissions
from tests.snapshots import FOLDER, context, snapshot
from tests.support import rules

COST = "python -m ops cost --messages-per-day 10000"


def settings() -> str:
    """The table of settings."""
    dev, prod = (settings_from_context(context() | {"stage": stage}) for stage in ("dev", "prod"))
    rows = ["| setting | dev | prod | meaning |", "|---|---|---|---|"]
    for field in dataclasses.fields(Settings):
        values = [getattr(settings, field.name) for settings in (dev, prod)]
        shown = [str(value).lower() if isinstance(value, bool) else str(value or "-") for value in values]
        rows.append(f"| `{field.name}` | {' | '.join(shown)} | {field.metadata['help']} |")
    return "\n".join(rows)


def permission_table() -> str:
    """The table of permissions, and the reasons of those that cannot be proven here."""
    reasons = [f"{number}. {why}" for number, why in enumerate(REASONS, start=1)]
    return "\n".join([*table([*permissions(everything()), *of_an_export()]), "", *reasons])


def cost() -> str:
    """The example of an estimate, as the command prints it."""
    return f"```\n$ {COST}\n{_printed(COST)}```"


def monthly() -> str:
    """The README's costs of a month."""
    commands = ("python -m ops cost", "python -m ops cost --stage prod", COST)
    dev, prod, busy = [re.findall(r"^(\$[\d,.]+) a month", _printed(each), re.M)[0] for each in commands]
    return (
        f"Monthly cost in us-east-1: an idle `dev` {dev}, an idle `prod` {prod} (mostly weekly restore tests),\n"
        f"`dev` after a year with 10,000 messages a day {busy}."
    )


def _printed(command: str) -> str:
    python = [sys.executable, *command.split()[1:]]
    return subprocess.run(python, cwd=PROJECT, capture_output=True, text=True, check=True).stdout


def acknowledged() -> str:
    """The table of acknowledged findings."""
    with tempfile.TemporaryDirectory() as folder:
        return rules.acknowledged_table(rules.outcome(Path(folder)).acknowledged)


# Quick ones, which a test holds the documents against; `make check` holds the list of acknowledged findings.
TESTED: Mapping[str, Callable[[], str]] = {
    "settings": settings,
    "permissions": permission_table,
    "everything": lambda: "\n".join(everywhere()),
}
BLOCKS: Mapping[str, Callable[[], str]] = {**TESTED, "cost": cost, "monthly": monthly, "acknowledged": acknowledged}


def accepted(blocks: Mapping[str, Callable[[], str]]) -> dict[Path, str]:
    """What the generated files are to contain, and the documents with ``blocks``.

    Raises LookupError for a block that no document has.
    """
    found = {FOLDER / f"{stage}.yaml": snapshot(stage) for stage in context()["stages"]}
    for name, text in blocks.items():
        path, new = document_with(name), text()
        found[path] = _block(name).sub(lambda _, new=new: new, found.get(path) or path.read_text())
    return found


def document_with(name: str) -> Path:
    """The document that has a block."""
    for path in (PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))):
        if _block(name).search(path.read_text()):
            return path
    raise LookupError(f"no document has a block '<!-- {name}: written by make accept -->' to '<!-- /{name} -->'")


def _block(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=<!-- {name}: written by make accept -->\n).*(?=\n<!-- /{name} -->)", re.DOTALL)


def main() -> None:
    """Write what differs, and print the names of the files."""
    for path, text in accepted(BLOCKS).items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(path.relative_to(PROJECT))


if __name__ == "__main__":
    main()
