"""Wrong arguments of every command of ops: one line that names the value and the rule, before AWS is asked."""

import json
import shlex

import pytest

from ops.__main__ import main
from tests.support.fake_clients import FakeClients

POINT = "arn:aws:backup:us-east-1:111122223333:recovery-point:x"

ERRORS = [
    ("", 2, "required"),
    ("destroy", 2, "invalid choice: 'destroy'"),
    ("backup --retain 30", 2, "--retain: '30' is not a time span"),
    ("backup --retain 12h", 2, "--retain: must be whole days, 1d to 36500d, got 12h"),
    ("backup --retain 36501d", 2, "got 36501d"),
    ("backup --tag purpose", 2, "--tag 'purpose' is not KEY=VALUE"),
    ("backup --tag AWS:a=b", 2, "the key AWS:a is reserved (aws:, messages:stack) or given twice"),
    ("backup --tag a=b --tag a=c", 2, "the key a is reserved (aws:, messages:stack) or given twice"),
    (f"backup {' '.join(f'--tag k{n}=v' for n in range(10))}", 2, "--tag: at most 9 tags, got 10"),
    ("backup --token ' '", 2, "--token must not be empty"),
    ("backup --job J --no-wait", 2, "--job waits for a job, --no-wait does not"),
    ("backup --job J --retain 35d --token t", 2, "--job starts no backup: leave out --retain and --token"),
    ("backup --timeout -1", 2, "--timeout: must be between"),
    ("backup --stage Prod", 2, "'Prod' is not a stage"),
    (
        "backups --newer-than 1000y",
        2,
        "'1000y' is not a time span: a number and s, m, h, d, w or y, for example 30d, of ",
    ),
    ("backups --newer-than soon", 2, "--newer-than: 'soon' is not a time span"),
    ("backups --table 'a b'", 2, "--table: 'a b' is not a table name"),
    ("restore", 2, "one of the arguments --target --drill is required"),
    ("restore --target 'a b'", 2, "--target: 'a b' is not a table name"),
    ("restore '' --drill --latest", 2, "not allowed with"),
    ("restore nonsense --drill", 2, "'nonsense' is not the ARN of a recovery point or backup"),
    ("restore arn:aws:dynamodb:us-east-1:111122223333:table/Messages --drill", 2, "is not the ARN of a recovery"),
    (f"restore {POINT.replace('us-east-1', 'eu-west-1')} --drill", 2, "pass --region eu-west-1"),
    (f"restore {POINT.replace('1111', '9999')} --drill", 2, "is in account 999922223333"),
    ("restore --to-time yesterday --drill", 2, "--to-time 'yesterday' is not a time with a zone or a time span"),
    ("restore --to-time 2026-01-31T00:00:00 --drill", 2, "is not a time with a zone or a time span"),
    ("restore --role admin --drill", 2, "--role 'admin' is not the ARN of an IAM role"),
    ("restore --kms-key k --drill", 2, "--kms-key 'k' is not the ARN of a KMS key in us-east-1"),
    ("restore --drill --reapply", 2, "--drill deletes its table: leave out --reapply and --resume"),
    ("restore --drill --rate 0", 2, "--rate: must be between 1 and 1e+06, got 0"),
    ("restore --drill --show -1", 2, "--show: must be between 0 and 10000, got -1"),
    ("recover nonsense", 2, "'nonsense' is not the ARN of a recovery point or backup"),
    ("recover --to-time yesterday", 2, "--to-time 'yesterday' is not a time with a zone or a time span"),
    ("recover --exact --only-missing", 2, "not allowed with"),
    ("recover --dry-run --yes", 2, "not allowed with"),
    ("recover --conversation tom", 2, "--conversation: 'tom' is not a conversation"),
    ("recover --since 2026-01-31", 2, "--since '2026-01-31' is not a time with a zone"),
    ("recover --since 1h --until 2h", 2, " is not before --until "),
    # An empty text, as of a variable that is not set, does not stand for "all" or "the newest".
    ("recover ''", 2, "'' is not the ARN of a recovery point or backup"),
    ("recover --conversation ''", 2, "--conversation: '' is not a conversation"),
    ("recover --since ''", 2, "--since '' is not a time with a zone"),
    ("recover --until ''", 2, "--until '' is not a time with a zone"),
    ("recover --since 0001-01-01T00:00:00+14:00", 2, "--since '0001-01-01T00:00:00+14:00' is not a time"),
    ("recover --rate 0", 2, "--rate: must be between 1 and 1e+06, got 0"),
    ("recover --role admin", 2, "--role 'admin' is not the ARN of an IAM role"),
    ("recover --table 'a b'", 2, "--table: 'a b' is not a table name"),
    ("inventory --all x", 2, "unrecognized arguments: x"),
    ("orphans --stage dev", 2, "unrecognized arguments: --stage dev"),
    ("cleanup --stack no_such", 2, "'no_such' is not a stack name"),
    ("cleanup --stack a --stage b", 2, "not allowed with"),
    ("cleanup --yes --dry-run", 2, "not allowed with"),
    ("cleanup --rate 0", 2, "--rate: must be between 0.1 and 10000, got 0"),
    ("cleanup --older-than 30", 2, "--older-than: '30' is not a time span: a number and"),
    ("cleanup --keep-last -1", 2, "--keep-last: must be between 0 and 1e+06, got -1"),
    ("cleanup --only-table ''", 2, "--only-table: '' is not a table name"),
    ("cleanup --while-deployed --yes", 2, "--older-than, --keep-last or --only-table"),
    ("cleanup --account 999922223333", 2, "check --profile and the AWS_* variables"),
    ("cost {} --messages-per-day -1", 2, "--messages-per-day: must be between 0 and 1e+09, got -1"),
    ("cost {} --messages-per-day many", 2, "invalid number value: 'many'"),
    ("cost {} --message-bytes 1.5", 2, "invalid number value: '1.5'"),
    ("cost {} --message-bytes 409600", 2, "--message-bytes 409600: "),
    ("cost {} --peak-factor 0.5", 2, "--peak-factor: must be between 1 and 1000, got 0.5"),
    ("cost {} -c a=b", 2, "-c needs a synthesis; leave out -c or the template"),
    ("cost {} --stack Messages-dev", 2, "unrecognized arguments"),
    ("cost --stage Prod", 2, "'Prod' is not a stage"),
    ("cost {}.none", 1, "No such file or directory"),
    ("review --stage Dev!", 2, "'Dev!' is not a stage"),
    ("plan --stage Dev!", 2, "'Dev!' is not a stage"),
    ("plan --plan approved", 2, "'approved' is not the name of a plan"),
    ("apply --plan 'plan-a b'", 2, "'plan-a b' is not the name of a plan"),
    ("unplan --plan plan-", 2, "'plan-' is not the name of a plan"),
]


@pytest.mark.parametrize(("command", "status", "words"), ERRORS, ids=[command[:60] for command, *_ in ERRORS])
def test_a_wrong_argument_is_one_line(command, status, words, monkeypatch, tmp_path, capsys):
    monkeypatch.delenv("STAGE", raising=False)
    monkeypatch.setattr("cli.clients.Clients", FakeClients)
    template, on_demand = tmp_path / "template.json", {"BillingMode": "PAY_PER_REQUEST"}
    template.write_text(json.dumps({"Resources": {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": on_demand}}}))
    try:
        ended = main(shlex.split(command.format(template)))
    except SystemExit as usage:
        ended = usage.code
    out, err = capsys.readouterr()
    *where, line = err.splitlines()
    assert (ended, out) == (status, "")
    assert where in ([], ["account 111122223333, region us-east-1, stack Messages-dev"])
    assert line.startswith("error: ")
    assert words in line
