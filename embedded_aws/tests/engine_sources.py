"""What the additions depend on inside ministack: ``python -m embedded_aws.tests.engine_sources`` records it.

The record, ``engine_sources.txt``, has what ``hooks`` replaces, with a hash of its source, and what the additions use,
with its parameters. A test compares it with the installed ministack, so that it names what a new version changed.
"""

import ast
import hashlib
import importlib
import inspect
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embedded_aws.environment import PROJECT

RECORD = Path(__file__).with_suffix(".txt")
ADDITIONS = PROJECT / "embedded_aws"
MISSING = "missing"


def main() -> None:
    """Write the record."""
    try:
        RECORD.write_text("".join(f"{line}\n" for line in present()))
    except LookupError as error:
        sys.exit(f"error: {error}")


def present() -> list[str]:
    """The lines of a record of the installed ministack. Raises LookupError for names that it does not have.

    They come from a process of its own, in which nothing is replaced.
    """
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", f"from {__spec__.name} import look; look()"],
            cwd=PROJECT,
            env=os.environ | {"STATE_DIR": folder},
            text=True,
            capture_output=True,
        )
    lines = done.stdout.splitlines()
    missing = [line.removesuffix(MISSING).rstrip() for line in lines if line.endswith(f" {MISSING}")]
    if missing or done.returncode:
        raise LookupError("\n".join(["ministack lacks what embedded_aws", *missing, done.stderr]))
    return lines


def look() -> None:
    """Print the lines for ``present``."""
    for name in sorted({name for path in modules() for name in used(path)}):
        print("uses", name, parameters(name), flush=True)
    # Not before, because its modules may not even be imported where one of these names is missing.
    from embedded_aws import hooks

    wrapped = {name for name, how, _ in hooks.HOOKS if how in (hooks.around, hooks.call)}
    for name in dict.fromkeys(name for name, _, _ in hooks.HOOKS):
        print("replaces", name, source(name, MISSING if name in wrapped else "new"))


def differences(recorded: list[str], present: list[str]) -> list[str]:
    """What differs, by name."""
    before, now = ({tuple(line.split(" ", 2)[:2]): line for line in lines} for lines in (recorded, present))
    kinds = {
        "changed": [name for name in before.keys() & now.keys() if before[name] != now[name]],
        "not recorded": now.keys() - before.keys(),
        "only recorded": before.keys() - now.keys(),
    }
    return [f"{kind}: {verb} {name}" for kind, names in kinds.items() for verb, name in sorted(names)]


def modules() -> list[Path]:
    """The files of the additions."""
    return [path for path in sorted(ADDITIONS.rglob("*.py")) if "tests" not in path.relative_to(ADDITIONS).parts]


def aliases(tree: ast.AST) -> dict[str, str]:
    """What a module calls ministack's modules and what is in them: ``services.dynamodb:`` or ``core.router:name``."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                if one.name.startswith("ministack.") and one.asname:
                    found[one.asname] = one.name.removeprefix("ministack.") + ":"
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ministack."):
            for one in node.names:
                found[one.asname or one.name] = f"{node.module}:{one.name}".removeprefix("ministack.")
    return found


def used(path: Path) -> Iterator[str]:
    """What a module uses of ministack's modules."""
    tree = ast.parse(path.read_text())
    known = aliases(tree)
    yield from (name for name in known.values() if not name.endswith(":"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = known.get(node.value.id, "")
            if module.endswith(":"):
                yield module + node.attr


def parameters(name: str) -> str:
    """The parameters of a function of the engine, without annotations; the kind of anything else."""
    module, _, attribute = name.partition(":")
    found = getattr(importlib.import_module(f"ministack.{module}"), attribute, None)
    if found is None:
        return MISSING
    try:
        signature = inspect.signature(found)
    except (TypeError, ValueError):
        return type(found).__name__
    return f"({', '.join(str(each.replace(annotation=each.empty)) for each in signature.parameters.values())})"


def source(name: str, default: str) -> str:
    """A hash of the source of what a row of hooks replaces; ``default`` where a dictionary lacks it."""
    from embedded_aws import hooks

    try:
        found = hooks.read(*hooks.place(name))
    except AttributeError:
        return MISSING
    return default if found is None else hashlib.sha256(_text(found).encode()).hexdigest()[:12]


def _text(found: Any) -> str:
    if inspect.isfunction(found):
        return inspect.getsource(found)
    if isinstance(found, (tuple, frozenset)):
        return " ".join(sorted(map(_text, found)))
    return found if isinstance(found, str) else type(found).__name__


if __name__ == "__main__":
    main()
