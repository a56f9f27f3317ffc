"""The pipelines' roles, assumed as a workflow assumes them, under enforced IAM."""
# ruff: noqa: F811 (pytest hands fixtures over under their names)

import json
import re
import tempfile

import pytest
from aws_cdk import App
from botocore.exceptions import ClientError

from embedded_aws.tests.support.steps import back_up, refused
from stacks.pipeline.access import Access
from stacks.pipeline_access import NAME, PipelineAccess
from tests.conftest import PROJECT
from tests.support.deployment import POLL
from tests.support.own_account import aws, bootstrapped, client  # noqa: F401 (fixtures)
from tests.support.pipeline_steps import REPOSITORY, Job, credentials

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
    with tempfile.TemporaryDirectory() as folder:
        app = App(outdir=folder)
        access = Access(repository=REPOSITORY, environments=("prod", "wide"), regions=REGIONS)
        PipelineAccess(app, access=access)
        app.synth()
        with open(f"{folder}/{NAME}.template.json") as file:
            template = file.read()
    cloudformation = client("cloudformation")
    cloudformation.create_stack(StackName=NAME, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
    cloudformation.get_waiter("stack_create_complete").wait(StackName=NAME, WaiterConfig=POLL)
    (found,) = cloudformation.describe_stacks(StackName=NAME)["Stacks"]
    yield {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}
    cloudformation.delete_stack(StackName=NAME)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=NAME, WaiterConfig=POLL)


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
    trust = {"Effect": "Allow", "Principal": {"Service": "backup.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName=f"{PROD}-Role",
        Path="/messages/",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        Tags=[{"Key": "messages:stack", "Value": PROD}],
    )["Role"]
    policy = "arn:aws:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup"
    iam.attach_role_policy(RoleName=f"{PROD}-Role", PolicyArn=policy)
    vault = f"{PROD}-1a2b3c4d"
    client("backup").create_backup_vault(BackupVaultName=vault, BackupVaultTags={"messages:stack": PROD})
    point = back_up(client, vault, PROD, role["Arn"])["RecoveryPointArn"]
    yield {"vault": vault, "point": point, "role": f"{PROD}-Role"}
    client("backup").delete_recovery_point(BackupVaultName=vault, RecoveryPointArn=point)
    iam.detach_role_policy(RoleName=f"{PROD}-Role", PolicyArn=policy)
    iam.delete_role(RoleName=f"{PROD}-Role")
    dynamodb.delete_table(TableName=PROD)
    cloudformation.delete_stack(StackName=PROD)


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
    found = client("sts").assume_role(**_cdk_role("messagespr", "cfn-exec"))["Credentials"]
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust_of(trusted))
    return lambda service: client(
        service,
        aws_access_key_id=found["AccessKeyId"],
        aws_secret_access_key=found["SecretAccessKey"],
        aws_session_token=found["SessionToken"],
    )


def trust_of(principal):
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def tagged(client, name, prod):
    """``tagged(clients, stack)``: ARNs of a plan and a key that ``clients`` create, with tags."""
    made = []
    rule = {"RuleName": "daily", "TargetBackupVaultName": prod["vault"]}

    def make(clients, stack):
        tags = {"messages:stack": stack} if stack else {}
        key = clients("kms").create_key(Tags=[{"TagKey": key, "TagValue": value} for key, value in tags.items()])[
            "KeyMetadata"
        ]["Arn"]
        plan = {"BackupPlanName": f"{name}-{len(made)}", "Rules": [rule]}
        found = clients("backup").create_backup_plan(BackupPlan=plan, BackupPlanTags=tags)
        made.append(found["BackupPlanId"])
        return found["BackupPlanArn"], key

    yield make
    for plan_id in made:
        client("backup").delete_backup_plan(BackupPlanId=plan_id)


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
def test_a_job_that_is_not_meant_gets_no_role(client, roles, role, subject, claims):
    with pytest.raises(ClientError, match="Not authorized to perform"):
        credentials(client, roles[role], subject, **claims)


@pytest.mark.parametrize(
    ("role", "subject"),
    [
        ("DeployRoleArnProd", "environment:prod"),
        ("PreviewRoleArn", "environment:pr"),
        ("ReadRoleArn", "pull_request"),
        ("ReadRoleArn", "ref:refs/heads/main"),
    ],
)
def test_a_job_that_is_meant_gets_its_role(client, roles, role, subject):
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
        backup = client("backup", region_name=region)
        (vault,) = [
            found["BackupVaultName"]
            for found in backup.list_backup_vaults()["BackupVaultList"]
            if "-wide-" in found["BackupVaultName"]
        ]
        backup.delete_backup_vault(BackupVaultName=vault)


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
    found = client("sts").assume_role(**_cdk_role("messagespr", role))["Credentials"]
    keys = {
        "aws_access_key_id": found["AccessKeyId"],
        "aws_secret_access_key": found["SecretAccessKey"],
        "aws_session_token": found["SessionToken"],
    }
    assert denied(client("cloudformation", **keys).delete_stack, StackName=PROD)
    assert denied(client("dynamodb", **keys).get_item, TableName=PROD, Key={"pk": {"S": "secret"}})
    bucket = "cdk-hnb659fds-assets-000000000000-us-east-1"
    assert denied(client("s3", **keys).put_object, Bucket=bucket, Key="x.zip", Body=b"")


def test_a_pull_requests_stage_from_deployment_to_clean_up(aws, client, preview_roles, tmp_path):
    subject = f"repo:{REPOSITORY}:environment:pr"
    job = Job(aws, credentials(client, preview_roles["PreviewRoleArn"], subject), tmp_path)
    context = PROJECT / "stacks/pipeline/preview-context.json"
    (tmp_path / "cdk.context.json").write_text(context.read_text())
    deployed = job.run("cdk", "-c", "stage=pr-12", "deploy", "--require-approval", "never")
    assert deployed.returncode == 0, deployed.stdout
    assert "could not be used to assume" not in deployed.stdout
    read = job.python("chat", "history", "jerry#tom", "--stage", "pr-12")
    assert (read.returncode, "Hey Jerry, are you free?" in read.stdout) == (0, True), read.stdout
    boundaries = {
        role["PermissionsBoundary"]["PermissionsBoundaryArn"].rsplit("/")[-1]
        for listed in client("iam").list_roles()["Roles"]
        if listed["RoleName"].startswith(PREVIEW)
        for role in [client("iam").get_role(RoleName=listed["RoleName"])["Role"]]
    }
    assert boundaries == {"MessagesPreviewLimits"}

    destroyed = job.run("cdk", "-c", "stage=pr-12", "destroy", "--force")
    assert destroyed.returncode == 0, destroyed.stdout
    cleaned = job.python("ops", "cleanup", "--yes", "--stage", "pr-12")
    assert cleaned.returncode == 0, cleaned.stdout
    again = job.run("cdk", "-c", "stage=pr-12", "destroy", "--force")
    assert again.returncode == 0, again.stdout  # the second net finds nothing


def test_a_pull_requests_stage_may_wait_for_a_dataset_and_for_its_vault(aws, client, preview_roles, tmp_path):
    subject = f"repo:{REPOSITORY}:environment:pr"
    job = Job(aws, credentials(client, preview_roles["PreviewRoleArn"], subject), tmp_path)
    context = PROJECT / "stacks/pipeline/preview-context.json"
    (tmp_path / "cdk.context.json").write_text(context.read_text())
    line = {"from": "Tom", "to": "Jerry", "body": "Hi", "at": "2026-03-01T09:00:00Z"}
    (tmp_path / "hi.jsonl").write_text(json.dumps(line))
    stage = ("-c", "stage=pr-13", "-c", "seed_dataset=hi.jsonl", "-c", "backups_on_destroy=delete", "-c", "alarms=true")
    deployed = job.run("cdk", *stage, "deploy", "--require-approval", "never")
    assert deployed.returncode == 0, deployed.stdout
    assert "DatasetWritten = 1" in deployed.stdout
    destroyed = job.run("cdk", *stage, "destroy", "--force")
    assert destroyed.returncode == 0, destroyed.stdout


@pytest.mark.usefixtures("prod")
def test_the_watch_runs_with_the_role_that_reads(aws, client, roles, tmp_path):
    subject = f"repo:{REPOSITORY}:ref:refs/heads/main"
    job = Job(aws, credentials(client, roles["ReadRoleArn"], subject), tmp_path)
    for command in (
        ["inventory", "--stage", "prod"],
        ["inventory", "--all", "--json"],
        ["backups", "--stage", "prod"],
        ["orphans", "--json"],
    ):
        done = job.python("ops", *command)
        assert "could not look for" not in done.stdout, (command, done.stdout)
        assert "not listed" not in done.stdout, (command, done.stdout)
        assert "error:" not in done.stdout, (command, done.stdout)
        # Of orphans, other tests may have left some.
        assert done.returncode == 0 or "orphans" in command, (command, done.stdout)
    compared = job.run("cdk", "-c", "stage=prod", "diff", "--method", "template")
    assert compared.returncode == 0, compared.stdout
    assert "[+] AWS::DynamoDB::GlobalTable" in compared.stdout


@pytest.mark.usefixtures("prod")
def test_drift_is_status_1_and_names_what_was_changed(aws, client, roles, tmp_path):
    subject = f"repo:{REPOSITORY}:ref:refs/heads/main"
    job = Job(aws, credentials(client, roles["ReadRoleArn"], subject), tmp_path)
    command = ("cdk", "-c", "stage=prod", "drift", "--fail")
    done = job.run(*command)
    assert done.returncode == 0, done.stdout
    client("sqs").set_queue_attributes(QueueUrl=_queue(client), Attributes={"VisibilityTimeout": "99"})
    changed = job.run(*command)
    assert changed.returncode == 1, changed.stdout
    assert "AWS::SQS::Queue" in changed.stdout


def _queue(client) -> str:
    return client("sqs").get_queue_url(QueueName=PROD)["QueueUrl"]


def _cdk_role(qualifier: str, role: str, region: str = HOME) -> dict[str, str]:
    name = f"cdk-{qualifier}-{role}-role-000000000000-{region}"
    return {"RoleArn": f"arn:aws:iam::000000000000:role/{name}", "RoleSessionName": "test"}
