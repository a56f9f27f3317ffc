"""The command line of ``python -m ops cost``."""

import json
import re

import pytest
from aws_cdk import App

from model.messages import item_bytes
from ops import __main__ as cli
from ops import template
from ops.cost import bill
from ops.cost import command as cost
from ops.cost.estimate import break_even, estimate, quantity, signed
from ops.cost.load import Load, membership, message
from stacks.messages_stack import add_stacks
from stacks.settings import Settings
from tests.conftest import PROJECT
from tests.support.cost_templates import alone, of, old_table, plan, read, resource, rule
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
    assert "assumed: no writes: no load is given (--messages-per-day N)" in out
    assert err == ""


def test_the_table_of_a_load(saved, capsys):
    template = of(old_table(recovery=True), Plan=plan(rule(DeleteAfterDays=1)))
    load = ("--messages-per-day", "1000000", "--months", "1", "--reads-per-message", "0")
    assert status(saved(template), *load, "--no-free-tier") == 0
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
    assert (result["region"], result["load"]["messages_per_day"]) == ("us-east-1", 1000)
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
    fields = {"utilisation", "fixed_utilisation", "on_demand", "provisioned", "messages_per_day"}
    assert result["break_even"].keys() == fields


def test_against_another_template_shows_what_changes(saved, capsys):
    key = resource("AWS::KMS::Key") | {"DeletionPolicy": "Retain"}
    with_key, without = saved(of(Key=key), "with.json"), saved(of(old_table(read=5, write=5)), "without.json")
    assert status(without, "--against", with_key) == 0
    note = "counted as gone, although it is retained and billed until it is deleted: Key (AWS::KMS::Key)"
    assert capsys.readouterr().out.splitlines()[:7] == [
        "ITEM            BEFORE  AFTER  CHANGE",
        "customer key    $1.00   $0.00  -$1.00",
        "write capacity  $0.00   $0.00  $0.00: 0 → 3,650 write unit-hours, free",
        "read capacity   $0.00   $0.00  $0.00: 0 → 3,650 read unit-hours, free",
        "total           $1.00   $0.00  -$1.00",
        "-$1.00 a month in us-east-1 (prices of 2026-09-03)",
        "",
    ]
    assert status(without, "--against", with_key, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["monthly_usd_delta"], result["notes"]) == (-1, [note])
    assert result["changes"][0] == {
        "item": "customer key",
        "before": 1.0,
        "after": 0.0,
        "delta": -1.0,
        "quantity_before": 1,
        "quantity_after": 0,
        "unit": "keys",
    }


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


def failure(capsys):
    """The one line of an error."""
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert (out, line[:7]) == ("", "error: ")
    return line


def test_a_region_without_prices_is_one_line_and_exit_1(saved, capsys):
    assert status(saved(of()), "--region", "ap-south-1") == 1
    assert failure(capsys) == (
        "error: no prices of region 'ap-south-1' are known; known are us-east-1, us-west-2, "
        "eu-west-1, eu-central-1: name one of them with --region"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is not JSON"),
        ("[]", "has no Resources"),
        ('{"Resources": {"A": {}}}', "has no Resources"),
        ('{"Resources": {}}', "the template has 0 DynamoDB tables"),
        (None, "t.json: No such file or directory"),
    ],
)
def test_a_file_that_is_not_a_template_is_one_line_and_exit_1(content, said, tmp_path, capsys):
    if content is not None:
        (tmp_path / "t.json").write_text(content)
    assert status(str(tmp_path / "t.json")) == 1
    assert said in failure(capsys)


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
    assert said in failure(capsys)


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
    monkeypatch.setattr(template, "synthesize", lambda *a: seen.append(a) or alone(of()))
    assert status(*argv) == 0
    assert seen == [asked]
    assert capsys.readouterr().err == f"synthesizing stage {asked[0]}\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [(("--stage", "Prod"), "'Prod' is not a stage"), (("-c", "pitr_days"), "-c 'pitr_days' is not KEY=VALUE")],
)
def test_a_synthesis_refuses_what_is_not_a_stage_or_a_setting(argv, said, capsys):
    assert status(*argv) == 2
    assert said in capsys.readouterr().err


def test_amounts_and_quantities_for_people():
    assert [signed(x) for x in (0, 1.25, -1.25, 0.001, -0.001)] == ["$0.00", "+$1.25", "-$1.25", "+<$0.01", "-<$0.01"]
    assert [quantity(x) for x in (0, 0.0001, 0.0123, 1.5, 1234.5)] == ["0", "<0.001", "0.0123", "1.5", "1,234"]


DOCS = (PROJECT / "docs/cost.md").read_text()


def test_the_example_in_the_docs_is_what_the_program_prints():
    found, load = read(stage("dev")), Load(messages_per_day=10_000)
    lines = cost.estimate_text(estimate(found, load), break_even(found, load))
    printed = "\n".join(["```", "$ python -m ops cost --messages-per-day 10000", *lines, "```"])
    start, end = "<!-- cost: written by make accept -->\n", "\n<!-- /cost -->"
    assert DOCS.split(start)[1].split(end)[0] == printed, f"put this into docs/cost.md:\n{printed}"


def test_every_option_in_the_docs_exists(capsys):
    assert status("--help") == 0
    shown = capsys.readouterr().out
    assert {option for option in re.findall(r"`(--[a-z-]+)`", DOCS) if option not in shown} == set()


def test_the_table_of_units_in_the_docs_is_that_of_the_estimate():
    units = bill.per_message(read(stage("dev")), Load(reads_per_message=1))
    sizes = [item_bytes(one) for one in (message(200), membership(200), message(603))]
    assert sizes == [621, 604, 1024]
    assert sorted(units.values()) == [1.5, 3, 4, 2 + 4]
