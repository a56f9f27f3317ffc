"""The command line of ``python -m ops cost``."""

import json

import pytest
from aws_cdk import App

from cli.errors import UsageError
from ops import __main__ as cli
from ops.cost import command as cost
from ops.cost import synthesis
from ops.cost.report import quantity, signed
from stacks.settings import Settings
from stacks.stage_stacks import add_stacks
from tests.support.cost_templates import alone, of, old_table, plan, resource, rule
from tests.support.templates import stage


@pytest.fixture(autouse=True)
def no_account(monkeypatch):
    def refused(**_):
        raise AssertionError("an estimate needs no account")

    monkeypatch.delenv("STAGE", raising=False)
    monkeypatch.setattr("cli.clients.Clients", refused)


@pytest.fixture
def saved(tmp_path):
    def save(template, name="template.json"):
        path = tmp_path / name
        path.write_text(json.dumps(template))
        return str(path)

    return save


def status(*argv):
    try:
        return cli.main(["cost", *argv])
    except SystemExit as ended:
        return ended.code


def test_an_idle_dev_stage_is_zero_dollars(saved, capsys):
    assert status(saved(stage("dev"))) == 0
    out, err = capsys.readouterr()
    assert "\n$0.00 a month in us-east-1 (prices of 2026-09-03)\n" in out
    assert "assumed: nobody writes: no load is stated (--messages-per-day N)" in out
    assert err == ""


def test_the_table_of_a_load(saved, capsys):
    template = of(old_table(recovery=True), Plan=plan(rule(DeleteAfterDays=1)))
    assert (
        status(
            saved(template),
            "--messages-per-day",
            "1000000",
            "--months",
            "1",
            "--reads-per-message",
            "0",
            "--no-free-tier",
        )
        == 0
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[:6] == [
        "ITEM                      QUANTITY                PRICE             A MONTH",
        "writes on demand          30,416,667 write units  $0.625 a million  $19.01",
        "reads on demand           0 read units            $0.125 a million  $0.00",
        "table and indexes stored  20.4 GB-months          $0.25             $5.11",
        "point-in-time recovery    20.4 GB-months          $0.20 *           $4.08",
        "backups, daily            20.4 GB-months          $0.10 *           $2.04",
    ]
    assert lines[6] == "$30.24 a month in us-east-1 (prices of 2026-09-03)"
    assert lines[7].startswith("* not read from AWS's price list")


def test_json_has_the_load_the_lines_and_the_break_even(saved, capsys):
    assert status(saved(stage("dev")), "--messages-per-day", "1000", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["region"] == "us-east-1"
    assert result["load"]["messages_per_day"] == 1000
    assert result["monthly_usd"] == pytest.approx(sum(line["monthly_usd"] for line in result["lines"]), abs=1e-4)
    assert result["lines"][0] == {
        "stack": None,
        "region": "us-east-1",
        "item": "writes on demand",
        "quantity": pytest.approx(7 * 1000 * 730 / 24),
        "free": 0,
        "unit": "write units",
        "unit_usd": 0.625e-6,
        "source": "listed",
        "monthly_usd": pytest.approx(0.133073),
    }
    assert result["break_even"]["utilisation"] == pytest.approx(0.00065 / (3600 * 0.625e-6))
    assert result["break_even"]["messages_per_day"] > 0


def test_against_another_template_shows_what_changes(saved, capsys):
    before = saved(of(), "before.json")
    after = saved(of(Key=resource("AWS::KMS::Key")), "after.json")
    assert status(after, "--against", before) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:4] == [
        "ITEM          BEFORE  AFTER  CHANGE",
        "customer key  $0.00   $1.00  +$1.00",
        "total         $0.00   $1.00  +$1.00",
        "+$1.00 a month in us-east-1 (prices of 2026-09-03)",
    ]
    assert status(before, "--against", after, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["monthly_usd_delta"] == -1
    assert result["changes"] == [
        {
            "item": "customer key",
            "before": 1.0,
            "after": 0.0,
            "delta": -1.0,
            "quantity_before": 1,
            "quantity_after": 0,
            "unit": "keys",
        }
    ]


def test_a_comparison_shows_what_comes_and_is_free(saved, capsys):
    before, after = saved(of(), "before.json"), saved(of(old_table(read=5, write=5)), "after.json")
    assert status(after, "--against", before, "--messages-per-day", "1000") == 0
    found = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    (write,) = [line for line in found if line[0] == "write capacity"]
    assert [cell.strip() for cell in write if cell] == [
        "write capacity",
        "$0.00",
        "$0.00",
        "$0.00: 0 → 3,650 write unit-hours, free",
    ]


def test_a_comparison_says_what_is_counted_as_gone_and_is_not(saved, capsys):
    key = resource("AWS::KMS::Key") | {"DeletionPolicy": "Retain"}
    before, after = saved(of(Key=key), "before.json"), saved(of(), "after.json")
    note = "counted as gone, though it stays and is billed until somebody deletes it: "
    assert status(after, "--against", before) == 0
    assert f"-$1.00 a month in us-east-1 (prices of 2026-09-03)\n\nnote: {note}Key" in (capsys.readouterr().out)
    assert status(after, "--against", before, "--json") == 0
    assert json.loads(capsys.readouterr().out)["notes"] == [f"{note}Key (AWS::KMS::Key)"]


def test_an_assembly_is_estimated_with_all_its_stacks(tmp_path, capsys):
    app = App(outdir=str(tmp_path))
    settings = Settings(stage="prod", region="eu-west-1", copy_region="us-east-1", customer_key=True)
    add_stacks(app, settings=settings, items=[])
    app.synth()
    assert status(str(tmp_path), "--json") == 0
    result = json.loads(capsys.readouterr().out)
    keys = [
        (one["stack"], one["region"], one["monthly_usd"])
        for one in result["lines"]
        if one["item"].startswith("customer key") and one["unit"] == "keys"
    ]
    assert keys == [("Messages-prod", "eu-west-1", 1.0), ("Messages-prod-Copies-eu-west-1", "us-east-1", 1.0)]
    assert status(str(tmp_path)) == 0
    assert "$2.00 a month in eu-west-1 and us-east-1 (prices of" in capsys.readouterr().out


def test_a_region_without_prices_is_one_line_and_exit_1(saved, capsys):
    assert status(saved(of()), "--region", "ap-south-1") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "error: no prices of region 'ap-south-1' are known; known are us-east-1, us-west-2, "
        "eu-west-1, eu-central-1: name one of them with --region\n"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is not JSON"),
        ("[]", "has no Resources"),
        ("{}", "has no Resources"),
        ('{"Resources": {"A": {}}}', "has no Resources"),
        ('{"Resources": {}}', "the template has 0 DynamoDB tables"),
    ],
)
def test_a_file_that_is_no_template_is_one_line_and_exit_1(content, said, tmp_path, capsys):
    (tmp_path / "t.json").write_text(content)
    assert status(str(tmp_path / "t.json")) == 1
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert said in line


def test_a_file_that_is_not_there_is_one_line_and_exit_1(tmp_path, capsys):
    assert status(str(tmp_path / "none.json")) == 1
    assert capsys.readouterr().err == f"error: {tmp_path}/none.json: No such file or directory\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--messages-per-day", "-1"), "--messages-per-day must be between 0 and 1e+09, got -1"),
        (("--messages-per-day", "nan"), "--messages-per-day must be between"),
        (("--messages-per-day", "many"), "invalid float value: 'many'"),
        (("--message-bytes", "0"), "--message-bytes must be between 1"),
        (("--message-bytes", "1.5"), "--message-bytes must be a whole number, got 1.5"),
        (("--message-bytes", "409600"), "--message-bytes 409600: "),
        (("--peak-factor", "0.5"), "--peak-factor must be between 1 and 1000, got 0.5"),
        (("--months", "0"), "--months must be between 1 and 1200, got 0"),
        (("--message-retention-days", "-1"), "--message-retention-days must be between 0"),
        (("-c", "a=b"), "-c is for a synthesis; leave it out, or the template"),
        (("--stack", "Messages-dev"), "unrecognized arguments"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(argv, said, saved, capsys):
    assert status(saved(of()), *argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert said in line


@pytest.mark.parametrize(
    ("argv", "environment", "asked"),
    [
        ((), None, ("dev", [])),
        ((), "pr-7", ("pr-7", [])),
        (("--stage", "prod", "-c", "pitr_days=1"), "pr-7", ("prod", ["pitr_days=1"])),
    ],
)
def test_without_a_template_the_stage_is_synthesized(argv, environment, asked, monkeypatch, capsys):
    seen = []
    if environment:
        monkeypatch.setenv("STAGE", environment)
    monkeypatch.setattr(cost.synthesis, "synthesize", lambda *a: seen.append(a) or alone(of()))
    assert status(*argv) == 0
    assert seen == [asked]
    assert capsys.readouterr().err == f"synthesizing stage {asked[0]}\n"


def test_what_is_no_stage_is_wrong_usage(capsys):
    assert status("--stage", "Prod") == 2
    assert "'Prod' is not a stage" in capsys.readouterr().err


def test_an_override_is_a_key_and_a_value():
    with pytest.raises(UsageError, match="-c 'pitr_days' is not KEY=VALUE"):
        synthesis.synthesize("dev", ["pitr_days"])


def test_amounts_and_quantities_for_people():
    assert [signed(x) for x in (0, 1.25, -1.25, 0.001, -0.001)] == ["$0.00", "+$1.25", "-$1.25", "+<$0.01", "-<$0.01"]
    assert [quantity(x) for x in (0, 0.0001, 0.0123, 1.5, 99.9, 1234.5)] == [
        "0",
        "<0.001",
        "0.0123",
        "1.5",
        "99.9",
        "1,234",
    ]
