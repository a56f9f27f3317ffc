"""The review of a stage's own templates, and how it is shown."""

import itertools
import json

import pytest

from ops.review.permissions import permissions
from ops.review.resource_changes import changes, kept, lost
from ops.review.stage_review import Review, ReviewedStack, paired
from ops.review.wording import normalised
from ops.template import StackTemplate
from tests.snapshots import to_yaml
from tests.support.cost_templates import of, old_table, resource
from tests.support.templates import COPIES_STACK as NAME
from tests.support.templates import stacks as both
from tests.support.templates import synthesized as template

TABLE = "MessagesTable (AWS::DynamoDB::GlobalTable)"
DAYS = "PointInTimeRecoverySpecification.RecoveryPeriodInDays: 7 → 35"
UNKEPT = f"! no longer survives a destroy or a replacement: {TABLE}"
THERE = f"{NAME} in eu-central-1"


def two_stacks(**settings) -> tuple[StackTemplate, ...]:
    """A stage in eu-west-1 with its copies in eu-central-1."""
    home, copies = both(**settings)
    region = settings.get("copy_region", "eu-central-1")
    return (
        StackTemplate(name="Messages-prod", region="eu-west-1", template=home.to_json()),
        StackTemplate(name=NAME, region=region, template=copies.to_json()),
    )


def one_stack(template, region=None) -> tuple[StackTemplate, ...]:
    return (StackTemplate(name="Messages-dev", region=region, template=template),)


def review(before, after) -> Review:
    return Review(stage="prod", base="main", stacks=paired(before, after))


def section(found, beginning, *, of="") -> list[str]:
    """The lines below the heading that begins so; those of the stack ``of``, without their indent."""
    (lines,) = [lines for heading, lines in found.sections().items() if heading.startswith(beginning)]
    if not of:
        return lines
    below = lines[lines.index(of) + 1 :]
    end = next((at for at, line in enumerate(below) if not line.startswith(" ")), None)
    return [line.removeprefix("    ") for line in below[:end]]


def test_every_statement_is_said_in_full():
    """As many lines as the template has statements, of roles, keys, queues and topics."""
    resources = template(alarms=True, customer_key=True, region="eu-west-1")["Resources"]
    calls = sum(one["Type"] == "AWS::Lambda::Permission" for one in resources.values())
    lines = permissions(resources)
    # Two roles may have the same sentence, one role never.
    assert len(lines) == json.dumps(resources).count('"Effect"') + calls
    words = [f"{one.who}: {one.text}" for one in lines]
    assert "ConversationsFailures: no one may do anything (sqs: *) on it, if aws:SecureTransport Bool false" in words
    assert any("on everything (*)" in line for line in words)
    assert any("if aws:SourceAccount StringEquals <account id>" in line for line in words)
    seeding = "SeedSeedingRole (SeedSeedingFunction)"
    assert [one.text for one in permissions(template()["Resources"]) if one.who == seeding] == [
        "lambda.amazonaws.com may assume it",
        "may change (logs: CreateLogStream, PutLogEvents) on SeedLogs",
        "may read (dynamodb: BatchGetItem, Scan) and change (dynamodb: BatchWriteItem, "
        "DeleteItem, PutItem) on MessagesTable",
        "may read (s3: GetObject) on arn:<partition>:s3:::cdk-hnb659fds-assets-<account id>-<region>/*.jsonl",
    ]


@pytest.mark.parametrize(
    ("settings", "stays", "goes"),
    [
        ({}, ["BackupVault"], [TABLE]),
        ({"retain_table": True}, ["MessagesTable", "BackupVault"], []),
        ({"backups_on_destroy": "delete"}, [], [TABLE]),
    ],
    ids=str,
)
def test_what_survives_a_destroy(settings, stays, goes):
    resources = template(**settings)["Resources"]
    data = ("MessagesTable ", "BackupVault ")
    assert [line.split()[0] for line in kept(resources) if line.startswith(data)] == stays
    assert [line for line in lost(resources) if line.startswith(TABLE)] == [f"{one}: the items" for one in goes]


def test_what_a_setting_changes():
    assert changes(template(), template()) == []
    longer = changes(template(), template(pitr_days=35))
    assert longer == [f"~ changed: {TABLE}", f"    Replicas[<region>].{DAYS}"]
    assert {UNKEPT, f"~ changed: {TABLE}"} <= {*changes(template(retain_table=True), template())}
    silent = changes(template(alarms=True), template())
    assert silent[silent.index("- removed: AlarmsTopic (AWS::SNS::Topic)") + 1] == "    is deleted"


def test_the_normalised_template_hides_nothing_but_hashes_and_the_clis_own():
    found = template(alarms=True)
    text, resources = to_yaml(found), normalised(found)["Resources"]
    assert ("BootstrapVersion" in text, "<hash>.zip" in text, "Hey Jerry, are you free?" in text) == (False, True, True)
    assert resources.keys() == found["Resources"].keys()
    (dashboard,) = [r for r in resources.values() if r["Type"] == "AWS::CloudWatch::Dashboard"]
    assert "Iterator" in dashboard["Properties"]["DashboardBody"]


def test_a_region_that_is_named_for_the_first_time_is_one_line():
    before, after = one_stack(template()), one_stack(template(region="eu-west-1", pitr_days=35), "eu-west-1")
    found = review(before, after)
    assert section(found, "What changes") == [
        "~ now fixed to region eu-west-1 (before: the region of the credentials)",
        f"~ changed: {TABLE}",
        f"    Replicas[eu-west-1].{DAYS}",
    ]
    assert "both sides are priced in eu-west-1: only the new one names a region" in section(found, "What it costs")
    line = "~ no longer fixed to region eu-west-1 (now: the region of the credentials)"
    assert section(review(after, before), "What changes")[0] == line


def test_the_text_for_a_terminal_answers_what_a_reviewer_asks():
    before = of(old_table(recovery=True), Old=resource("AWS::S3::Bucket"))
    lines = [*review(one_stack(before), one_stack(of(old_table(read=5, write=5)))).text()]
    assert lines[:2] == ["stage prod", ""]
    assert lines[2:4] == ["What changes against main", "  ! lost: Old (AWS::S3::Bucket): the objects"]
    assert lines[lines.index("What it costs a month") + 1] == "  idle: $0.00 (no change)"
    assert "      write capacity: 0 → 3,650 write unit-hours, free" in lines
    assert lines[lines.index("What survives a destroy") + 1] == "  nothing"
    assert lines[-1] == "    1 AWS::DynamoDB::Table"
    assert not any("Messages-dev" in line for line in lines), "of one stack the lines need no name"


def test_a_comment_has_its_long_parts_folded():
    stack = ReviewedStack(old=None, new=StackTemplate(name="s", template=of()), unknown="nothing to compare")
    text = "\n".join(Review(stage="dev", base="nothing to compare", stacks=(stack,)).markdown())
    assert text.startswith("## Stage dev\n\n### What changes\n\n```text\nnot compared: nothing to compare\n```\n")
    assert (text.count("<details>"), text.count("</details>"), text.count("```text")) == (4, 4, 6)


def test_a_stage_without_prices_is_reviewed_all_the_same():
    paris = one_stack(of(), "eu-west-3")
    found = review(paris, paris)
    assert section(found, "What it costs")[0].startswith("not estimated: no prices known for region 'eu-west-3'")
    assert section(found, "What changes") == ["nothing"]


def test_every_line_stands_under_its_stack_and_region_and_for_programs_each_stack_is_apart():
    found = review(two_stacks(), two_stacks(customer_key=True))
    for heading in ("What changes", "What survives", "What goes", "Who may", "Resources"):
        names = [line for line in section(found, heading) if not line.startswith(" ")]
        assert names == ["Messages-prod in eu-west-1", THERE]
    there = section(found, "What changes against main", of=THERE)
    assert "+ added: StageKey (AWS::KMS::Key)" in there
    assert any(line.startswith("+ permission: StageKey: ") for line in there)
    assert section(found, "What it costs")[:3] == [
        "idle: $2.00 (+$2.00)",
        "    customer key: $0.00 → $1.00",
        "    customer key, eu-central-1: $0.00 → $1.00",
    ]
    apart = found.as_object()["stacks"]
    assert [(one["stack"], one["region"], one["compared"]) for one in apart] == [
        ("Messages-prod", "eu-west-1", True),
        (NAME, "eu-central-1", True),
    ]
    assert [one["sections"]["What changes against main"] for one in apart][1] == there


def test_a_stack_without_a_region_is_only_one_of_those_with_its_name():
    template = {"Resources": {"Old": resource("AWS::SNS::Topic")}}
    found = review(one_stack(template, "eu-west-1") + one_stack(template, "eu-west-2"), one_stack(template))
    assert "- removed: stack Messages-dev in eu-west-2" in section(
        found, "What changes", of="Messages-dev in eu-west-2"
    )


def test_copies_that_move_to_another_region_are_one_stack_less_and_one_more():
    keyed = {"customer_key": True}
    found = review(two_stacks(**keyed), two_stacks(**keyed, copy_region="us-east-1"))
    come = section(found, "What changes", of=f"{NAME} in us-east-1")
    assert come[:2] == [f"+ added: stack {NAME} in us-east-1", "+ added: StageKey (AWS::KMS::Key)"]
    gone = section(found, "What changes", of=THERE)
    assert gone[0] == f"- removed: stack {THERE}"
    assert f"    aws cloudformation delete-stack --stack-name {NAME} --region eu-central-1" in gone
    assert f"    python -m ops cleanup --stack {NAME} --region eu-central-1" in gone
    fates = {name: fate for name, fate in itertools.pairwise(gone) if name.startswith("- removed: ")}
    assert fates["- removed: Vault (AWS::Backup::BackupVault)"] == "    stays behind"
    assert fates["- removed: RestoreRole (AWS::IAM::Role)"] == "    is deleted"
    left = f"counted as deleted, but its retained resources are billed until they are cleaned up: {THERE}"
    assert left in section(found, "What it costs")
    assert "Vault (AWS::Backup::BackupVault)" in section(found, "What survives", of=THERE)
    assert section(found, "Resources", of=THERE) == ["no longer part of the stage"]


def test_where_one_stack_cannot_be_compared_no_difference_of_cost_is_claimed():
    own, there = two_stacks()
    found = (ReviewedStack(old=own, new=own), ReviewedStack(old=None, new=there, unknown="no permission"))
    shown = Review(stage="prod", base="main", stacks=found)
    assert section(shown, "What changes", of=THERE) == ["not compared: no permission"]
    assert "(" not in section(shown, "What it costs")[0]
