"""The hooks into the engine: all in one module, and made for what the engine has."""

import ast

from embedded_aws.tests import engine_sources
from embedded_aws.tests.engine_sources import ADDITIONS, aliases, differences, modules

WRITE = "; read what changed, then run python -m embedded_aws.tests.engine_sources"


def test_what_the_additions_replace_and_use_is_as_recorded():
    found = differences(engine_sources.RECORD.read_text().splitlines(), engine_sources.present())
    assert not found, "\n".join(found) + WRITE


def test_differences_are_named():
    recorded = ["uses app:one (a, b)", "uses app:two dict", "replaces app:two 0123"]
    present = ["uses app:one (a)", "replaces app:two 4567", "replaces app:three new"]
    assert differences(recorded, present) == [
        "changed: replaces app:two",
        "changed: uses app:one",
        "not recorded: replaces app:three",
        "only recorded: uses app:two",
    ]


def test_only_the_hooks_replace_what_the_engine_has():
    """No other module assigns to an attribute of the engine's modules; what their dictionaries hold is data."""
    replaced = []
    for path in modules():
        tree = ast.parse(path.read_text())
        known = aliases(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                owner = ast.unparse(node.value)
                replaced += [f"{path.relative_to(ADDITIONS)}: {owner}.{node.attr}"] if owner in known else []
    assert replaced == []
