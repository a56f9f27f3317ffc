"""What the README says about the stack is what the stack is."""

import dataclasses
import json
import re

from seed.templates import load_items
from stacks.context import settings_from_context
from stacks.settings import Settings
from tests.conftest import PROJECT

README = (PROJECT / "README.md").read_text()


def settings_table() -> str:
    """The table of settings as the README has it."""
    context = json.loads((PROJECT / "cdk.json").read_text())["context"]
    dev, prod = (settings_from_context(context | {"stage": stage}) for stage in ("dev", "prod"))
    rows = ["| setting | dev | prod | meaning |", "|---|---|---|---|"]
    for field in dataclasses.fields(Settings):
        values = [_shown(getattr(settings, field.name)) for settings in (dev, prod)]
        rows.append(f"| `{field.name}` | {' | '.join(values)} | {field.metadata['help']} |")
    return "\n".join(rows)


def _shown(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value else "-"


def test_the_table_of_settings_is_complete():
    start, end = "<!-- settings: written by make accept -->\n", "\n<!-- /settings -->"
    found = README.split(start)[1].split(end)[0]
    assert found == settings_table(), f"put this into README.md:\n{settings_table()}"


def test_the_example_of_a_seed_is_a_valid_one(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    file = tmp_path / "messages.yaml"
    file.write_text(example)
    assert [item["Body"] for item in load_items(file)] == ["Hey Jerry, are you free?", "Yes, Tom.", "{} are braces"]
