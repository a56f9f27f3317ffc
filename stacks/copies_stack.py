"""The stack in another region that holds copies of a stage's backups."""

from aws_cdk import CfnOutput, Environment, RemovalPolicy, Stack, Tags
from aws_cdk import aws_backup as backup
from constructs import Construct

from model.names import STACK_TAG, copies_stack_name, copies_vault_name
from stacks.backup_copies import kept_for
from stacks.restore_role import RestoreRole
from stacks.settings import Settings
from stacks.stage_key import StageKey
from stacks.vault_lock import vault_lock


class CopiesStack(Stack):
    """A vault for copies, and the role that restores them in this region.

    The vault outlives the stack as that of the stage does. Its name is the same
    in the next deployment, which has to adopt it: ``cdk deploy
    --import-existing-resources``, or to find it cleaned up.
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
            lock_configuration=vault_lock(settings, kept_for(settings)),
            # Except on create: what a failed first deployment made must not stay behind.
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        restore = RestoreRole(self, "RestoreRole", settings=settings, table=None, key=key)
        for tag, value in {STACK_TAG: name, **settings.tags}.items():
            Tags.of(self).add(tag, value)
        CfnOutput(self, "BackupVaultName", description="Holds the copies", value=self.vault.backup_vault_name)
        CfnOutput(
            self, "CopiesRestoreRoleArn", description="AWS Backup restores copies as it", value=restore.role.role_arn
        )
