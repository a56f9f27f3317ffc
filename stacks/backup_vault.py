"""What a backup vault needs: its lock, a role for restores, and emptying before it is deleted with its stack."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack, Tags
from aws_cdk import aws_backup as backup
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct, IDependable

from model.names import STACK_TAG, VAULT_VARIABLE
from stacks.function import ProjectFunction, custom_resource
from stacks.grants import Allow, actions, arn, backup_key_statements, backup_role, permit
from stacks.setting_fields import COMPLIANCE, DEFAULT_GRACE_DAYS
from stacks.settings import Settings

POLL_INTERVAL = Duration.seconds(10)
TABLES_BACKUPS = "The table's backups; AWS generates their ids."
_POINTS = "The vault's recovery points; AWS generates their ids."
_VAULT_ACTIONS = actions({"backup": "ListRecoveryPointsByBackupVault ListTags TagResource UntagResource"})
# AWS's own AWSBackupServiceRolePolicyForRestores, reduced to DynamoDB
# (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForRestores.html).
_RESTORING = "BatchWriteItem DeleteItem DescribeTable GetItem PutItem Query RestoreTableFromAwsBackup Scan UpdateItem"
_KEY_USE = actions({"kms": "Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo"})


def vault_lock(settings: Settings, retentions: Sequence[int]) -> backup.LockConfiguration | None:
    """The lock of a vault whose recovery points are kept for one of ``retentions`` days.

    A job outside the shortest and the longest fails, and no recovery point can be deleted early. A
    governance lock can be removed with permission, a compliance lock only in its grace period
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/vault-lock.html).
    """
    if not settings.vault_lock:
        return None
    longest, compliance = max(retentions), settings.vault_lock == COMPLIANCE
    grace = Duration.days(settings.vault_lock_grace_days or DEFAULT_GRACE_DAYS)
    return backup.LockConfiguration(
        # The library wants them to differ, which one retention alone does not give.
        min_retention=Duration.days(min(*retentions, longest - 1)),
        max_retention=Duration.days(longest),
        changeable_for=grace if compliance else None,
    )


def restore_role(
    scope: Construct,
    id: str,
    *,
    settings: Settings,
    table: dynamodb.ITable | None,
    key: kms.IKey | None,
    targets: str = "",
) -> iam.Role:
    """AWS Backup's role for restores; separate from the backup role, because it may write.

    A restore creates a new table, so the role reaches tables whose name begins with the stage's and a
    dot, as ``Messages.restored``, but not ``Messages-prod``. ``targets`` is another pattern of names.
    Without ``table``, it cannot restore backups kept by DynamoDB itself, which have the table's ARN.
    """
    tables = arn(scope, "dynamodb", f"table/{targets or f'{settings.table_name}.*'}")
    statements = [
        Allow(tables, *actions({"dynamodb": _RESTORING}), because="A restore creates a table with a name of its own.")
    ]
    if table:
        own = f"{table.table_arn}/backup/*"
        statements.append(Allow(own, "dynamodb:RestoreTableFromBackup", because=TABLES_BACKUPS))
    if key:
        statements += backup_key_statements(key.key_arn, *_KEY_USE)
    role = backup_role(
        Construct(scope, id),
        "Role",
        description=f"Restores backups of the table of {Stack.of(scope).stack_name}",
        policy="RestoreTable",
        statements=statements,
    )
    Tags.of(role).add("messages:purpose", "restore")
    return role


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
        purpose = "Empties the backup vault when the stack is destroyed"
        answering = ProjectFunction(self, "Answering", description=purpose, handler="empty_vault.on_event", minutes=5)
        emptying = ProjectFunction(self, "Emptying", description=purpose, handler="empty_vault.is_complete", minutes=5)
        emptying.function.add_environment(VAULT_VARIABLE, vault.backup_vault_name)
        stack = Stack.of(self)
        # The ARNs of recovery points do not name the vault, but the points have the tags of the table
        # (https://docs.aws.amazon.com/aws-backup/latest/devguide/advanced-ddb-backup.html).
        own = {f"aws:ResourceTag/{STACK_TAG}": stack.stack_name}
        delete = "backup:DeleteRecoveryPoint"
        permit(
            emptying.role,
            Allow([vault.backup_vault_arn, arn(self, "backup", f"backup-vault:{other_vault}")], *_VAULT_ACTIONS),
            Allow(arn(self, "backup", "recovery-point:*"), delete, because=_POINTS, StringEquals=own),
            Allow(f"{table.table_arn}/backup/*", delete, because=_POINTS),
            Allow("*", "backup:ListBackupJobs", because="ListBackupJobs only reads and does not support resources."),
            Allow(stack.stack_id, "cloudformation:DescribeStacks"),
        )
        properties = {"VaultName": vault.backup_vault_name, "VaultArn": vault.backup_vault_arn}
        resource = custom_resource(
            self, "VaultEmptying", properties, on_event=answering, is_complete=emptying, interval=POLL_INTERVAL
        )
        # Its permissions too are deleted after it.
        resource.node.add_dependency(*before, emptying)
