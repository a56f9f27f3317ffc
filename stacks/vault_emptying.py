"""Empties the backup vault when the stack is destroyed."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_backup as backup
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct, IDependable

from model.names import STACK_TAG
from stacks.findings import acknowledge_wildcard
from stacks.function import ProjectFunction, function_logs
from stacks.waiting_provider import WaitingProvider

POLL_INTERVAL = Duration.seconds(10)


class VaultEmptying(Construct):
    """A custom resource that lets go of the vault only when nothing is in it.

    ``other_vault`` is the name that the vault has under other encryption: when
    that changes, one takes the place of the other, which is emptied too.

    It depends on vault, role and plan, so CloudFormation deletes it first: the
    role that made the recovery points is still there to delete them.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        vault: backup.BackupVault,
        other_vault: str,
        table: dynamodb.ITable,
        before: Sequence[IDependable],
    ) -> None:
        super().__init__(scope, id)
        log_group = function_logs(self, "Logs")
        answering = self._function("Answering", "on_event", log_group)
        self.emptying = self._function("Emptying", "is_complete", log_group)
        self.emptying.function.add_environment("VAULT_NAME", vault.backup_vault_name)
        self._grant(self.emptying, [vault.backup_vault_arn, self._arn(other_vault)], table)
        provider = WaitingProvider(
            self,
            "Provider",
            on_event=answering.function,
            is_complete=self.emptying.function,
            log_group=log_group,
            interval=POLL_INTERVAL,
        )
        resource = provider.resource(
            "VaultEmptying", {"VaultName": vault.backup_vault_name, "VaultArn": vault.backup_vault_arn}
        )
        # Its permissions too go after it.
        resource.node.add_dependency(*before, self.emptying)

    def _function(self, id: str, handler: str, log_group: logs.ILogGroup) -> ProjectFunction:
        return ProjectFunction(
            self,
            id,
            description="Empties the backup vault when the stack is destroyed",
            handler=f"functions.empty_vault.{handler}",
            log_group=log_group,
            timeout=Duration.minutes(5),
        )

    def _arn(self, vault: str) -> str:
        return Stack.of(self).format_arn(
            service="backup", resource="backup-vault", resource_name=vault, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )

    def _grant(self, emptying: ProjectFunction, vaults: Sequence[str], table: dynamodb.ITable) -> None:
        stack = Stack.of(self)
        points = stack.format_arn(
            service="backup", resource="recovery-point", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        # Their ARNs do not name the vault, but they have the tags of the table
        # (https://docs.aws.amazon.com/aws-backup/latest/devguide/advanced-ddb-backup.html).
        own = {"StringEquals": {f"aws:ResourceTag/{STACK_TAG}": stack.stack_name}}
        in_dynamodb = f"{table.table_arn}/backup/*"
        vault_actions = [
            "backup:ListRecoveryPointsByBackupVault",
            "backup:ListTags",
            "backup:TagResource",
            "backup:UntagResource",
        ]
        for actions, resources, conditions in (
            (vault_actions, vaults, None),
            (["backup:DeleteRecoveryPoint"], [points], own),
            (["backup:DeleteRecoveryPoint"], [in_dynamodb], None),
            (["backup:ListBackupJobs"], ["*"], None),
            (["cloudformation:DescribeStacks"], [stack.stack_id], None),
        ):
            emptying.function.add_to_role_policy(
                iam.PolicyStatement(actions=actions, resources=list(resources), conditions=conditions)
            )
        for arn in (points, in_dynamodb):
            acknowledge_wildcard(emptying.role, arn, "The vault's recovery points; AWS makes up their ids.")
        acknowledge_wildcard(emptying.role, "*", "ListBackupJobs, a read, knows no resources.")
