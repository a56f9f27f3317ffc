"""The pipelines' roles, assumed as a workflow assumes them, under enforced IAM."""
# ruff: noqa: F811 (pytest hands fixtures over under their names)

import json
import re

import pytest
from aws_cdk import App
from aws_cdk.assertions import Template
from botocore.exceptions import ClientError

from embedded_aws.tests.support.steps import back_up, refused
from stacks.pipeline_access import NAME, Access, PipelineAccess
from tests.conftest import PROJECT
from tests.support.deployment import POLL
from tests.support.own_account import aws, bootstrapped, client  # noqa: F401 (fixtures)
from tests.support.pipeline_steps import REPOSITORY, Job, credentials, session_keys

PROD = "Messages-prod"
PREVIEW = "Messages-pr-12"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
BOOTSTRAP = re.search(r"^PREVIEW_ROLES := ((?:.*\\\n)*.*)", (PROJECT / "Makefile").read_text(), re.M)
# Of the environments' stages; that of `prod` names none.
HOME, ELSEWHERE = "us-east-1", "eu-west-1"
REGIONS = {"wide": (HOME, ELSEWHERE)}
QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": PROD, "VisibilityTimeout": 30}}


@pytest.fixture(scope="module")
def roles(client, bootstrapped):  # noqa: ARG001 (it must be there)
    """The stack's outputs: the ARNs of the roles."""
    access = Access(repository=REPOSITORY, environments=("prod", "wide"), regions=REGIONS)
    template = Template.from_stack(PipelineAccess(App(), access=access)).to_json()
    cloudformation = client("cloudformation")
    cloudformation.create_stack(
        StackName=NAME, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName=NAME, WaiterConfig=POLL)
    (found,) = cloudformation.describe_stacks(StackName=NAME)["Stacks"]
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
    cloudformation, dynamodb, iam = client("cloudformation"), client("dynamodb"), client("iam")
    cloudformation.create_stack(StackName=PROD, TemplateBody=json.dumps({"Resources": {"Queue": QUEUE}}))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=PROD, WaiterConfig=POLL)
    dynamodb.create_table(
        TableName=PROD,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        Tags=[{"Key": "messages:stack", "Value": PROD}],
    )
    dynamodb.put_item(TableName=PROD, Item={"pk": {"S": "secret"}})
    role = iam.create_role(
        RoleName=f"{PROD}-Role",
        Path="/messages/",
        AssumeRolePolicyDocument=trust_of({"Service": "backup.amazonaws.com"}),
        Tags=[{"Key": "messages:stack", "Value": PROD}],
    )["Role"]
    policy = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup"
    iam.attach_role_policy(RoleName=f"{PROD}-Role", PolicyArn=policy)
    vault = f"{PROD}-1a2b3c4d"
    client("backup").create_backup_vault(BackupVaultName=vault, BackupVaultTags={"messages:stack": PROD})
    point = back_up(client, vault, PROD, role["Arn"])["RecoveryPointArn"]
    return {"vault": vault, "point": point, "role": f"{PROD}-Role"}


@pytest.fixture(scope="module")
def reader(client, roles):
    """Clients of a workflow's job that reads, here one of a pull request."""
    keys = credentials(client, roles["ReadRoleArn"], f"repo:{REPOSITORY}:pull_request")
    return lambda service: client(service, **keys)


@pytest.fixture(scope="module")
def previewer(client, preview_roles):
    """Clients of a pull request's job in the environment `pr`."""
    keys = credentials(client, preview_roles["PreviewRoleArn"], f"repo:{REPOSITORY}:environment:pr")
    return lambda service: client(service, **keys)


@pytest.fixture(scope="module")
def deployer(client, preview_roles):  # noqa: ARG001 (it must be there)
    """Clients of the role that CloudFormation works as for pull requests; root assumes it here."""
    name = f"cdk-messagespr-cfn-exec-role-000000000000-{HOME}"
    iam, trusted = client("iam"), {"Service": "cloudformation.amazonaws.com"}
    trusted_here = trusted | {"AWS": "arn:aws:iam::000000000000:root"}
    # As the bootstrap template attaches it; the engine reads its empty list as a list of "".
    iam.attach_role_policy(RoleName=name, PolicyArn=ADMINISTRATOR)
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust_of(trusted_here))
    keys = session_keys(client, _cdk_role("messagespr", "cfn-exec")["RoleArn"])
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust_of(trusted))
    return lambda service: client(service, **keys)


def trust_of(principal):
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def tagged(name, prod):
    """``tagged(clients, stack)``: ARNs of a plan and a key that ``clients`` create, with tags."""
    rule = {"RuleName": "daily", "TargetBackupVaultName": prod["vault"]}

    def make(clients, stack):
        tags = {"messages:stack": stack} if stack else {}
        key = clients("kms").create_key(Tags=[{"TagKey": key, "TagValue": value} for key, value in tags.items()])
        plan = {"BackupPlanName": f"{name}-{stack}", "Rules": [rule]}
        found = clients("backup").create_backup_plan(BackupPlan=plan, BackupPlanTags=tags)
        return found["BackupPlanArn"], key["KeyMetadata"]["Arn"]

    return make


def retag(clients, plan, key):
    """Calls that would make a plan and a key those of a pull request."""
    return [
        (clients("backup").tag_resource, {"ResourceArn": plan, "Tags": {"messages:stack": PREVIEW}}),
        (clients("kms").tag_resource, {"KeyId": key, "Tags": [{"TagKey": "messages:stack", "TagValue": PREVIEW}]}),
    ]


def denied(call, **arguments):
    """The call must be refused for lack of permission; other refusals are failures."""
    _, code, text = refused(call, **arguments)
    assert code in ("AccessDenied", "AccessDeniedException"), (code, text)
    return True


@pytest.mark.parametrize(
    ("role", "subject", "claims"),
    [
        ("DeployRoleArnProd", f"repo:{REPOSITORY}:ref:refs/heads/main", {}),
        ("DeployRoleArnProd", f"repo:{REPOSITORY}:environment:pr", {}),
        ("DeployRoleArnProd", f"repo:{REPOSITORY}:environment:production", {}),
        ("DeployRoleArnProd", f"repo:{REPOSITORY}:environment:prod", {"audience": "octo"}),
        ("DeployRoleArnProd", f"repo:{REPOSITORY}:environment:prod", {"issuer": "https://gitlab.example"}),
        ("PreviewRoleArn", f"repo:{REPOSITORY}:pull_request", {}),
        ("PreviewRoleArn", f"repo:{REPOSITORY}:environment:prod", {}),
        ("ReadRoleArn", "repo:octo/repo-of-another:pull_request", {}),
        ("ReadRoleArn", "repo:another/repo:ref:refs/heads/main", {}),
    ],
)
def test_another_job_gets_no_role(client, roles, role, subject, claims):
    with pytest.raises(ClientError, match="Not authorized to perform"):
        credentials(client, roles[role], subject, **claims)


def test_a_trusted_job_gets_its_role(client, roles):
    for role, subject in (
        ("DeployRoleArnProd", "environment:prod"),
        ("PreviewRoleArn", "environment:pr"),
        ("ReadRoleArn", "pull_request"),
        ("ReadRoleArn", "ref:refs/heads/main"),
    ):
        keys = credentials(client, roles[role], f"repo:{REPOSITORY}:{subject}")
        assert roles[role].rsplit("/")[-1] in client("sts", **keys).get_caller_identity()["Arn"]


def test_the_reader_describes_and_neither_reads_data_nor_writes(reader, prod):
    dynamodb, key = reader("dynamodb"), {"pk": {"S": "secret"}}
    assert dynamodb.describe_table(TableName=PROD)["Table"]["TableName"] == PROD
    assert reader("cloudformation").get_template(StackName=PROD)["TemplateBody"]
    assert denied(dynamodb.get_item, TableName=PROD, Key=key)
    assert denied(dynamodb.scan, TableName=PROD)
    assert denied(dynamodb.put_item, TableName=PROD, Item=key)
    assert denied(dynamodb.delete_table, TableName=PROD)
    assert denied(reader("cloudformation").delete_stack, StackName=PROD)
    assert denied(reader("cloudformation").create_stack, StackName="x", TemplateBody="{}")
    assert denied(reader("backup").delete_backup_vault, BackupVaultName=prod["vault"])
    assert denied(reader("backup").delete_recovery_point, BackupVaultName=prod["vault"], RecoveryPointArn=prod["point"])
    assert denied(reader("iam").delete_role, RoleName=prod["role"])
    for role in ("deploy", "lookup", "file-publishing"):
        assert denied(reader("sts").assume_role, **_cdk_role("hnb659fds", role))


@pytest.mark.usefixtures("prod")
def test_a_deployment_reaches_the_account_through_the_roles_of_the_cdk_only(client, roles):
    subject = f"repo:{REPOSITORY}:environment:prod"
    keys = credentials(client, roles["DeployRoleArnProd"], subject)
    sts = client("sts", **keys)
    for role in ("deploy", "lookup", "file-publishing"):
        assert sts.assume_role(**_cdk_role("hnb659fds", role))["Credentials"]
        assert denied(sts.assume_role, **_cdk_role("hnb659fds", role, ELSEWHERE))
    for role in ("cfn-exec", "image-publishing"):
        assert denied(sts.assume_role, **_cdk_role("hnb659fds", role))
    assert denied(client("dynamodb", **keys).delete_table, TableName=PROD)
    assert denied(client("cloudformation", **keys).delete_stack, StackName=PROD)


def test_a_stage_with_copies_is_deployed_to_both_regions_of_it(aws, client, roles, tmp_path):
    elsewhere = Job(aws, {}, tmp_path / "bootstrap", files=())
    done = elsewhere.run("cdk", "bootstrap", f"aws://000000000000/{ELSEWHERE}")
    assert done.returncode == 0, done.stdout
    subject = f"repo:{REPOSITORY}:environment:wide"
    keys = credentials(client, roles["DeployRoleArnWide"], subject)
    third = _cdk_role("hnb659fds", "deploy", "eu-central-1")
    assert denied(client("sts", **keys).assume_role, **third)
    job = Job(aws, keys, tmp_path / "job")
    context = ("-c", "stage=wide", "-c", f"region={HOME}", "-c", f"copy_region={ELSEWHERE}")
    for command in (("deploy", "--all", "--require-approval", "never"), ("destroy", "--all", "--force")):
        done = job.run("cdk", *context, *command)
        assert done.returncode == 0, done.stdout
        assert "could not be used to assume" not in done.stdout
    for region in (HOME, ELSEWHERE):
        vaults = client("backup", region_name=region).list_backup_vaults()["BackupVaultList"]
        assert any("-wide-" in vault["BackupVaultName"] for vault in vaults), region


def test_a_pull_request_cannot_touch_production(previewer, prod, client):
    dynamodb, key = previewer("dynamodb"), {"pk": {"S": "secret"}}
    assert denied(dynamodb.get_item, TableName=PROD, Key=key)
    assert denied(dynamodb.put_item, TableName=PROD, Item=key)
    assert denied(dynamodb.delete_table, TableName=PROD)
    assert denied(dynamodb.create_backup, TableName=PROD, BackupName="mine")
    assert denied(previewer("cloudformation").delete_stack, StackName=PROD)
    assert denied(previewer("sqs").delete_queue, QueueUrl=_queue(client))
    backup, where = previewer("backup"), {"BackupVaultName": prod["vault"]}
    assert denied(backup.delete_backup_vault, **where)
    assert denied(backup.delete_recovery_point, RecoveryPointArn=prod["point"], **where)
    assert denied(backup.tag_resource, ResourceArn=prod["point"], Tags={"messages:stack": PREVIEW})
    for role in ("deploy", "lookup", "file-publishing"):
        assert denied(previewer("sts").assume_role, **_cdk_role("hnb659fds", role))


def test_a_pull_request_makes_no_role_beyond_its_limits(previewer, prod):
    iam = previewer("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    limits = "arn:aws:iam::000000000000:policy/MessagesPreviewLimits"
    mine = {"RoleName": f"{PREVIEW}-Mine", "AssumeRolePolicyDocument": document}
    assert denied(iam.create_role, **mine)
    assert denied(iam.create_role, **mine, PermissionsBoundary=ADMINISTRATOR)
    assert denied(iam.create_role, **(mine | {"RoleName": f"{PROD}-Mine"}), PermissionsBoundary=limits)
    iam.create_role(**mine, PermissionsBoundary=limits)
    try:
        iam.attach_role_policy(RoleName=mine["RoleName"], PolicyArn=ADMINISTRATOR)
        assert denied(iam.delete_role_permissions_boundary, RoleName=mine["RoleName"])
        assert denied(iam.attach_role_policy, RoleName=prod["role"], PolicyArn=ADMINISTRATOR)
        assert denied(iam.delete_role, RoleName=prod["role"])
        assert denied(iam.create_policy_version, PolicyArn=limits, PolicyDocument="{}")
    finally:
        iam.detach_role_policy(RoleName=mine["RoleName"], PolicyArn=ADMINISTRATOR)
        iam.delete_role(RoleName=mine["RoleName"])


def test_a_pull_requests_deployment_tags_what_it_creates_and_its_own(deployer, tagged):
    plan, key = tagged(deployer, PREVIEW)
    for call, arguments in retag(deployer, plan, key):
        call(**arguments)
    for stack in (PROD, ""):
        with pytest.raises(ClientError, match="not authorized to perform: kms:CreateKey"):
            tagged(deployer, stack)


def test_a_pull_request_makes_nothing_its_own_by_a_tag(client, deployer, previewer, tagged):
    plan, key = tagged(client, PROD)
    for clients in (deployer, previewer):
        for call, arguments in retag(clients, plan, key):
            assert denied(call, **arguments)
    plan, key = tagged(client, "")
    for call, arguments in retag(previewer, plan, key):
        assert denied(call, **arguments)


@pytest.mark.usefixtures("preview_roles", "prod")
@pytest.mark.parametrize("role", ["deploy", "lookup", "file-publishing", "image-publishing"])
def test_the_cdks_roles_for_pull_requests_cannot_touch_production_either(client, role):
    # As root, because a pull request may not even take all of them.
    keys = session_keys(client, _cdk_role("messagespr", role)["RoleArn"])
    assert denied(client("cloudformation", **keys).delete_stack, StackName=PROD)
    assert denied(client("dynamodb", **keys).get_item, TableName=PROD, Key={"pk": {"S": "secret"}})
    bucket = "cdk-hnb659fds-assets-000000000000-us-east-1"
    assert denied(client("s3", **keys).put_object, Bucket=bucket, Key="x.zip", Body=b"")


@pytest.fixture
def cdk(aws, client, preview_roles, tmp_path):
    """``cdk(...)``: what the CDK CLI prints in a pull request's checkout; its ``job`` runs other commands."""
    keys = credentials(client, preview_roles["PreviewRoleArn"], f"repo:{REPOSITORY}:environment:pr")
    job = Job(aws, keys, tmp_path)
    context = PROJECT / "stacks/pipeline/preview-context.json"
    (tmp_path / "cdk.context.json").write_text(context.read_text())

    def run(*arguments):
        done = job.run("cdk", *arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout

    run.job = job
    return run


def test_a_pull_requests_stage_from_deployment_to_clean_up(cdk, client):
    deployed = cdk("-c", "stage=pr-12", "deploy", "--require-approval", "never")
    assert "could not be used to assume" not in deployed
    read = cdk.job.python("chat", "history", "jerry#tom", "--stage", "pr-12")
    assert (read.returncode, "Hey Jerry, are you free?" in read.stdout) == (0, True), read.stdout
    iam = client("iam")
    names = [role["RoleName"] for role in iam.list_roles()["Roles"] if role["RoleName"].startswith(PREVIEW)]
    found = [iam.get_role(RoleName=name)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"] for name in names]
    assert {arn.rsplit("/")[-1] for arn in found} == {"MessagesPreviewLimits"}

    cdk("-c", "stage=pr-12", "destroy", "--force")
    cleaned = cdk.job.python("ops", "cleanup", "--yes", "--stage", "pr-12")
    assert cleaned.returncode == 0, cleaned.stdout
    cdk("-c", "stage=pr-12", "destroy", "--force")  # when the pull request is closed, nothing is found


def test_a_pull_requests_stage_may_wait_for_a_dataset_and_for_its_vault(cdk):
    line = {"from": "Tom", "to": "Jerry", "body": "Hi", "at": "2026-03-01T09:00:00Z"}
    (cdk.job.folder / "hi.jsonl").write_text(json.dumps(line))
    stage = ("-c", "stage=pr-13", "-c", "seed_dataset=hi.jsonl", "-c", "backups_on_destroy=delete", "-c", "alarms=true")
    assert "DatasetWritten = 1" in cdk(*stage, "deploy", "--require-approval", "never")
    cdk(*stage, "destroy", "--force")


@pytest.fixture
def watch(aws, client, roles, tmp_path):
    """The nightly job, with the role that reads."""
    return Job(aws, credentials(client, roles["ReadRoleArn"], f"repo:{REPOSITORY}:ref:refs/heads/main"), tmp_path)


@pytest.mark.usefixtures("prod")
def test_the_watch_runs_with_the_role_that_reads(watch):
    for command in (
        ["inventory", "--stage", "prod"],
        ["inventory", "--all", "--json"],
        ["backups", "--stage", "prod"],
        ["orphans", "--json"],
    ):
        done = watch.python("ops", *command)
        assert "could not look for" not in done.stdout, (command, done.stdout)
        assert "not listed" not in done.stdout, (command, done.stdout)
        assert "error:" not in done.stdout, (command, done.stdout)
        # Of orphans, other tests may have left some.
        assert done.returncode == 0 or "orphans" in command, (command, done.stdout)
    compared = watch.run("cdk", "-c", "stage=prod", "diff", "--method", "template")
    assert compared.returncode == 0, compared.stdout
    assert "[+] AWS::DynamoDB::GlobalTable" in compared.stdout


@pytest.mark.usefixtures("prod")
def test_drift_is_status_1_and_names_what_was_changed(client, watch):
    command = ("cdk", "-c", "stage=prod", "drift", "--fail")
    done = watch.run(*command)
    assert done.returncode == 0, done.stdout
    client("sqs").set_queue_attributes(QueueUrl=_queue(client), Attributes={"VisibilityTimeout": "99"})
    changed = watch.run(*command)
    assert changed.returncode == 1, changed.stdout
    assert "AWS::SQS::Queue" in changed.stdout


def _queue(client) -> str:
    return client("sqs").get_queue_url(QueueName=PROD)["QueueUrl"]


def _cdk_role(qualifier: str, role: str, region: str = HOME) -> dict[str, str]:
    name = f"cdk-{qualifier}-{role}-role-000000000000-{region}"
    return {"RoleArn": f"arn:aws:iam::000000000000:role/{name}", "RoleSessionName": "test"}
