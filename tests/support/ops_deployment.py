"""Stand-ins for a deployment, and the commands of ops run against them."""

import functools
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from embedded_aws.environment import PROJECT
from embedded_aws.process import Running
from embedded_aws.tests.support.engine import configure
from embedded_aws.tests.support.steps import KEYED, allow, eventually, listed, policy, table_arn, trust
from ops.__main__ import main

# Settings of the embedded AWS.
QUICK = {
    "backup_job_seconds": 0,
    "restore_job_seconds": 0.1,
    "recovery_delay_seconds": 300.0,
    "recovery_point_deleting_seconds": 0.05,
    "vault_lag_seconds": 0.1,
    "expiring_vault": "",
}


class Deployment:
    """One stage: a stack with the resources, names and tags that the project gives them."""

    environment: pytest.MonkeyPatch  # of the commands in this process

    def __init__(self, client: Callable[..., Any], stage: str) -> None:
        self.client, self.stage = client, stage
        self.stack = self.table = f"Messages-{stage}"
        self.vault = f"{self.stack}-1a2b3c4d"
        self.log_group = f"/aws/lambda/{self.stack}-SeedFunction1A2B3C4D-AbCdEfGhIjKl"

    def deploy(self, *, ending: str = "CREATE_COMPLETE", **changes: Any) -> "Deployment":
        """Create the stack, which ends as ``ending``; ``changes`` are merged into the table's properties."""
        template = _template(self.stack, self.vault, changes)
        self.client("cloudformation").create_stack(
            StackName=self.stack, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"]
        )
        self.wait_for(ending)
        return self

    def destroy(self) -> "Deployment":
        """Delete the stack; vault and role are retained."""
        self.client("cloudformation").delete_stack(StackName=self.stack)
        self.wait_for(None)
        return self

    def leave(self, points: int = 2, *, everything: bool = False, **changes: Any) -> "Deployment":
        """Deploy, back up and destroy the stack; with ``everything``, also what no stack deletes."""
        self.deploy(**changes)
        for _ in range(points):
            self.start_job()
        if everything:
            self.client("dynamodb").create_backup(TableName=self.table, BackupName="by-hand")
        self.destroy()
        if everything:
            self.client("logs").create_log_group(logGroupName=self.log_group)
        return self

    @functools.cached_property
    def role_arn(self) -> str:
        roles = self.client("iam").get_paginator("list_roles").paginate(PathPrefix="/messages/").search("Roles[]")
        return next(role["Arn"] for role in roles if role["RoleName"].startswith(f"{self.stack}-Role-"))

    def start_job(self, *, table: str = "", **changes: Any) -> str:
        """Start a backup job as the plan would, without waiting; ``changes`` are made to the request."""
        request = {
            "BackupVaultName": self.vault,
            "ResourceArn": table_arn(table or self.table),
            "IamRoleArn": self.role_arn,
        }
        return self.client("backup").start_backup_job(**request | changes)["BackupJobId"]

    def make_table(self, name: str, **properties: Any) -> None:
        """Create a table outside the stack."""
        self.client("dynamodb").create_table(TableName=name, **KEYED, **properties)

    def make_role(self, name: str, *, resource: str = "*", tags: Sequence[dict[str, str]] = ()) -> str:
        """Create a role for AWS Backup outside the stack; its ARN."""
        iam, document = self.client("iam"), trust("backup.amazonaws.com")
        made = iam.create_role(RoleName=name, Path="/messages/", AssumeRolePolicyDocument=document, Tags=tags)
        permissions = policy(allow("dynamodb:*", on=resource))
        iam.put_role_policy(RoleName=name, PolicyName="BackUp", PolicyDocument=permissions)
        return made["Role"]["Arn"]

    def become_user(self, *denied: dict[str, Any]) -> str:
        """Run commands from now on as a user who may do all but what is denied; the user's name."""
        iam, name = self.client("iam"), f"{self.stack}-ops"
        iam.create_user(UserName=name)
        statements = [{"Effect": "Deny", "Resource": "*", **statement} for statement in denied]
        iam.put_user_policy(UserName=name, PolicyName="ops", PolicyDocument=policy(allow("*"), *statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.environment.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        self.environment.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        return name

    @contextmanager
    def without_advanced_features(self) -> Iterator[None]:
        """For a ``with`` block, backups have ARNs of DynamoDB, as in an account without AWS Backup's features."""
        backup = self.client("backup")
        names = ("ResourceTypeOptInPreference", "ResourceTypeManagementPreference")
        backup.update_region_settings(**{name: {"DynamoDB": False} for name in names})
        try:
            yield
        finally:
            backup.update_region_settings(**{name: {"DynamoDB": True} for name in names})

    def points(self) -> list[str]:
        """The ARNs of the recovery points in the vault."""
        pages = self.client("backup").get_paginator("list_recovery_points_by_backup_vault")
        found = pages.paginate(BackupVaultName=self.vault).search("RecoveryPoints[].RecoveryPointArn")
        return list(found)

    def remains(self) -> set[str]:
        """The kinds of things that still exist, asked from the APIs one by one."""
        vaults = listed(self.client("backup"), "list_backup_vaults")
        roles = listed(self.client("iam"), "list_roles", PathPrefix="/messages/")
        found = {
            "vault": [v for v in vaults if v["BackupVaultName"] == self.vault],
            "role": [r for r in roles if r["RoleName"].startswith(f"{self.stack}-")],
            "log group": self.client("logs").describe_log_groups(logGroupNamePrefix=self.log_group)["logGroups"],
            "backup": self.client("dynamodb").list_backups(TableName=self.table)["BackupSummaries"],
        }
        return {kind for kind, things in found.items() if things}

    def ops(self, command: str, *options: str) -> int:
        """The command's exit status."""
        return main([command, "--stage", self.stage, *options])

    def wait_for(self, wanted: str | None) -> None:
        """Return when the stack has this status, or with None when there is none."""

        pages = self.client("cloudformation").get_paginator("describe_stacks")
        status = f"Stacks[?StackName=='{self.stack}'].StackStatus | [0]"
        eventually(lambda: next(filter(None, pages.paginate().search(status)), None) == wanted)


@contextmanager
def quick_deployment(aws: Running, client: Callable[..., Any], stage: str) -> Iterator[Deployment]:
    """A stage that is not deployed yet, in an embedded AWS whose jobs take no time, for commands in this process."""
    before, deployment = configure(aws, **QUICK), Deployment(client, stage)
    with pytest.MonkeyPatch.context() as deployment.environment:
        for key, value in aws.environment().items():
            deployment.environment.setenv(key, value)
        yield deployment
    configure(aws, **before)


def interrupted(
    aws: Running, ready: str | Callable[[], bool], *command: str, number: int = signal.SIGINT
) -> tuple[int, str, str]:
    """Status, output and errors of ``python -m ops`` that gets a signal once ``ready`` is true, or in its errors."""
    start = [sys.executable, "-m", "ops", *command]
    with (
        tempfile.TemporaryFile("a+") as errors,
        subprocess.Popen(
            start, cwd=PROJECT, env=aws.environment(), text=True, stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):

        def read() -> str:
            errors.seek(0)
            return errors.read()

        def is_ready() -> bool:
            assert process.poll() is None, read()
            return ready in read() if isinstance(ready, str) else ready()

        eventually(is_ready)
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
        return process.returncode, out, read()


def _template(stack: str, vault: str, changes: dict[str, Any]) -> dict[str, Any]:
    tags, retained = [{"Key": "messages:stack", "Value": stack}], {"DeletionPolicy": "Retain"}
    copies = ("backup:CopyFromBackupVault", "backup:CopyIntoBackupVault", "backup:DescribeBackupVault")

    def role(name: str, tables: str, *more: dict[str, Any]) -> dict[str, Any]:
        resources = [table_arn(tables), table_arn(f"{stack}/backup/*")]
        document = json.loads(policy(allow("dynamodb:*", on=resources), *more))
        properties = {
            "Path": "/messages/",
            "Tags": tags,
            "AssumeRolePolicyDocument": json.loads(trust("backup.amazonaws.com")),
            "Policies": [{"PolicyName": name, "PolicyDocument": document}],
        }
        return {"Type": "AWS::IAM::Role", "Properties": properties}

    kept = {"DeletionPolicy": changes.pop("DeletionPolicy", "Delete")}
    table = KEYED | {"TableName": stack, "Tags": tags} | changes
    vault_tags = {"messages:stack": stack, "messages:table": stack}
    vault_properties = {"BackupVaultName": vault, "BackupVaultTags": vault_tags}
    outputs = {
        "TableName": {"Ref": "Table"},
        "TableArn": {"Fn::GetAtt": ["Table", "Arn"]},
        "BackupVaultName": {"Ref": "Vault"},
        "BackupRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "RestoreRoleArn": {"Fn::GetAtt": ["RestoreRole", "Arn"]},
    }
    return {
        "Resources": {
            "Table": {"Type": "AWS::DynamoDB::Table", "Properties": table, **kept},
            "Vault": {"Type": "AWS::Backup::BackupVault", "Properties": vault_properties, **retained},
            "Role": role("BackUpTable", stack, allow(*copies)) | retained,
            "RestoreRole": role("RestoreTable", f"{stack}.*"),
        },
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
