"""What a backup vault needs besides itself: its lock, and emptying when it is deleted with its stack."""

from collections.abc import Sequence

from aws_cdk import Duration, Stack
from aws_cdk import aws_backup as backup
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct, IDependable

from model.names import STACK_TAG
from stacks.annotations import acknowledge_wildcard
from stacks.function import ProjectFunction, WaitingProvider, function_logs
from stacks.permissions import actions, allow, arn, recovery_points_arn
from stacks.setting_fields import COMPLIANCE, DEFAULT_GRACE_DAYS
from stacks.settings import Settings

POLL_INTERVAL = Duration.seconds(10)
_VAULT_ACTIONS = actions({"backup": "ListRecoveryPointsByBackupVault ListTags TagResource UntagResource"})


def vault_lock(settings: Settings, retentions: Sequence[int]) -> backup.LockConfiguration | None:
    """The lock of a vault whose recovery points are kept for one of ``retentions`` days.

    Its bounds are the shortest and the longest: a job outside of them fails, and no recovery point
    can be deleted early. A governance lock can be removed by those with the permission; a
    compliance lock by no one, once its days of grace are over
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
