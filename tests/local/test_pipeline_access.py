"""The pipelines' roles, assumed as a workflow assumes them, under enforced IAM."""
# ruff: noqa: F811 (pytest hands fixtures over under their names)

import json
import re

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template
from botocore.exceptions import ClientError

from embedded_aws.tests.support.steps import KEYED, back_up, create_backup_role, listed, refused, trust
from stacks.pipeline_access import NAME, Access, PipelineAccess
from tests.conftest import PROJECT
from tests.support.deployment import POLL
from tests.support.own_account import aws, bootstrapped, client  # noqa: F401 (fixtures)
from tests.support.pipeline_steps import REPOSITORY, Job, credentials, session_keys

PROD, PREVIEW = "Messages-prod", "Messages-pr-12"
ITEM = {"pk": {"S": "secret"}}
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
LIMITS = "arn:aws:iam::000000000000:policy/MessagesPreviewLimits"
BOOTSTRAP = re.search(r"^PREVIEW_ROLES := ((?:.*\\\n)*.*)", (PROJECT / "Makefile").read_text(), re.M)
USED = ("deploy", "lookup", "file-publishing")
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": PROD, "VisibilityTimeout": 30}}


def create_stack(client, name, template):
    cloudformation = client("cloudformation")
    cloudformation.create_stack(
        StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=POLL)


@pytest.fixture(scope="module")
def roles(client, bootstrapped):  # noqa: ARG001 (it must be there)
    """The stack's outputs: the ARNs of the roles."""
    access = PipelineAccess(App(), access=Access(repository=REPOSITORY))
    create_stack(client, NAME, Template.from_stack(access).to_json())
    (found,) = client("cloudformation").describe_stacks(StackName=NAME)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


@pytest.fixture(scope="module")
def preview_roles(roles, aws, tmp_path_factory):
    """`make preview-roles`, with the options that the Makefile has."""
    # Outside the app's folder, so that the CLI does not synthesize the app.
    job = Job(aws, {}, tmp_path_factory.mktemp("bootstrap"), files=())
    options = BOOTSTRAP[1].replace("\\\n", " ").split()
    done = job.run("cdk", "bootstrap", "aws://000000000000/us-east-1", *options)
    assert done.returncode == 0, done.stdout
    return roles


@pytest.fixture(scope="module")
def prod(client):
    """Something of production: a stack, a table with an item, its backup, a role."""
    create_stack(client, PROD, {"Resources": {"Queue": QUEUE}})
    dynamodb = client("dynamodb")
    dynamodb.create_table(
        TableName=PROD,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        Tags=[{"Key": "messages:stack", "Value": PROD}],
    )
    dynamodb.put_item(TableName=PROD, Item=ITEM)
    role = create_backup_role(client, f"{PROD}-Role", "backup.amazonaws.com", "*")
    vault = f"{PROD}-1a2b3c4d"
    client("backup").create_backup_vault(BackupVaultName=vault, BackupVaultTags={"messages:stack": PROD})
    point = back_up(client, vault, PROD, role)["RecoveryPointArn"]
    return {"vault": vault, "point": point, "role": f"{PROD}-Role"}


def signed_in(client, role, job):
    """Clients of the repository's job, with a role of the stack."""
    keys = credentials(client, role, f"repo:{REPOSITORY}:{job}")
    return lambda service: client(service, **keys)


@pytest.fixture(scope="module")
def previewer(client, preview_roles):
    return signed_in(client, preview_roles["PreviewRoleArn"], "environment:pr")


@pytest.fixture(scope="module")
def deployer(client, preview_roles):  # noqa: ARG001 (it must be there)
    """Clients of the role that CloudFormation works as for pull requests; root assumes it here."""
    name = "cdk-messagespr-cfn-exec-role-000000000000-us-east-1"
    iam, service = client("iam"), "cloudformation.amazonaws.com"
    both = {"Service": service, "AWS": "arn:aws:iam::000000000000:root"}
    # As the bootstrap template attaches it; the engine reads its empty list as a list of "".
    iam.attach_role_policy(RoleName=name, PolicyArn=ADMINISTRATOR)
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust(Principal=both))
    keys = session_keys(client, _cdk_role("messagespr", "cfn-exec")["RoleArn"])
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust(service))
    return lambda service: client(service, **keys)


@pytest.fixture
def tagged(name, prod):
    """``tagged(clients, stack)``: ARNs of a plan and a key that ``clients`` create, with tags."""
    rule = {"RuleName": "daily", "TargetBackupVaultName": prod["vault"]}

    def make(clients, stack):
        tags = {"messages:stack": stack} if stack else {}
        key = clients("kms").create_key(Tags=kms_tags(tags))
        plan = {"BackupPlanName": f"{name}-{stack}", "Rules": [rule]}
        found = clients("backup").create_backup_plan(BackupPlan=plan, BackupPlanTags=tags)
        return found["BackupPlanArn"], key["KeyMetadata"]["Arn"]

    return make


def retagged(clients, plan, key):
    """Calls that would make a plan and a key those of a pull request."""
    tags = {"messages:stack": PREVIEW}
    return {
        clients("backup").tag_resource: {"ResourceArn": plan, "Tags": tags},
        clients("kms").tag_resource: {"KeyId": key, "Tags": kms_tags(tags)},
    }.items()


def kms_tags(tags):
    return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]


def denied(call, **arguments):
    """The call must be refused for lack of permission; other refusals are failures."""
    _, code, text = refused(call, **arguments)
    assert code in ("AccessDenied", "AccessDeniedException"), (code, text)
    return True


@pytest.mark.parametrize(
    ("role", "subject", "claims"),
    [
        ("DeployRoleArnProd", f"repo:{REPOSITORY}:ref:refs/heads/main", {}),
        ("DeployRoleArnProd", f"repo:{REPOSITORY}:environment:production", {}),
        ("DeployRoleArnProd", f"repo:{REPOSITORY}:environment:prod", {"audience": "octo"}),
        ("DeployRoleArnProd", f"repo:{REPOSITORY}:environment:prod", {"issuer": "https://gitlab.example"}),
        ("PreviewRoleArn", f"repo:{REPOSITORY}:environment:prod", {}),
        ("ReadRoleArn", "repo:octo/repo-of-another:pull_request", {}),
    ],
)
def test_another_job_gets_no_role(client, roles, role, subject, claims):
    with pytest.raises(ClientError, match="Not authorized to perform"):
        credentials(client, roles[role], subject, **claims)


def test_the_reader_describes_and_neither_reads_data_nor_writes(client, roles, prod):
    signed_in(client, roles["ReadRoleArn"], "ref:refs/heads/main")
    reader = signed_in(client, roles["ReadRoleArn"], "pull_request")
    dynamodb, backup, cloudformation = reader("dynamodb"), reader("backup"), reader("cloudformation")
    assert dynamodb.describe_table(TableName=PROD)["Table"]["TableName"] == PROD
    assert cloudformation.get_template(StackName=PROD)["TemplateBody"]
    assert denied(dynamodb.get_item, TableName=PROD, Key=ITEM)
    assert denied(dynamodb.delete_table, TableName=PROD)
    assert denied(cloudformation.delete_stack, StackName=PROD)
    assert denied(cloudformation.create_stack, StackName="x", TemplateBody="{}")
    assert denied(backup.delete_recovery_point, BackupVaultName=prod["vault"], RecoveryPointArn=prod["point"])
    assert denied(reader("iam").delete_role, RoleName=prod["role"])
    for role in USED:
        assert denied(reader("sts").assume_role, **_cdk_role("hnb659fds", role))


@pytest.mark.usefixtures("prod")
def test_a_deployment_reaches_the_account_through_the_roles_of_the_cdk_only(client, roles):
    clients = signed_in(client, roles["DeployRoleArnProd"], "environment:prod")
    for role in USED:
        assert clients("sts").assume_role(**_cdk_role("hnb659fds", role))["Credentials"]
        assert denied(clients("sts").assume_role, **_cdk_role("hnb659fds", role, "eu-west-1"))
    for role in ("cfn-exec", "image-publishing"):
        assert denied(clients("sts").assume_role, **_cdk_role("hnb659fds", role))
    assert denied(clients("dynamodb").delete_table, TableName=PROD)
    assert denied(clients("cloudformation").delete_stack, StackName=PROD)


def test_a_pull_request_cannot_touch_production(previewer, prod, client):
    dynamodb = previewer("dynamodb")
    assert denied(dynamodb.get_item, TableName=PROD, Key=ITEM)
    assert denied(dynamodb.put_item, TableName=PROD, Item=ITEM)
    assert denied(dynamodb.delete_table, TableName=PROD)
    assert denied(dynamodb.create_backup, TableName=PROD, BackupName="mine")
    assert denied(previewer("cloudformation").delete_stack, StackName=PROD)
    assert denied(previewer("sqs").delete_queue, QueueUrl=_queue(client))
    backup, where = previewer("backup"), {"BackupVaultName": prod["vault"]}
    assert denied(backup.delete_backup_vault, **where)
    assert denied(backup.delete_recovery_point, RecoveryPointArn=prod["point"], **where)
    assert denied(backup.tag_resource, ResourceArn=prod["point"], Tags={"messages:stack": PREVIEW})
    for role in USED:
        assert denied(previewer("sts").assume_role, **_cdk_role("hnb659fds", role))


def test_a_pull_request_makes_no_role_beyond_its_limits(previewer, prod):
    iam = previewer("iam")
    mine = {"RoleName": f"{PREVIEW}-Mine", "AssumeRolePolicyDocument": trust("lambda.amazonaws.com")}
    assert denied(iam.create_role, **mine)
    assert denied(iam.create_role, **mine, PermissionsBoundary=ADMINISTRATOR)
    assert denied(iam.create_role, **(mine | {"RoleName": f"{PROD}-Mine"}), PermissionsBoundary=LIMITS)
    iam.create_role(**mine, PermissionsBoundary=LIMITS)
    try:
        iam.attach_role_policy(RoleName=mine["RoleName"], PolicyArn=ADMINISTRATOR)
        assert denied(iam.delete_role_permissions_boundary, RoleName=mine["RoleName"])
        assert denied(iam.attach_role_policy, RoleName=prod["role"], PolicyArn=ADMINISTRATOR)
        assert denied(iam.delete_role, RoleName=prod["role"])
        assert denied(iam.create_policy_version, PolicyArn=LIMITS, PolicyDocument="{}")
    finally:
        iam.detach_role_policy(RoleName=mine["RoleName"], PolicyArn=ADMINISTRATOR)
        iam.delete_role(RoleName=mine["RoleName"])


def test_a_pull_request_tags_what_it_creates_and_makes_nothing_else_its_own_by_a_tag(
    client, deployer, previewer, tagged
):
    for call, arguments in retagged(deployer, *tagged(deployer, PREVIEW)):
        call(**arguments)
    for stack in (PROD, ""):
        with pytest.raises(ClientError, match="not authorized to perform: kms:CreateKey"):
            tagged(deployer, stack)
    of_production, untagged = tagged(client, PROD), tagged(client, "")
    for clients, others in ((deployer, of_production), (previewer, of_production), (previewer, untagged)):
        for call, arguments in retagged(clients, *others):
            assert denied(call, **arguments)


@pytest.mark.usefixtures("preview_roles", "prod")
def test_the_cdks_roles_for_pull_requests_cannot_touch_production_either(client):
    for role in (*USED, "image-publishing"):
        # As root, because a pull request may not even take all of them.
        keys = session_keys(client, _cdk_role("messagespr", role)["RoleArn"])
        assert denied(client("cloudformation", **keys).delete_stack, StackName=PROD)
        assert denied(client("dynamodb", **keys).get_item, TableName=PROD, Key=ITEM)
        bucket = "cdk-hnb659fds-assets-000000000000-us-east-1"
        assert denied(client("s3", **keys).put_object, Bucket=bucket, Key="x.zip", Body=b"")


def test_a_pull_requests_stage_from_deployment_to_clean_up(aws, client, preview_roles, tmp_path):
    job = Job(aws, credentials(client, preview_roles["PreviewRoleArn"], f"repo:{REPOSITORY}:environment:pr"), tmp_path)
    context = PROJECT / "stacks/pipeline/preview-context.json"
    (tmp_path / "cdk.context.json").write_text(context.read_text())
    line = {"from": "Tom", "to": "Jerry", "body": "Hi", "at": "2026-03-01T09:00:00Z"}
    (tmp_path / "hi.jsonl").write_text(json.dumps(line))

    def cdk(*arguments):
        done = job.run("cdk", "-c", "stage=pr-12", *arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

    deployed = cdk("deploy", "--require-approval", "never")
    assert "could not be used to assume" not in deployed
    read = job.python("chat", "history", "jerry#tom", "--stage", "pr-12")
    assert (read.returncode, "Hey Jerry, are you free?" in read.stdout) == (0, True), read.stdout
    iam = client("iam")
    names = [role["RoleName"] for role in listed(iam, "list_roles") if role["RoleName"].startswith(PREVIEW)]
    found = [iam.get_role(RoleName=name)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] for name in names]
    assert {*found} == {LIMITS}
    cdk("destroy", "--force")
    cleaned = job.python("ops", "cleanup", "--yes", "--stage", "pr-12")
    assert cleaned.returncode == 0, cleaned.stdout
    cdk("destroy", "--force")  # when the pull request is closed, nothing is found

    # The state machines that wait for a dataset and for the vault to be empty are within the limits too.
    waiting = ("-c", "seed_dataset=hi.jsonl", "-c", "backups_on_destroy=delete", "-c", "alarms=true")
    assert "DatasetWritten = 1" in cdk(*waiting, "deploy", "--require-approval", "never")
    cdk(*waiting, "destroy", "--force")


def test_a_job_of_main_plans_and_the_environments_job_applies_what_was_planned(aws, client, roles, tmp_path):
    stack, given = "Messages-planned", ("--stage", "planned", "--plan", "plan-7")
    main = credentials(client, roles["PlanRoleArn"], f"repo:{REPOSITORY}:ref:refs/heads/main")
    job, taken = Job(aws, main, tmp_path / "plan"), {"TableName": stack}
    client("dynamodb").create_table(**taken, **KEYED)
    stays = f"stack {stack} is empty and stays, because these credentials may not delete it"
    assert stays in job.python("ops", "plan", *given).stdout
    client("dynamodb").delete_table(**taken)
    planned = job.python("ops", "plan", *given, "--format", "markdown")
    assert (planned.returncode, "### What CloudFormation will do" in planned.stdout) == (0, True), planned.stdout
    assert "plan plan-7" in planned.stdout.splitlines(), "by which the workflow knows that there is one to apply"
    cloudformation = client("cloudformation", **main)
    assert denied(cloudformation.execute_change_set, StackName=stack, ChangeSetName="plan-7")
    assert denied(cloudformation.delete_stack, StackName=stack)

    approved = credentials(client, roles["DeployRoleArnProd"], f"repo:{REPOSITORY}:environment:prod")
    applied = Job(aws, approved, tmp_path / "apply").python("ops", "apply", *given)
    assert (applied.returncode, f"plan-7: applied to {stack}" in applied.stdout) == (0, True), applied.stdout


@pytest.mark.usefixtures("prod")
def test_the_watch_runs_with_the_role_that_reads(aws, client, roles, tmp_path):
    keys = credentials(client, roles["ReadRoleArn"], f"repo:{REPOSITORY}:ref:refs/heads/main")
    watch = Job(aws, keys, tmp_path)
    for command in (
        ["inventory", "--stage", "prod"],
        ["inventory", "--all", "--json"],
        ["backups", "--stage", "prod"],
        ["orphans", "--json"],
    ):
        done = watch.python("ops", *command)
        for gap in ("could not read", "not listed", "error:"):
            assert gap not in done.stdout, (command, done.stdout)
        # Of orphans, other tests may have left some.
        assert done.returncode == 0 or "orphans" in command, (command, done.stdout)
    prod = ("cdk", "-c", "stage=prod")
    compared = watch.run(*prod, "diff", "--method", "template")
    assert compared.returncode == 0, compared.stdout
    assert "[+] AWS::DynamoDB::GlobalTable" in compared.stdout

    done = watch.python("ops", "drift", "--stage", "prod")
    assert done.returncode == 0, done.stdout
    client("sqs").set_queue_attributes(QueueUrl=_queue(client), Attributes={"VisibilityTimeout": "99"})
    changed = watch.python("ops", "drift", "--stage", "prod")
    assert (changed.returncode, "AWS::SQS::Queue" in changed.stdout) == (1, True), changed.stdout


def _queue(client) -> str:
    return client("sqs").get_queue_url(QueueName=PROD)["QueueUrl"]


def _cdk_role(qualifier: str, role: str, region: str = "us-east-1") -> dict[str, str]:
    name = f"cdk-{qualifier}-{role}-role-000000000000-{region}"
    return {"RoleArn": f"arn:aws:iam::000000000000:role/{name}", "RoleSessionName": "test"}
