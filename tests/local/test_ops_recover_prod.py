"""A production stage that was destroyed by mistake: deployed again around its kept table with the CDK CLI."""

import pytest

from embedded_aws.tests.support.steps import listed
from ops.__main__ import main
from tests.support.commands import bootstrapped_cli
from tests.support.deployment import Deployment
from tests.support.lists import assert_lists_are_right, message

PROD = ("-c", "deletion_protection=true", "-c", "retain_table=true")
MORE = [message(minute) for minute in range(60, 80)]


@pytest.fixture(scope="module")
def cdk(aws, tmp_path_factory):
    """``cdk("deploy", "-c", "stage=x")`` against a bootstrapped embedded AWS."""
    return bootstrapped_cli(aws, tmp_path_factory.mktemp("cdk"))


def test_a_destroyed_stack_with_a_kept_table_is_deployed_around_it_and_recovered(
    cdk, client, ministack, quick_stage, capsys
):
    stage = f"pr-{quick_stage.stage}"
    table, where = f"Messages-{stage}", ("--stack", f"Messages-{stage}")

    def run(*arguments):
        done = cdk(arguments[0], "-c", f"stage={stage}", *PROD, *arguments[1:])
        assert done.returncode == 0, done.stdout
        return done.stdout

    run("deploy", "--require-approval", "never")
    messages = ministack.Table(table)
    for item in MORE:
        messages.put_item(Item=item)
    assert main(["backup", *where]) == 0
    right = sorted(item["sk"] for item in messages.scan()["Items"] if item["pk"].startswith("CONVERSATION#"))
    run("destroy", "--force")
    for item in MORE[::2]:  # while nobody looks after it
        messages.delete_item(Key={name: item[name] for name in ("pk", "sk")})
    capsys.readouterr()
    # The role that restores left with the stack.
    assert main(["recover", "--yes", *where]) == 1
    assert "AWS Backup needs a role to restore with" in capsys.readouterr().err.splitlines()[-1]

    run("deploy", "--require-approval", "never", "--import-existing-resources")
    assert main(["recover", "--yes", *where]) == 0
    out = capsys.readouterr().out
    assert "10 written, 0 left, differences 0; temporary table deleted" in out
    print(out)
    found = [item["sk"] for item in messages.scan()["Items"] if item["pk"].startswith("CONVERSATION#")]
    assert sorted(found) == right
    assert_lists_are_right(messages)
    assert [one for one in listed(client("dynamodb"), "list_tables") if one.startswith(f"{table}.")] == []
    assert "Number of stacks with differences: 0" in run("diff")
    client("dynamodb").update_table(TableName=table, DeletionProtectionEnabled=False)
    run("destroy", "--force")
    client("dynamodb").delete_table(TableName=table)
    assert Deployment(client, stage).status() == ""
