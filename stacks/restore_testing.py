"""AWS Backup restores the newest backup every week as a test, and a function validates the result."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_backup as backup
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.annotations import FUNCTION_DEAD_LETTERS, RULE_DEAD_LETTERS, acknowledge, acknowledge_wildcard, describe
from stacks.backup_vault import RestoreRole
from stacks.function import ProjectFunction, function_logs
from stacks.permissions import THROUGH_DYNAMODB, allow
from stacks.settings import Settings

# AWS Backup generates the name, and deletes by it
# (https://docs.aws.amazon.com/aws-backup/latest/devguide/restore-testing-inferred-metadata.html).
_TEST_TABLES = "awsbackup-restore-test-*"
_SELECTION_DAYS = 30
_VALIDATION_HOURS = 1


class RestoreTesting(Construct):
    """A plan that restores the newest recovery point of the vault every Sunday, at the time of the backups.

    AWS Backup deletes the restored table when it has been validated.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        table: dynamodb.ITable,
        vault: backup.IBackupVault,
        key: kms.IKey | None,
    ) -> None:
        super().__init__(scope, id)
        plan = self._add_plan(settings, vault)
        self.role = RestoreRole(self, "Role", settings=settings, table=table, key=key, targets=_TEST_TABLES).role
        selection = backup.CfnRestoreTestingSelection(
            self,
            "Selection",
            restore_testing_plan_name=plan.restore_testing_plan_name,
            restore_testing_selection_name="Table",
            protected_resource_type="DynamoDB",
            protected_resource_arns=[table.table_arn],
            iam_role_arn=self.role.role_arn,
            validation_window_hours=_VALIDATION_HOURS,
        )
        describe(selection, "Which backups are restored as a test: those of the table")
        selection.add_resource_dependency(plan)
        self.validation = ProjectFunction(
            self,
            "Validation",
            description="Validates a table that was restored as a test and reports to AWS Backup",
            handler="functions.validate_restore.on_restore",
            log_group=function_logs(self, "Logs"),
            timeout=Duration.minutes(2),
            environment={
                "RESTORE_TESTING_PLAN_ARN": plan.attr_restore_testing_plan_arn,
                "SOURCE_TABLE": table.table_name,
            },
        )
        self._grant(table, key)
        self._call_when_restored()

    def _add_plan(self, settings: Settings, vault: backup.IBackupVault) -> backup.CfnRestoreTestingPlan:
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
                selection_window_days=_SELECTION_DAYS,
            ),
        )
        describe(plan, "Restores the newest backup as a test")
        return plan

    def _call_when_restored(self) -> None:
        rule = events.Rule(
            self,
            "Restored",
            description="A restore of a DynamoDB table is completed",
            event_pattern=events.EventPattern(
                source=["aws.backup"], detail_type=["Restore Job State Change"], detail={"status": ["COMPLETED"]}
            ),
            targets=[targets.LambdaFunction(self.validation.function)],
        )
        for construct, rules in ((rule, RULE_DEAD_LETTERS), (self.validation.function, FUNCTION_DEAD_LETTERS)):
            acknowledge(
                construct,
                rules,
                "AWS Backup reports a test that was not validated in time, and repeats it a week later.",
            )

    def _grant(self, table: dynamodb.ITable, key: kms.IKey | None) -> None:
        restored = Stack.of(self).format_arn(service="dynamodb", resource="table", resource_name=_TEST_TABLES)
        statements = [
            allow(restored, "dynamodb:DescribeTable", "dynamodb:Scan"),
            allow(table.table_arn, "dynamodb:Scan"),
            allow("*", "backup:DescribeRestoreJob", "backup:PutRestoreValidationResult"),
        ]
        if key:
            # For the table itself; the restored one is under a key of DynamoDB.
            statements.append(allow(key.key_arn, "kms:Decrypt", StringLike=THROUGH_DYNAMODB))
        for statement in statements:
            self.validation.function.add_to_role_policy(statement)
        acknowledge_wildcard(self.validation.role, restored, "AWS Backup generates the names of test tables.")
        acknowledge_wildcard(self.validation.role, "*", "Actions on restore jobs do not support resources.")
