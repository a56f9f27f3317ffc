"""The app, started by the commands that review it and estimate its costs."""

import pytest

from ops.costing import synthesis
from ops.errors import OpsError


def test_the_app_is_synthesized_with_the_settings_of_the_command_line():
    (stack,) = synthesis.synthesize("pr-7", ["pitr_days=0"])
    assert (stack.name, stack.region) == ("Messages-pr-7", None)
    (table,) = (one for one in stack.template["Resources"].values()
                if one["Type"] == "AWS::DynamoDB::GlobalTable")  # fmt: skip
    assert table["Properties"]["TableName"] == "Messages-pr-7"
    assert table["Properties"]["Replicas"][0]["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": False
    }


def test_what_the_app_refuses_is_said_in_its_own_words():
    with pytest.raises(OpsError, match=r"^setting 'pitr_days' is 99; must be between 0 and 35"):
        synthesis.synthesize("dev", ["pitr_days=99"])


def test_an_app_that_cannot_start_is_one_line(tmp_path):
    (tmp_path / "app.py").write_text("import no_such_library")
    (tmp_path / "cdk.json").write_text('{"context": {}}')
    with pytest.raises(OpsError) as caught:
        synthesis.synthesize("dev", project=tmp_path)
    assert str(caught.value) == (
        "stage dev could not be synthesized (ModuleNotFoundError: No module named "
        "'no_such_library'); name a template instead"
    )
