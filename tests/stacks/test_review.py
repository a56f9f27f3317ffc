"""What a review says of a template, and of a change."""

import copy
import json

import pytest

from cli.errors import OpsError, UsageError
from ops.__main__ import main
from ops.cost.assembly import StackTemplate
from ops.review.access import access_changes, permission_changes
from ops.review.changes import changes
from ops.review.normal import normalised
from ops.review.permissions import permissions
from ops.review.report import Review
from ops.review.sources import Revision, stages
from ops.review.spelling import short, spelled
from ops.review.stacks import paired, reviewed
from ops.review.survival import kept, lost
from tests.snapshots.short_yaml import to_yaml
from tests.stacks.test_backup_copies import NAME
from tests.stacks.test_backup_copies import stacks as both
from tests.support.cost_templates import of, old_table, resource
from tests.support.templates import stack

TABLE = "MessagesTable9E4E97A0"


def template(**settings) -> dict:
    return stack(**settings).to_json()


def two_stacks(**settings) -> tuple[StackTemplate, ...]:
    """A stage in eu-west-1 with its copies in eu-central-1; without them for ``copy_region=""``."""
    home, copies = both(**settings)
    found = [StackTemplate(name="Messages-prod", region="eu-west-1", template=home.to_json())]
    if copies:
        region = settings.get("copy_region", "eu-central-1")
        found.append(StackTemplate(name=NAME, region=region, template=copies.to_json()))
    return tuple(found)


def compared(before, after) -> Review:
    return Review(stage="prod", base="main", stacks=paired(before, after))


def alone(after, before=None, *, why="") -> Review:
    """The review of a stage of one stack."""

    def of(one):
        return StackTemplate(name="Messages-dev", template=one) if one else None

    return Review(stage="dev", base=why or "main", stacks=(reviewed(of(before), of(after), unknown=why),))


def section(review, beginning) -> list[str]:
    """The lines below the heading that begins so."""
    (found,) = [lines for heading, lines in review.sections().items() if heading.startswith(beginning)]
    return found


def said(found) -> list[str]:
    return [f"{one.who}: {one.text}" for one in found]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"Ref": "MessagesTable9E4E97A0"}, "MessagesTable"),
        ({"Ref": "AWS::AccountId"}, "<account id>"),
        ({"Fn::GetAtt": ["MessagesTable9E4E97A0", "Arn"]}, "MessagesTable"),
        ({"Fn::GetAtt": ["MessagesTable9E4E97A0", "StreamArn"]}, "MessagesTable.StreamArn"),
        ({"Fn::Join": ["", [{"Fn::GetAtt": ["TableAB12CD34", "Arn"]}, "/index/*"]]}, "Table/index/*"),
        ({"Fn::Sub": "arn:${AWS::Partition}:s3:::a-${TableAB12CD34.Arn}"}, "arn:<partition>:s3:::a-Table"),
        (["a", {"Ref": "B"}], "a, B"),
        (5, "5"),
    ],
)
def test_references_are_spelled_as_a_person_reads_them(value, words):
    assert spelled(value) == words


def test_a_name_that_only_looks_hashed_stays():
    assert short("Failures") == "Failures"
    assert short("DEADBEEF") == "DEADBEEF"


def test_what_the_seeding_function_can_do_is_said_in_full():
    found = [line for line in said(permissions(template()["Resources"])) if "SeedingRole" in line]
    who = "SeedSeedingRole (SeedSeedingFunction)"
    assert found == [
        f"{who}: lambda.amazonaws.com may become it",
        f"{who}: may change (logs: CreateLogStream, PutLogEvents) on SeedLogs",
        f"{who}: may read (dynamodb: BatchGetItem, Scan) and change (dynamodb: BatchWriteItem, "
        "DeleteItem, PutItem) on MessagesTable",
        f"{who}: may read (s3: GetObject) on arn:<partition>:s3:::cdk-hnb659fds-assets-<account id>-<region>/*.jsonl",
    ]


def test_every_statement_is_said():
    """As many lines as the template has statements, of roles, keys, queues and topics."""
    resources = template(alarms=True, customer_key=True, region="eu-west-1")["Resources"]
    counted = json.dumps(resources).count('"Effect"')
    calls = sum(one["Type"] == "AWS::Lambda::Permission" for one in resources.values())
    lines = permissions(resources)
    # Two roles may have the same sentence, one role never.
    assert len(lines) == counted + calls


def test_denials_conditions_and_wildcards_are_said():
    lines = said(permissions(template(alarms=True)["Resources"]))
    assert ("ConversationsFailures: nobody may do anything (sqs: *) on it, if aws:SecureTransport is false") in lines
    assert any("on everything (*)" in line for line in lines)
    assert any("if aws:SourceAccount is <account id>" in line for line in lines)


@pytest.mark.parametrize(
    ("settings", "table_is_kept", "vault_is_kept"),
    [({}, False, True), ({"retain_table": True}, True, True), ({"backups_on_destroy": "delete"}, False, False)],
    ids=str,
)
def test_what_survives_a_destroy(settings, table_is_kept, vault_is_kept):
    resources = template(**settings)["Resources"]
    table, vault = (
        any(line.startswith(name) for line in kept(resources)) for name in ("MessagesTable ", "BackupVault ")
    )
    assert (table, vault) == (table_is_kept, vault_is_kept)
    gone = [line for line in lost(resources) if line.startswith("MessagesTable ")]
    assert gone == ([] if table_is_kept else ["MessagesTable (AWS::DynamoDB::GlobalTable): the items"])


def test_a_region_that_is_named_for_the_first_time_is_one_line():
    review = compared(
        [StackTemplate(name="Messages-dev", template=template())],
        (StackTemplate(name="Messages-dev", region="eu-west-1", template=template(region="eu-west-1")),),
    )
    assert section(review, "What changes") == [
        "~ now fixed to region eu-west-1: it was deployed where the credentials said"
    ]


def test_a_change_is_seen_through_a_region_that_is_named_for_the_first_time():
    review = compared(
        [StackTemplate(name="Messages-dev", template=template())],
        (StackTemplate(name="Messages-dev", region="eu-west-1", template=template(region="eu-west-1", pitr_days=35)),),
    )
    assert section(review, "What changes")[1:] == [
        "~ changed: MessagesTable (AWS::DynamoDB::GlobalTable)",
        "    Replicas[eu-west-1].PointInTimeRecoverySpecification.RecoveryPeriodInDays: 7 → 35",
    ]


def test_what_is_loud_comes_first():
    before = of(old_table(recovery=True), Old=resource("AWS::S3::Bucket"))
    lines = section(alone(of(old_table(recovery=False)), before), "What changes")
    assert lines[0] == "! lost: Old (AWS::S3::Bucket): the objects"
    assert lines[1] == "~ changed: Table (AWS::DynamoDB::Table)"


def test_what_no_longer_survives_is_said_where_the_changes_are():
    lines = section(alone(template(), template(retain_table=True)), "What changes")
    assert lines[0].startswith("! no longer survives a destroy or a replacement: MessagesTable ")


def test_equal_templates_have_no_changes():
    assert changes(template(), template()) == []
    assert permission_changes(template(), template()) == ([], [])


def test_a_changed_property_is_shown_with_both_values():
    (change,) = changes(template(), template(pitr_days=35))
    assert (change.kind, change.what) == ("changed", "MessagesTable (AWS::DynamoDB::GlobalTable)")
    assert change.details == ("Replicas[<region>].PointInTimeRecoverySpecification.RecoveryPeriodInDays: 7 → 35",)


def test_of_what_is_added_to_a_property_every_member_is_shown():
    def with_copies(**more):
        rule = {"RuleName": "daily", **more}
        return of(Plan=resource("AWS::Backup::BackupPlan", BackupPlan={"BackupPlanRule": [rule]}))

    copy = {"DestinationBackupVaultArn": "v" * 90, "Lifecycle": {"DeleteAfterDays": 35}}
    (change,) = changes(with_copies(), with_copies(CopyActions=[copy]))
    where = "BackupPlan.BackupPlanRule[daily].CopyActions[0]"
    assert change.details == (
        f"{where}.DestinationBackupVaultArn: nothing → {'v' * 57}...",
        f"{where}.Lifecycle.DeleteAfterDays: nothing → 35",
    )
    (change,) = changes(with_copies(CopyActions=[copy]), with_copies())
    assert change.details[1] == f"{where}.Lifecycle.DeleteAfterDays: 35 → nothing"


def test_a_change_that_loses_a_table_is_told_from_one_that_leaves_it():
    def fate(**settings):
        found = changes(template(**settings), template(table_name="Other", **settings))
        (replaced,) = [c for c in found if c.kind == "replaced" and c.what.startswith("MessagesTable")]
        return replaced.details[0]

    assert fate().endswith("because of TableName; the old one is deleted with what it holds: the items")
    assert fate(retain_table=True).endswith("the old one stays behind")


def test_what_comes_and_goes():
    before, after = template(), template(alarms=True)
    added = {change.what for change in changes(before, after) if change.kind == "added"}
    assert "AlarmsTopic (AWS::SNS::Topic)" in added
    removed = [change for change in changes(after, before) if change.kind == "removed"]
    assert {change.details for change in removed if "output" not in change.what} == {("is deleted",)}
    new, gone = permission_changes(before, after)
    assert any(one.who == "AlarmsTopic" for one in new)
    assert gone == []


def test_a_permission_with_other_actions_is_one_line():
    before, after = template(), copy.deepcopy(template())
    (name,) = [n for n in after["Resources"] if n.startswith("SeedSeedingRoleDefaultPolicy")]
    document = after["Resources"][name]["Properties"]["PolicyDocument"]
    (statement,) = [s for s in document["Statement"] if "dynamodb:Scan" in s["Action"]]
    statement["Action"] = [*statement["Action"], "dynamodb:DeleteTable"]
    who = "SeedSeedingRole (SeedSeedingFunction)"
    assert access_changes(before, after) == [f"~ permission: {who}: now also dynamodb: DeleteTable (on MessagesTable)"]
    assert access_changes(after, before) == [f"~ permission: {who}: no longer dynamodb: DeleteTable (on MessagesTable)"]


def test_other_code_is_a_change_though_its_hash_is_masked():
    after = copy.deepcopy(template())
    functions = [r for r in after["Resources"].values() if r["Type"] == "AWS::Lambda::Function"]
    functions[0]["Properties"]["Code"]["S3Key"] = "f" * 64 + ".zip"
    (change,) = changes(template(), after)
    assert change.details == ("its code",)


def test_another_file_of_messages_is_a_change_though_its_hash_is_masked():
    def with_file(of: str) -> dict:
        after = copy.deepcopy(template())
        (seed,) = [r for r in after["Resources"].values() if r["Type"] == "Custom::MessageSeed"]
        del seed["Properties"]["Messages"]
        seed["Properties"] |= {"Bucket": "b", "Key": f"{of * 64}.jsonl", "Digest": of * 64}
        return after

    (change,) = changes(with_file("a"), with_file("b"))
    assert change.what == "Seed (Custom::MessageSeed)"
    assert change.details == ("the content of its file",)
    assert changes(with_file("a"), with_file("a")) == []


def test_the_normalised_template_hides_nothing_but_hashes_and_the_clis_own():
    text = to_yaml(template())
    assert "BootstrapVersion" not in text
    assert "<hash>.zip" in text
    assert "Hey Jerry, are you free?" in text
    assert normalised(template())["Resources"].keys() == template()["Resources"].keys()


def test_a_dashboard_is_shown_by_the_titles_of_its_widgets():
    resources = normalised(template(alarms=True))["Resources"]
    (dashboard,) = [r for r in resources.values() if r["Type"] == "AWS::CloudWatch::Dashboard"]
    titles = dashboard["Properties"]["DashboardBody"]
    assert "Iterator" in titles
    assert all(isinstance(title, str) for title in titles)


def test_the_review_answers_what_a_reviewer_asks():
    text = "\n".join(alone(template(pitr_days=35), template()).text())
    assert "SeedSeedingRole (SeedSeedingFunction)" in text
    assert "What survives a destroy\n  BackupVault (AWS::Backup::BackupVault)" in text
    assert "RecoveryPeriodInDays: 7 → 35" in text
    assert "10,000 messages a day: $" in text
    assert "Messages-dev" not in text, "of one stack the lines need no name"


def test_a_stage_without_prices_is_reviewed_all_the_same():
    elsewhere = template(region="eu-west-3")
    text = "\n".join(alone(elsewhere, elsewhere).text())
    assert "not estimated: no prices of region 'eu-west-3' are known" in text
    assert "What changes against main\n  nothing" in text


def test_a_comment_has_its_long_parts_folded():
    text = "\n".join(alone(template(), why="nothing to compare").markdown())
    assert text.startswith("## Stage dev")
    assert text.count("<details>") == text.count("</details>") == 4
    assert text.count("```text") == 6
    assert "not compared: nothing to compare" in text


def test_every_line_stands_under_its_stack_and_region():
    review = compared(two_stacks(), two_stacks(customer_key=True))
    for heading in ("What changes", "What survives", "What goes", "Who may", "Resources"):
        names = [line for line in section(review, heading) if not line.startswith(" ")]
        assert names == ["Messages-prod in eu-west-1", f"{NAME} in eu-central-1"]
    lines = section(review, "What changes against main")
    there = lines[lines.index(f"{NAME} in eu-central-1") :]
    assert "    + added: StageKey (AWS::KMS::Key)" in there
    assert any(line.startswith("    + permission: StageKey: ") for line in there)
    assert "\n### What changes against main\n" in "\n".join(review.markdown())


def test_for_programs_each_stack_is_apart():
    found = compared(two_stacks(), two_stacks(copy_retention_days=50)).as_object()
    assert [(one["stack"], one["region"]) for one in found["stacks"]] == [
        ("Messages-prod", "eu-west-1"),
        (NAME, "eu-central-1"),
    ]
    own, there = (one["sections"] for one in found["stacks"])
    assert any("DeleteAfterDays: 7 → 50" in line for line in own["What changes against main"])
    assert there["What changes against main"] == ["nothing"]
    assert there["Resources"] == ["  1 AWS::Backup::BackupVault", "  1 AWS::IAM::Role"]


def test_a_stack_that_the_base_did_not_have_is_wholly_new():
    lines = section(compared(two_stacks(copy_region=""), two_stacks()), "What changes")
    there = lines[lines.index(f"{NAME} in eu-central-1") + 1 :]
    assert there[:3] == [
        f"    + added: stack {NAME} in eu-central-1",
        "    + added: Vault (AWS::Backup::BackupVault)",
        "    + added: RestoreRole (AWS::IAM::Role)",
    ]


def test_of_a_stack_that_the_stage_no_longer_has_the_review_says_what_survives():
    review = compared(two_stacks(customer_key=True), two_stacks(customer_key=True, copy_region=""))
    lines = section(review, "What changes")
    there = lines[lines.index(f"{NAME} in eu-central-1") + 1 :]
    assert f"    - removed: stack {NAME} in eu-central-1" in there
    assert f"        aws cloudformation delete-stack --stack-name {NAME} --region eu-central-1" in there
    for name, fate in [
        ("Vault (AWS::Backup::BackupVault)", "stays behind"),
        ("StageKey (AWS::KMS::Key)", "stays behind"),
        ("RestoreRole (AWS::IAM::Role)", "is deleted"),
    ]:
        assert there[there.index(f"    - removed: {name}") + 1] == f"        {fate}"
    gone = f"counted as gone, with what stays behind until it is cleaned up: {NAME} in eu-central-1"
    assert gone in section(review, "What it costs")
    survivors = section(review, "What survives")
    below = survivors[survivors.index(f"{NAME} in eu-central-1") + 1 :]
    assert "    Vault (AWS::Backup::BackupVault)" in below


def test_copies_that_move_to_another_region_are_one_stack_less_and_one_more():
    review = compared(two_stacks(), two_stacks(copy_region="us-east-1"))
    lines = section(review, "What changes")
    assert f"    + added: stack {NAME} in us-east-1" in lines
    assert f"    - removed: stack {NAME} in eu-central-1" in lines
    assert "        all 2 resources and permissions as in eu-central-1" in lines
    gone = lines[lines.index(f"{NAME} in eu-central-1") + 1 :]
    assert gone[-1] == "        permissions: the same that it has in us-east-1"
    assert "        stays behind" in gone, "what becomes of the old resources is said all the same"
    cost = "\n".join(section(review, "What it costs"))
    assert cost.count(f"{NAME} in us-east-1: ") == cost.count(f"{NAME} in eu-central-1: ") == 2


def test_the_cost_is_of_both_stacks_each_in_its_region():
    keyed = {"customer_key": True}
    review = compared(two_stacks(**keyed, copy_region=""), two_stacks(**keyed))
    idle = section(review, "What it costs")[:4]
    assert idle == [
        "idle: $2.00 (+$1.00)",
        "    Messages-prod in eu-west-1: $1.00 (no change)",
        f"    {NAME} in eu-central-1: $1.00 (+$1.00)",
        "        customer key, eu-central-1: $0.00 → $1.00",
    ]
    busy = section(review, "What it costs")[4:]
    assert any("copies, daily, eu-central-1: $0.00 → " in line for line in busy)
    assert any("copies, daily, on the way: $0.00 → " in line for line in busy)


def test_where_one_stack_cannot_be_compared_no_difference_of_cost_is_claimed():
    own, there = two_stacks()
    found = (reviewed(own, own), reviewed(None, there, unknown="no permission"))
    review = Review(stage="prod", base="what is deployed", stacks=found)
    lines = section(review, "What changes against what is deployed")
    assert lines[-1] == "    not compared: no permission"
    assert "(" not in section(review, "What it costs")[0]


def test_copies_in_a_region_without_prices_have_those_of_the_stage_and_it_says_so():
    stacks = two_stacks(copy_region="ap-south-1")
    lines = section(compared(stacks, stacks), "What it costs")
    warning = "warning: no prices of region ap-south-1 are known: what is there has those of eu-west-1"
    assert lines.count(warning) == 1


@pytest.mark.parametrize(
    ("lock", "words"),
    [
        ("governance", "locked, a point cannot be deleted before its time, 7 to 365 days"),
        ("compliance", "7 to 365 days; 7 days after it is deployed nobody takes the lock off"),
    ],
)
def test_a_lock_of_the_copies_is_said(lock, words):
    confirmed = {"vault_lock_confirmed": "Messages-prod for 365 days"} if lock == "compliance" else {}
    _, copies = two_stacks(vault_lock=lock, monthly_backup_retention_days=365, **confirmed)
    assert any(line.endswith(words) for line in kept(copies.template["Resources"]))


def test_a_revision_that_git_does_not_know_is_said_in_one_line():
    with pytest.raises(UsageError, match="'no-such-revision' is no git revision here"):
        Revision("no-such-revision").__enter__()


def test_a_revision_from_before_the_project_is_said_in_one_line(monkeypatch):
    def fails(*_, **__):
        raise FileNotFoundError(2, "No such file or directory", "cdk.json")

    monkeypatch.setattr("ops.review.sources.synthesize", fails)
    with Revision("HEAD") as revision, pytest.raises(OpsError, match=r"revision HEAD: .*cdk\.json"):
        revision.stacks("dev")


def test_every_stage_is_reviewed_unless_one_is_named():
    assert stages() == ["dev", "prod"]


@pytest.mark.parametrize("stage", ["Dev!", ""])
def test_what_is_no_stage_is_refused(stage, capsys):
    assert main(["review", "--stage", stage]) == 2
    assert "is not a stage" in capsys.readouterr().err
