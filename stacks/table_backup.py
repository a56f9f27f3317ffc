"""AWS Backup of the table: vault, role, plan and selection; and a weekly test that restores the newest backup."""

import hashlib

from aws_cdk import Duration, RemovalPolicy, Stack, Tags, TimeZone
from aws_cdk import aws_backup as backup
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from model.names import TABLE_TAG
from stacks.annotations import FUNCTION_DEAD_LETTERS, RULE_DEAD_LETTERS, acknowledge, describe
from stacks.backup_copies import BackupCopies
from stacks.backup_vault import TABLES_BACKUPS, VaultEmptying, restore_role, vault_lock
from stacks.function import ProjectFunction
from stacks.grants import THROUGH_DYNAMODB, Allow, actions, arn, backup_key_statements, backup_role, permit
from stacks.messages_table import MessagesTable
from stacks.setting_fields import DELETE
from stacks.settings import Settings
from stacks.stage_key import stack_suffix

# AWS Backup generates the name, and deletes by it
# (https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing-inferred-metadata.html).
_TEST_TABLES = "awsbackup-restore-test-*"


class TableBackup(Construct):
    """Scheduled snapshots of one table, by default kept with vault and role when the stack is destroyed.

    AWS Backup cannot expire a recovery point whose role is gone, which would stay and be billed
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/deleting-backups.html).
    With ``backups_on_destroy: delete`` they are deleted with the stack, after the vault is emptied.
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings, messages: MessagesTable) -> None:
        super().__init__(scope, id)
        table, key = messages.table, messages.key
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
        self.role = self._add_role(messages)
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
            self.testing = RestoreTesting(self, "Testing", settings=settings, messages=messages, vault=self.vault)

    def _add_role(self, messages: MessagesTable) -> iam.Role:
        """A role with what AWS's own AWSBackupServiceRolePolicyForBackup allows for DynamoDB, for one table.

        https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForBackup.html
        """
        table, key = messages.table, messages.key
        use = actions({"dynamodb": "CreateBackup DescribeTable ListTagsOfResource StartAwsBackupJob"})
        backups, points = f"{table.table_arn}/backup/*", arn(self, "backup", "recovery-point:*")
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
        description = f"Backs up the table of {Stack.of(self).stack_name}"
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


class RestoreTesting(Construct):
    """A plan that restores the newest recovery point of the vault every Sunday, at the time of the backups.

    AWS Backup deletes the restored table when it has been validated.
    """

    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, messages: MessagesTable, vault: backup.IBackupVault
    ) -> None:
        super().__init__(scope, id)
        table, key = messages.table, messages.key
        hour, minute = map(int, settings.backup_time.split(":"))
        plan = backup.CfnRestoreTestingPlan(
            self,
            "Plan",
            # Only letters, digits and underscores are allowed.
            restore_testing_plan_name=Stack.of(self).stack_name.replace("-", "_"),
            schedule_expression=f"cron({minute} {hour} ? * SUN *)",
            schedule_expression_timezone=settings.time_zone,
            recovery_point_selection=backup.CfnRestoreTestingPlan.RestoreTestingRecoveryPointSelectionProperty(
                algorithm="LATEST_WITHIN_WINDOW",
                include_vaults=[vault.backup_vault_arn],
                recovery_point_types=["SNAPSHOT"],
                selection_window_days=30,
            ),
        )
        describe(plan, "Restores the newest backup as a test")
        self.role = restore_role(self, "Role", settings=settings, table=table, key=key, targets=_TEST_TABLES)
        selection = backup.CfnRestoreTestingSelection(
            self,
            "Selection",
            restore_testing_plan_name=plan.restore_testing_plan_name,
            restore_testing_selection_name="Table",
            protected_resource_type="DynamoDB",
            protected_resource_arns=[table.table_arn],
            iam_role_arn=self.role.role_arn,
            validation_window_hours=1,
        )
        describe(selection, "Selects the table's backups for restore tests")
        selection.add_resource_dependency(plan)
        self._add_validation(plan.attr_restore_testing_plan_arn, messages)

    def _add_validation(self, plan_arn: str, messages: MessagesTable) -> None:
        table, key = messages.table, messages.key
        self.validation = ProjectFunction(
            self,
            "Validation",
            description="Validates a table that was restored as a test and reports to AWS Backup",
            handler="validate_restore.on_restore",
            minutes=2,
            environment={"RESTORE_TESTING_PLAN_ARN": plan_arn, "SOURCE_TABLE": table.table_name},
        )
        tests, named = arn(self, "dynamodb", f"table/{_TEST_TABLES}"), "AWS Backup generates the names of test tables."
        jobs = "Actions on restore jobs do not support resources."
        permit(
            self.validation.role,
            Allow(tests, "dynamodb:DescribeTable", "dynamodb:Scan", because=named),
            Allow(table.table_arn, "dynamodb:Scan"),
            Allow("*", "backup:DescribeRestoreJob", "backup:PutRestoreValidationResult", because=jobs),
        )
        if key:
            # For the table itself; the restored one is under a key of DynamoDB.
            permit(self.validation.role, Allow(key.key_arn, "kms:Decrypt", StringLike=THROUGH_DYNAMODB))
        rule = events.Rule(
            self,
            "Restored",
            description="A restore of a DynamoDB table is completed",
            event_pattern=events.EventPattern(
                source=["aws.backup"], detail_type=["Restore Job State Change"], detail={"status": ["COMPLETED"]}
            ),
            targets=[targets.LambdaFunction(self.validation.function)],
        )
        repeated = "AWS Backup reports a test that was not validated in time, and repeats it a week later."
        acknowledge(rule, RULE_DEAD_LETTERS, repeated)
        acknowledge(self.validation.function, FUNCTION_DEAD_LETTERS, repeated)
