"""The table of permissions: who may do what, and what breaks without it."""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from tests.privileges.registry import NOT_PROVABLE, proof, reason
from tests.privileges.statements import Permission, permissions
from tests.privileges.templates import everything

HEAD = ["| who | may | on | without it |", "|---|---|---|---|"]
REASONS = list(dict.fromkeys(why for *_, why in NOT_PROVABLE))
# A permission's key, and what broke without it.
Outcomes = dict[tuple[str, ...], str]


def table(found: Iterable[Permission], broke: Callable[[Permission], str]) -> list[str]:
    """The lines of the table, a row for each statement; ``broke`` says what did without it."""
    rows = [_row(list(same), broke) for _, same in groupby(found, key=lambda each: each.at)]
    return HEAD + rows


def expected(permission: Permission) -> str:
    """What breaks without the permission, as the registry has it."""
    shown = proof(permission)
    if not shown:
        return f"not provable here: {REASONS.index(reason(permission)) + 1}"
    name = f"not authorized to perform: {permission.action.rstrip('*')}"
    return shown.title if shown.said == name else f"{shown.title}: “{shown.said}”"


def print_table(terminal: Any, seen: Outcomes) -> None:
    """Show the table with what the tests saw in this run; what they did not see is left out."""
    found = permissions(everything())
    known = [each for each in found if each.key in seen or not proof(each)]
    terminal.section("permissions, and what broke without them")
    for line in table(known, lambda each: seen.get(each.key) or expected(each)):
        terminal.write_line(line)
    proven = sum(each.key in seen for each in known)
    terminal.write_line(f"{proven} permissions proven, {len(known) - proven} not provable here")


def _row(same: list[Permission], broke: Callable[[Permission], str]) -> str:
    """The row of one statement."""
    first = same[0]
    causes: dict[str, list[str]] = {}
    for permission in same:
        causes.setdefault(broke(permission), []).append(permission.action)
    who = f"`{first.holder}`" + (f", for {first.principal}" if first.principal else "")
    verb = "denies " if first.effect == "Deny" else ""
    actions = list(dict.fromkeys(permission.action for permission in same))
    resources = list(dict.fromkeys(permission.resource for permission in same))
    on = ", ".join(f"`{resource}`" for resource in resources)
    if first.condition:
        on += f", if {first.condition}"
    effects = [
        cause if len(causes) == 1 else f"{cause} ({_names(dict.fromkeys(actions_of))})"
        for cause, actions_of in causes.items()
    ]
    cells = [who, verb + ", ".join(f"`{action}`" for action in actions), on, "; ".join(effects)]
    return f"| {' | '.join(cells)} |"


def _names(actions: Iterable[str]) -> str:
    return ", ".join(action.split(":", 1)[1] for action in actions)
