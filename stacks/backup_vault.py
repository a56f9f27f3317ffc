"""What a backup vault needs: its lock, a role for restores, and emptying before it is deleted with its stack."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack, Tags
from aws_cdk import aws_backup as backup
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct, IDependable

from model.names import ROLE_PATH, STACK_TAG
from stacks.annotations import acknowledge_own_policy, acknowledge_wildcard
from stacks.function import ProjectFunction, WaitingProvider, function_logs
from stacks.permissions import actions, allow, arn, backup_key_statements, recovery_points_arn
from stacks.setting_fields import COMPLIANCE, DEFAULT_GRACE_DAYS
from stacks.settings import Settings

POLL_INTERVAL = Duration.seconds(10)
_VAULT_ACTIONS = actions({"backup": "ListRecoveryPointsByBackupVault ListTags TagResource UntagResource"})

# AWS's own AWSBackupServiceRolePolicyForRestores, reduced to DynamoDB
# (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForRestores.html).
_TARGET_ACTIONS = [
    *actions({"dynamodb": "BatchWriteItem DeleteItem DescribeTable GetItem PutItem Query"}),
    *actions({"dynamodb": "RestoreTableFromAwsBackup Scan UpdateItem"}),
]
_KEY_USE = actions({"kms": "Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo"})


def vault_lock(settings: Settings, retentions: Sequence[int]) -> backup.LockConfiguration | None:
    """The lock of a vault whose recovery points are kept for one of ``retentions`` days.

    A job outside the shortest and the longest fails, and no recovery point can be deleted early. A
    governance lock can be removed with permission, a compliance lock only in its grace period
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html).
    """
    if not settings.vault_lock:
        return None
    longest = max(retentions)
    grace = None
    if settings.vault_lock == COMPLIANCE:
        grace = Duration.days(settings.vault_lock_grace_days or DEFAULT_GRACE_DAYS)
    return backup.LockConfiguration(
        # The library wants them to differ, which one retention alone does not give.
        min_retention=Duration.days(min(*retentions, longest - 1)),
        max_retention=Duration.days(longest),
        changeable_for=grace,
    )


class RestoreRole(Construct):
    """AWS Backup's role for restores; separate from the backup role, because it may write.

    A restore creates a new table, so the role reaches tables whose name begins with the stage's and a
    dot, as ``Messages.restored``, but not ``Messages-prod``. ``targets`` is another pattern of names.
    Without ``table``, it cannot restore backups kept by DynamoDB itself, which have the table's ARN.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        table: dynamodb.ITable | None,
        key: kms.IKey | None,
        targets: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        targets = Stack.of(self).format_arn(
            service="dynamodb", resource="table", resource_name=targets or f"{settings.table_name}.*"
        )
        backups = [f"{table.table_arn}/backup/*"] if table else []
        statements = [
            allow(targets, *_TARGET_ACTIONS),
            *(allow(each, "dynamodb:RestoreTableFromBackup") for each in backups),
            *(backup_key_statements(key.key_arn, *_KEY_USE) if key else []),
        ]
        self.role = iam.Role(
            self,
            "Role",
            path=ROLE_PATH,
            description=f"Restores backups of the table of {Stack.of(self).stack_name}",
            assumed_by=iam.ServicePrincipal("backup.amazonaws.com"),
            inline_policies={"RestoreTable": iam.PolicyDocument(statements=statements)},
        )
        Tags.of(self.role).add("messages:purpose", "restore")
        acknowledge_own_policy(self.role)
        acknowledge_wildcard(self.role, targets, "A restore creates a table with a name of its own.")
        for each in backups:
            acknowledge_wildcard(self.role, each, "The table's backups; AWS generates their ids.")


class VaultEmptying(Construct):
    """A custom resource whose deletion ends only when the vault is empty.

    ``other_vault`` is the name that the vault has with the other choice of encryption: when that
    changes, a new vault replaces this one, which is emptied too.

    It depends on vault, role and plan, so CloudFormation deletes it first: the role that made the
    recovery points still exists to delete them.
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
        answering, emptying = (
            ProjectFunction(
                self,
                id,
                description="Empties the backup vault when the stack is destroyed",
                handler=f"functions.empty_vault.{handler}",
                log_group=log_group,
                timeout=Duration.minutes(5),
            )
            for id, handler in (("Answering", "on_event"), ("Emptying", "is_complete"))
        )
        emptying.function.add_environment("VAULT_NAME", vault.backup_vault_name)
        self._grant(emptying, [vault.backup_vault_arn, arn(self, "backup", "backup-vault", other_vault)], table)
        provider = WaitingProvider(
            self,
            "Provider",
            on_event=answering.function,
            is_complete=emptying.function,
            log_group=log_group,
            interval=POLL_INTERVAL,
        )
        resource = provider.resource(
            "VaultEmptying", {"VaultName": vault.backup_vault_name, "VaultArn": vault.backup_vault_arn}
        )
        # Its permissions too are deleted after it.
        resource.node.add_dependency(*before, emptying)

    def _grant(self, emptying: ProjectFunction, vaults: Sequence[str], table: dynamodb.ITable) -> None:
        stack = Stack.of(self)
        points, in_dynamodb = recovery_points_arn(self), f"{table.table_arn}/backup/*"
        # The ARNs of recovery points do not name the vault, but the points have the tags of the table
        # (https://docs.aws.amazon.com/aws-backup/latest/devguide/advanced-ddb-backup.html).
        own = {f"aws:ResourceTag/{STACK_TAG}": stack.stack_name}
        for statement in (
            allow(vaults, *_VAULT_ACTIONS),
            allow(points, "backup:DeleteRecoveryPoint", StringEquals=own),
            allow(in_dynamodb, "backup:DeleteRecoveryPoint"),
            allow("*", "backup:ListBackupJobs"),
            allow(stack.stack_id, "cloudformation:DescribeStacks"),
        ):
            emptying.function.add_to_role_policy(statement)
        for wildcard in (points, in_dynamodb):
            acknowledge_wildcard(emptying.role, wildcard, "The vault's recovery points; AWS generates their ids.")
        acknowledge_wildcard(emptying.role, "*", "ListBackupJobs only reads and does not support resources.")
