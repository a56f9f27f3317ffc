"""The command line of ``python -m ops cost``, and its document."""

import json
import re

import pytest
from aws_cdk import App

from model.messages import item_bytes
from ops import __main__ as cli
from ops import template
from ops.cost import bill
from ops.cost import command as cost
from ops.cost.estimate import break_even, estimate
from ops.cost.load import Load, membership, message
from stacks.messages_stack import add_stacks
from stacks.settings import Settings
from tests.conftest import PROJECT
from tests.support.cost_templates import alone, of, old_table, plan, read, resource, rule
from tests.support.templates import stage

DOCS = (PROJECT / "docs/cost.md").read_text()


@pytest.fixture(autouse=True)
def no_account(monkeypatch):
    monkeypatch.delenv("STAGE", raising=False)
    monkeypatch.delattr("cli.clients.Clients")


@pytest.fixture
def saved(tmp_path):
    def save(template, name="template.json"):
        (tmp_path / name).write_text(json.dumps(template))
        return str(tmp_path / name)

    return save


def printed(capsys, *argv):
    assert cli.main(["cost", *argv]) == 0
    return capsys.readouterr().out


def test_an_idle_dev_stage_is_zero_dollars_even_at_list_prices(saved, capsys):
    for options in ((), ("--no-free-tier",)):
        out = printed(capsys, saved(stage("dev")), *options)
        assert "\n$0.00 a month in us-east-1 (prices of 2026-09-03)\n" in out
        assert "assumed: no messages are sent (set --messages-per-day N)" in out
        assert "warning" not in out


def test_a_load_has_a_table_of_its_items_with_sources_and_json_has_the_same(saved, capsys):
    path = saved(of(old_table(recovery=True), Plan=plan(rule(DeleteAfterDays=1))))
    options = "--messages-per-day 1000000 --months 1 --reads-per-message 0 --no-free-tier".split()
    *lines, total, source = printed(capsys, path, *options).splitlines()[:8]
    assert lines == [
        "ITEM                      QUANTITY                PRICE             A MONTH",
        "writes on demand          30,416,667 write units  $0.625 a million  $19.01",
        "reads on demand           0 read units            $0.125 a million  $0.00",
        "table and indexes stored  20.4 GB-months          $0.25             $5.11",
        "point-in-time recovery    20.4 GB-months          $0.20 *           $4.08",
        "backups, daily            20.4 GB-months          $0.10 *           $2.04",
    ]
    assert total == "$30.24 a month in us-east-1 (prices of 2026-09-03)"
    assert source.startswith("* not read from AWS's price list")

    result = json.loads(printed(capsys, path, *options, "--json"))
    assert (result["region"], result["load"]["messages_per_day"]) == ("us-east-1", 1_000_000)
    assert result["monthly_usd"] == pytest.approx(sum(line["monthly_usd"] for line in result["lines"]), abs=1e-4)
    assert result["lines"][0] == {
        "stack": None,
        "region": "us-east-1",
        "item": "writes on demand",
        "quantity": pytest.approx(1_000_000 * 730 / 24),
        "free": 0,
        "unit": "write units",
        "unit_usd": 0.625e-6,
        "source": "listed",
        "monthly_usd": pytest.approx(19.010417),
    }
    fields = {"utilisation", "fixed_utilisation", "on_demand", "provisioned", "messages_per_day"}
    assert result["break_even"].keys() == fields


def test_against_another_template_shows_what_changes(saved, capsys):
    key = resource("AWS::KMS::Key") | {"DeletionPolicy": "Retain"}
    with_key, without = saved(of(Key=key), "with.json"), saved(of(old_table(read=5, write=5)), "without.json")
    assert printed(capsys, without, "--against", with_key).splitlines()[:7] == [
        "ITEM            BEFORE  AFTER  CHANGE",
        "customer key    $1.00   $0.00  -$1.00",
        "write capacity  $0.00   $0.00  $0.00: 0 → 3,650 write unit-hours, free",
        "read capacity   $0.00   $0.00  $0.00: 0 → 3,650 read unit-hours, free",
        "total           $1.00   $0.00  -$1.00",
        "-$1.00 a month in us-east-1 (prices of 2026-09-03)",
        "",
    ]
    result = json.loads(printed(capsys, without, "--against", with_key, "--json"))
    note = "counted as deleted, but retained and billed until you delete it: Key (AWS::KMS::Key)"
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
    lines = json.loads(printed(capsys, str(tmp_path), "--json"))["lines"]
    keys = [
        (one["stack"], one["region"], one["monthly_usd"]) for one in lines if one["item"].startswith("customer key")
    ]
    assert [key for key in keys if key[2]] == [
        ("Messages-prod", "eu-west-1", 1.0),
        ("Messages-prod-Copies-eu-west-1", "us-east-1", 1.0),
    ]
    assert "$2.00 a month in eu-west-1 and us-east-1 (prices of" in printed(capsys, str(tmp_path))
    path = tmp_path / "Messages-prod.template.json"
    assert template.stacks(path) == alone(json.loads(path.read_text()))


@pytest.mark.parametrize(
    ("content", "argv", "words"),
    [
        ("", (), "is not a CloudFormation template in JSON"),
        ("[]", (), "is not a CloudFormation template in JSON"),
        ('{"Resources": {"A": {}}}', (), "is not a CloudFormation template in JSON"),
        ('{"Resources": {}}', (), "the template has 0 DynamoDB tables; the estimate is for one"),
        (of(Other=old_table()), (), "the template has 2 DynamoDB tables; the estimate is for one"),
        (
            of(old_table(read=1, write={"Ref": "A"})),
            (),
            "WriteCapacityUnits is {'Ref': 'A'}; the estimate needs a whole",
        ),
        (of(Plan=plan(rule(schedule="rate(1 day)"))), (), "schedule 'rate(1 day)' is not understood: use cron(...)"),
        (of(Plan=plan(rule(schedule="cron(0 5 * *)"))), (), "schedule 'cron(0 5 * *)' is not understood"),
        (
            of(),
            ("--region", "ap-south-1"),
            "no prices known for region 'ap-south-1'; pass --region with one of us-east-1, us-west-2, eu-west-1, eu",
        ),
    ],
)
def test_what_cannot_be_estimated_is_one_line_and_exit_1(content, argv, words, tmp_path, capsys):
    (tmp_path / "t.json").write_text(content if isinstance(content, str) else json.dumps(content))
    assert cli.main(["cost", str(tmp_path / "t.json"), *argv]) == 1
    out, err = capsys.readouterr()
    (line,) = err.splitlines()
    assert (out, line[:7]) == ("", "error: ")
    assert words in line


def test_without_a_template_the_stage_is_synthesized(monkeypatch, capsys):
    seen = []
    monkeypatch.setattr(template, "synthesize", lambda *a: seen.append(a) or alone(of()))
    assert cli.main(["cost"]) == 0
    assert capsys.readouterr().err == "synthesizing stage dev\n"
    monkeypatch.setenv("STAGE", "pr-7")
    assert cli.main(["cost"]) == 0
    assert cli.main(["cost", "--stage", "prod", "-c", "pitr_days=1"]) == 0
    assert seen == [("dev", []), ("pr-7", []), ("prod", ["pitr_days=1"])]


def test_the_document_has_the_printed_example_existing_options_and_the_units_of_the_estimate(capsys):
    found, load = read(stage("dev")), Load(messages_per_day=10_000)
    lines = cost.estimate_text(estimate(found, load), break_even(found, load))
    example = "\n".join(["```", "$ python -m ops cost --messages-per-day 10000", *lines, "```"])
    start, end = "<!-- cost: written by make accept -->\n", "\n<!-- /cost -->"
    assert DOCS.split(start)[1].split(end)[0] == example, "run make accept"
    with pytest.raises(SystemExit):
        cli.main(["cost", "--help"])
    shown = capsys.readouterr().out
    assert {option for option in re.findall(r"`(--[a-z-]+)`", DOCS) if option not in shown} == set()
    assert [item_bytes(one) for one in (message(200), membership(200), message(603))] == [621, 604, 1024]
    assert sorted(bill.per_message(found, Load(reads_per_message=1)).values()) == [1.5, 3, 4, 2 + 4]
