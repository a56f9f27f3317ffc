"""AWS Backup restores the newest backup every week as a test, and a function validates the result."""

from aws_cdk import Stack
from aws_cdk import aws_backup as backup
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.annotations import FUNCTION_DEAD_LETTERS, RULE_DEAD_LETTERS, acknowledge, describe
from stacks.backup_vault import restore_role
from stacks.function import ProjectFunction
from stacks.permissions import THROUGH_DYNAMODB, Allow, arn, permit
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
        self.role = restore_role(self, "Role", settings=settings, table=table, key=key, targets=_TEST_TABLES)
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
        self._add_validation(plan.attr_restore_testing_plan_arn, table, key)

    def _add_validation(self, plan_arn: str, table: dynamodb.ITable, key: kms.IKey | None) -> None:
        self.validation = ProjectFunction(
            self,
            "Validation",
            description="Validates a table that was restored as a test and reports to AWS Backup",
            handler="validate_restore.on_restore",
            minutes=2,
            environment={"RESTORE_TESTING_PLAN_ARN": plan_arn, "SOURCE_TABLE": table.table_name},
        )
        tests, jobs = (
            arn(self, "dynamodb", f"table/{_TEST_TABLES}"),
            "Actions on restore jobs do not support resources.",
        )
        permit(
            self.validation.role,
            Allow(
                tests,
                "dynamodb:DescribeTable",
                "dynamodb:Scan",
                because="AWS Backup generates the names of test tables.",
            ),
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
