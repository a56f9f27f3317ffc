"""The example of a seed in the README is valid."""

import re

from seed.templates import load_items
from tests.conftest import PROJECT

README = (PROJECT / "README.md").read_text()


def test_the_example_of_a_seed_is_a_valid_one(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    file = tmp_path / "messages.yaml"
    file.write_text(example)
    assert [item["Body"] for item in load_items(file)] == ["Hey Jerry, are you free?", "Yes, Tom.", "{} are braces"]
