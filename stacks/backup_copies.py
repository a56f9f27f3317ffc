"""Copies of backups in another region: what the stage's plan and role need, and the stack there."""

from aws_cdk import CfnOutput, Duration, Environment, RemovalPolicy, Stack, Tags
from aws_cdk import aws_backup as backup
from constructs import Construct

from model.names import STACK_TAG, copies_stack_name, copies_vault_name
from stacks.backup_vault import restore_role, vault_lock
from stacks.grants import Allow, arn, backup_key_statements
from stacks.settings import Settings
from stacks.stage_key import StageKey


class BackupCopies(Construct):
    """The vault of a ``CopiesStack``, seen from the stage's own region.

    By name: a reference between regions would need a custom resource.
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        assert settings.region, "the settings demand it with copy_region"
        self._settings = settings
        name = copies_vault_name(settings.stage, settings.region, keyed=settings.customer_key)
        self._vault_arn = arn(self, "backup", f"backup-vault:{name}", region=settings.copy_region)
        self._vault = backup.BackupVault.from_backup_vault_arn(self, "Vault", self._vault_arn)
        # A key is known by the alias that the copies' stack gives it
        # (https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html).
        self._key_alias = f"alias/{copies_stack_name(settings.stage, settings.region)}-*"

    def action(self, days: int) -> backup.BackupPlanCopyActionProps:
        """The copy of a backup that is itself kept for ``days``."""
        kept = self._settings.copy_retention_days or days
        return backup.BackupPlanCopyActionProps(destination_backup_vault=self._vault, delete_after=Duration.days(kept))

    def statements(self) -> list[Allow]:
        """What AWSBackupServiceRolePolicyForBackup allows for copies, for this vault alone."""
        region, points = self._settings.copy_region, "recovery-point:*"
        tags_copies = "Adds tags to the stage's own copies; AWS generates their ids."
        statements = [
            Allow(self._vault_arn, "backup:CopyIntoBackupVault", "backup:DescribeBackupVault"),
            # Without AWS's own condition backup:CopyTargets: whether a plan's copies have that key is not documented.
            Allow(arn(self, "backup", points), "backup:CopyFromBackupVault"),
            Allow(arn(self, "backup", points, region=region), "backup:TagResource", because=tags_copies),
        ]
        if self._settings.customer_key:
            statements += backup_key_statements(
                arn(self, "kms", "key/*", region=region),
                "kms:Decrypt",
                "kms:GenerateDataKey",
                because="The key of the copies is in another region; a condition demands its alias.",
                **{"ForAnyValue:StringLike": {"kms:ResourceAliases": self._key_alias}},
            )
        return statements


class CopiesStack(Stack):
    """A vault for copies, and the role that restores them in this region.

    The vault outlives the stack, as the stage's own vault does. Its name is the same in the next
    deployment, which must adopt it (``cdk deploy --import-existing-resources``) or needs the
    clean-up first.
    """

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        assert settings.region, "the settings demand it with copy_region"
        name = copies_stack_name(settings.stage, settings.region)
        super().__init__(
            scope,
            name,
            description=f"Copies of the backups of stage {settings.stage} in {settings.region}",
            env=Environment(region=settings.copy_region),
        )
        key = StageKey(self, "StageKey", kept=True).key if settings.customer_key else None
        self.vault = backup.BackupVault(
            self,
            "Vault",
            backup_vault_name=copies_vault_name(settings.stage, settings.region, keyed=settings.customer_key),
            encryption_key=key,
            lock_configuration=vault_lock(settings, settings.copy_retentions),
            # Except on create: what a failed first deployment made must not stay behind.
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        role = restore_role(self, "RestoreRole", settings=settings, table=None, key=key)
        for tag, value in {STACK_TAG: name, **settings.tags}.items():
            Tags.of(self).add(tag, value)
        CfnOutput(self, "BackupVaultName", description="The vault with the copies", value=self.vault.backup_vault_name)
        meaning = "The role with which AWS Backup restores copies"
        CfnOutput(self, "CopiesRestoreRoleArn", description=meaning, value=role.role_arn)
