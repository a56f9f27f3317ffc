"""The app, started by the commands that review it and estimate its costs."""

import pytest

from cli.errors import OpsError
from ops.cost import synthesis


def test_the_app_is_synthesized_with_the_settings_of_the_command_line():
    (stack,) = synthesis.synthesize("pr-7", ["pitr_days=0"])
    assert (stack.name, stack.region) == ("Messages-pr-7", None)
    (table,) = (one for one in stack.template["Resources"].values() if one["Type"] == "AWS::DynamoDB::GlobalTable")
    assert table["Properties"]["TableName"] == "Messages-pr-7"
    assert table["Properties"]["Replicas"][0]["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": False
    }


def test_what_the_app_refuses_is_said_in_its_own_words():
    with pytest.raises(OpsError, match=r"^setting 'pitr_days' is 99; must be between 0 and 35"):
        synthesis.synthesize("dev", ["pitr_days=99"])


@pytest.fixture
def failing(tmp_path):
    """What is said of an app with this code."""

    def said(code, **modules):
        for name, text in {"app": code, **modules}.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (tmp_path / "cdk.json").write_text('{"context": {}}')
        with pytest.raises(OpsError) as caught:
            synthesis.synthesize("dev", project=tmp_path)
        return str(caught.value)

    return said


def test_an_app_that_cannot_start_is_one_line(failing):
    assert failing("import no_such_library") == (
        "stage dev could not be synthesized: ModuleNotFoundError: No module named 'no_such_library' (app.py:1)"
    )


def test_of_a_bug_the_last_line_of_the_projects_own_is_named(failing):
    table = "import json\n\n\ndef add():\n    json.loads({}['pk'])\n"
    said = failing("from stacks.table import add\nadd()", stacks__table=table)
    assert said == "stage dev could not be synthesized: KeyError: 'pk' (stacks/table.py:5)"
    said = failing("import json\n\njson.loads('')")  # it fails in a library's file
    assert said.endswith("Expecting value: line 1 column 1 (char 0) (app.py:3)")


def test_a_library_inside_the_project_is_not_its_own(failing):
    library = "def fail():\n    raise RuntimeError('no')"
    code = "import sys\nsys.path.append('.venv/lib/site-packages')\nimport lib\nlib.fail()"
    said = failing(code, **{".venv__lib__site-packages__lib": library})
    assert said.endswith("RuntimeError: no (app.py:4)")


def test_an_app_that_says_nothing_is_one_line_too(failing):
    assert failing("import sys\nsys.exit(3)") == ("stage dev could not be synthesized: no output")
