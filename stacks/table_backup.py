"""AWS Backup of the table: vault, role, plan and selection."""

import hashlib

from aws_cdk import Duration, RemovalPolicy, Stack, Tags, TimeZone
from aws_cdk import aws_backup as backup
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from model.names import TABLE_TAG
from stacks.annotations import describe
from stacks.backup_copies import BackupCopies
from stacks.backup_vault import TABLES_BACKUPS, VaultEmptying, restore_role, vault_lock
from stacks.permissions import Allow, actions, backup_key_statements, backup_role, recovery_points_arn
from stacks.physical_names import stack_suffix
from stacks.restore_testing import RestoreTesting
from stacks.setting_fields import DELETE
from stacks.settings import Settings


class TableBackup(Construct):
    """Scheduled snapshots of one table, by default kept with vault and role when the stack is destroyed.

    AWS Backup cannot expire a recovery point whose role is gone, which would stay and be billed
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/deleting-backups.html).
    With ``backups_on_destroy: delete`` they are deleted with the stack, after the vault is emptied.
    """

    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, table: dynamodb.ITable, key: kms.IKey | None
    ) -> None:
        super().__init__(scope, id)
        emptied = settings.backups_on_destroy == DELETE
        # Except on create: what a failed first deployment made must not stay behind.
        removal = RemovalPolicy.DESTROY if emptied else RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        self._copies = BackupCopies(self, "Copies", settings=settings) if settings.copy_region else None
        # A vault's key cannot be changed, so another key needs another vault: a letter tells them apart.
        suffix = stack_suffix(self)
        plain, keyed = (f"{Stack.of(self).stack_name}-{letter}{suffix}" for letter in ("", "k"))
        self.vault = backup.BackupVault(
            self,
            "Vault",
            backup_vault_name=keyed if key else plain,
            encryption_key=key,
            lock_configuration=vault_lock(settings, settings.retentions),
            removal_policy=removal,
        )
        describe(self.vault, "Holds the recovery points of the table")
        # Tells the clean-up which table the backups are of.
        Tags.of(self.vault).add(TABLE_TAG, settings.table_name)
        self.role = self._add_role(table, key)
        self.role.apply_removal_policy(removal)
        self.restore_role = restore_role(self, "RestoreRole", settings=settings, table=table, key=key)
        self.plan = self._add_plan(settings, table)
        if emptied:
            VaultEmptying(
                self,
                "Emptying",
                vault=self.vault,
                other_vault=plain if key else keyed,
                table=table,
                before=[self.vault, self.role, *([self.plan] if self.plan else [])],
            )
        self.testing = None
        if settings.restore_testing:
            self.testing = RestoreTesting(self, "Testing", settings=settings, table=table, vault=self.vault, key=key)

    def _add_role(self, table: dynamodb.ITable, key: kms.IKey | None) -> iam.Role:
        """A role with what AWS's own AWSBackupServiceRolePolicyForBackup allows for DynamoDB, for one table.

        https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForBackup.html
        """
        use = actions({"dynamodb": "CreateBackup DescribeTable ListTagsOfResource StartAwsBackupJob"})
        backups, points = f"{table.table_arn}/backup/*", recovery_points_arn(table)
        tags_points = "Adds tags to recovery points, and copies them; AWS generates their ids."
        only_reads = "tag:GetResources only reads and does not support resources."
        statements = [
            Allow(table.table_arn, *use),
            Allow(backups, "dynamodb:DeleteBackup", "dynamodb:DescribeBackup", because=TABLES_BACKUPS),
            Allow(points, "backup:TagResource", because=tags_points),
            # CreateBackupSelection checks that its role may do this.
            Allow("*", "tag:GetResources", because=only_reads),
        ]
        if key:
            statements += backup_key_statements(key.key_arn, "kms:Decrypt", "kms:GenerateDataKey")
        if self._copies:
            statements += self._copies.statements()
        description = f"AWS Backup of the table of {Stack.of(self).stack_name}"
        return backup_role(self, "Role", description=description, policy="BackUpTable", statements=statements)

    def _add_plan(self, settings: Settings, table: dynamodb.ITable) -> backup.BackupPlan | None:
        schedules = (
            ("daily", "*", settings.daily_backup_retention_days),
            ("monthly", "1", settings.monthly_backup_retention_days),
        )
        hour, minute = settings.backup_time.split(":")
        rules = [
            backup.BackupPlanRule(
                rule_name=name,
                schedule_expression=events.Schedule.cron(minute=str(int(minute)), hour=str(int(hour)), day=day),
                schedule_expression_timezone=TimeZone.of(settings.time_zone),
                delete_after=Duration.days(days),
                copy_actions=[self._copies.action(days)] if self._copies else None,
            )
            for name, day, days in schedules
            if days
        ]
        if not rules:
            return None
        plan = backup.BackupPlan(
            self,
            "Plan",
            # Unique in the account, which the construct's own default is not
            # (https://github.com/aws/aws-cdk/issues/38318).
            backup_plan_name=Stack.of(self).stack_name,
            backup_vault=self.vault,
            backup_plan_rules=rules,
        )
        describe(plan, "When the table is backed up, and how long the backups are kept")
        digest = hashlib.sha256(settings.table_name.encode()).hexdigest()
        plan.add_selection(
            "Table",
            # A selection cannot be changed: CloudFormation creates the one for another table before it
            # deletes this one, so the names must differ. A name has at most 50 characters.
            backup_selection_name=f"{settings.table_name[:41]}-{digest[:8]}",
            # By ARN: from_construct silently selects nothing for a TableV2.
            resources=[backup.BackupResource.from_dynamo_db_table(table)],
            role=self.role,
            disable_default_backup_policy=True,
        )
        return plan
