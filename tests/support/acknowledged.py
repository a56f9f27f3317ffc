"""The list of acknowledged findings in docs/security.md, made from the constructs' own reasons."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from stacks.pipeline_access import NAME
from tests.support.rule_packs import Acknowledgement

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "security.md"
_LIST = re.compile(r"(?<=<!-- acknowledged: written by make accept -->\n).*(?=<!-- /acknowledged -->)", re.DOTALL)


def refreshed(text: str, acknowledged: Iterable[Acknowledgement]) -> str:
    """``text`` of the document, with its list as it is now. Raises ValueError without a place."""
    if not _LIST.search(text):
        raise ValueError(f"{DOCUMENT.name} has no place for the list of acknowledged findings")
    return _LIST.sub(lambda _: table(acknowledged), text)


def table(acknowledged: Iterable[Acknowledgement]) -> str:
    """A row for each set of constructs, with the rules and the reasons; the same for every stage."""
    rules: dict[str, set[str]] = defaultdict(set)
    places: dict[str, set[str]] = defaultdict(set)
    for one in acknowledged:
        rules[one.reason].add(_short(one.rule))
        places[one.reason].add(_place(one.at))
    rows: dict[str, list[str]] = defaultdict(list)
    for reason in rules:
        rows[_listed(places[reason])].append(f"{_listed(rules[reason])}: {reason}")
    lines = [f"| {where} | {'<br>'.join(sorted(accepted))} |\n" for where, accepted in sorted(rows.items())]
    return "".join(["| construct | rules and reasons |\n|---|---|\n", *lines])


def _short(rule: str) -> str:
    """The rule's own name, without its pack and without the resource it names."""
    return rule.partition("::")[2].partition("[")[0]


def _place(path: str) -> str:
    """The construct's path in its stack, whichever stage that is of."""
    stack, _, inside = path.partition("/")
    if stack == NAME:
        return f"{NAME}/{inside}"
    return f"Copies/{inside}" if "-Copies-" in stack else inside


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))
