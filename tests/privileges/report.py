"""The table of permissions: who may do what, and what breaks without it."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from tests.privileges.registry import NOT_PROVABLE, ON_EVERYTHING, proof, reason
from tests.privileges.statements import Permission, permissions
from tests.privileges.templates import everything

HEAD = ["| who | may | needed for |", "|---|---|---|"]
_CONDITION_KEY = re.compile(r"\b(?:aws|kms):[A-Z][\w:/-]*")
REASONS = list(dict.fromkeys(why for *_, why in NOT_PROVABLE))
# A permission's key, and what broke without it.
Outcomes = dict[tuple[str, ...], str]


def table(found: Iterable[Permission], broke: Callable[[Permission], str]) -> list[str]:
    """The lines of the table: a row for each role, and for each principal of a resource's policy.

    ``broke`` says what broke without a permission. What all roles have is left out: the trust in
    their service, which stands beside the name, and writing to the function's own log group.
    """
    services: dict[str, str] = {}
    rows: dict[tuple[str, str, str], list[Permission]] = {}
    for each in found:
        trust = each.action == "sts:AssumeRole"
        if trust:
            services[each.holder] = each.principal.split(".")[0]
        row = rows.setdefault((each.holder, each.effect, "" if trust else each.principal), [])
        if not _common(each):
            row.append(each)
    return HEAD + [_row(who, same, services.get(who[0], ""), broke) for who, same in rows.items()]


def everywhere() -> list[str]:
    """The lines of the table of what is allowed on every resource: a row for each reason."""
    rows = ["| allowed on `*` | reason |", "|---|---|"]
    for why in dict.fromkeys(ON_EVERYTHING.values()):
        named = [f"`{who}` `{what}`" for (who, what), given in ON_EVERYTHING.items() if given == why]
        rows.append(f"| {', '.join(named)} | {why} |")
    return rows


def effect(permission: Permission) -> str:
    """What breaks without the permission, in the words of the document."""
    shown = proof(permission)
    return shown.title if shown else f"not provable here ({REASONS.index(reason(permission)) + 1})"


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


def _common(permission: Permission) -> bool:
    """Whether every role has it, or that of every function."""
    trust = permission.action == "sts:AssumeRole" and not permission.condition
    return trust or permission.action in ("logs:CreateLogStream", "logs:PutLogEvents")


def _row(who: tuple[str, str, str], same: list[Permission], service: str, broke: Callable[[Permission], str]) -> str:
    """The row of what one holder may (or may not) do, by resource."""
    holder, verb, principal = who
    principal = "all principals" if principal == "everybody" else principal
    name = f"`{holder}`" + (f" ({service})" if service else f" for {principal}" if principal else "")
    actions: dict[str, dict[str, None]] = {}
    for each in same:
        keys = ", ".join(_CONDITION_KEY.findall(each.condition))
        on = f"`{each.resource}`" + (f" if {keys}" if keys else "")
        actions.setdefault(on, {})[each.action] = None
    resources: dict[str, list[str]] = {}
    for on, names in actions.items():
        resources.setdefault(", ".join(f"`{name}`" for name in names), []).append(on)
    may = "; ".join(f"{names} on {', '.join(on)}" for names, on in resources.items()) or "nothing more"
    breaks = "; ".join(dict.fromkeys(map(broke, same))) or "-"
    return f"| {name} | {'denied: ' if verb == 'Deny' else ''}{may} | {breaks} |"
