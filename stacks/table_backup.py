"""AWS Backup of the table: vault, role, plan and selection."""

import hashlib

from aws_cdk import Duration, RemovalPolicy, Stack, Tags, TimeZone
from aws_cdk import aws_backup as backup
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from model.names import ROLE_PATH, TABLE_TAG
from stacks.backup_copies import BackupCopies, recovery_points_arn
from stacks.description import describe
from stacks.findings import acknowledge_wildcard
from stacks.restore_role import RestoreRole
from stacks.restore_testing import RestoreTesting
from stacks.settings import DELETE, Settings
from stacks.shared_findings import acknowledge_own_policy
from stacks.stack_suffix import stack_suffix
from stacks.stage_key import backup_key_statements
from stacks.vault_emptying import VaultEmptying
from stacks.vault_lock import vault_lock


class TableBackup(Construct):
    """Scheduled snapshots of one table.

    Vault and role stay when the stack is destroyed: the backups survive a
    mistaken destroy, and a recovery point whose role is gone can no longer be
    expired by AWS Backup, so it would stay and be billed
    (https://docs.aws.amazon.com/aws-backup/latest/devguide/deleting-backups.html).
    Unless the stage wants them deleted: then they go with the stack, the vault
    emptied first.
    """

    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, table: dynamodb.ITable, key: kms.IKey | None
    ) -> None:
        super().__init__(scope, id)
        self._keyed = key is not None
        self._emptied = settings.backups_on_destroy == DELETE
        # Except on create: what a failed first deployment made must not stay behind.
        self._removal = RemovalPolicy.DESTROY if self._emptied else RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        self.copies = BackupCopies(self, "Copies", settings=settings) if settings.copy_region else None
        self.vault = self._add_vault(settings, key)
        self.role = self._add_role(table, key)
        self.restore_role = RestoreRole(self, "RestoreRole", settings=settings, table=table, key=key).role
        self.plan = self._add_plan(settings, table)
        self.emptying = self._add_emptying(table) if self._emptied else None
        self.testing = (
            RestoreTesting(self, "Testing", settings=settings, table=table, vault=self.vault, key=key)
            if settings.restore_testing
            else None
        )

    def _add_emptying(self, table: dynamodb.ITable) -> VaultEmptying:
        before = [self.vault, self.role, *([self.plan] if self.plan else [])]
        return VaultEmptying(
            self,
            "Emptying",
            vault=self.vault,
            other_vault=self._vault_name(keyed=not self._keyed),
            table=table,
            before=before,
        )

    def _add_vault(self, settings: Settings, key: kms.IKey | None) -> backup.BackupVault:
        vault = backup.BackupVault(
            self,
            "Vault",
            backup_vault_name=self._vault_name(keyed=self._keyed),
            encryption_key=key,
            lock_configuration=vault_lock(settings, settings.retentions),
            removal_policy=self._removal,
        )
        describe(vault, "Holds the recovery points of the table")
        # The clean-up learns from it which table the backups were of.
        Tags.of(vault).add(TABLE_TAG, settings.table_name)
        return vault

    def _vault_name(self, *, keyed: bool) -> str:
        """A vault's key cannot be changed, so another means another vault: a letter sets it off."""
        letter = "k" if keyed else ""
        return f"{Stack.of(self).stack_name}-{letter}{stack_suffix(self)}"

    def _add_role(self, table: dynamodb.ITable, key: kms.IKey | None) -> iam.Role:
        statements = _backup_statements(table, key)
        if self.copies:
            statements += self.copies.statements()
        # Inline: a policy of its own would go with the stack and leave a role
        # that can expire nothing.
        role = iam.Role(
            self,
            "Role",
            path=ROLE_PATH,
            description=f"AWS Backup of the table of {Stack.of(self).stack_name}",
            assumed_by=iam.ServicePrincipal("backup.amazonaws.com"),
            inline_policies={"BackUpTable": iam.PolicyDocument(statements=statements)},
        )
        role.apply_removal_policy(self._removal)
        acknowledge_own_policy(role)
        acknowledge_wildcard(role, f"{table.table_arn}/backup/*", "The table's backups; AWS makes up their ids.")
        acknowledge_wildcard(
            role,
            recovery_points_arn(table),
            "Recovery points get tags, and with copy_region go to one other vault; AWS makes up their ids.",
        )
        if self.copies:
            self.copies.acknowledge(role)
        acknowledge_wildcard(role, "*", "tag:GetResources, a read, knows no resources.")
        return role

    def _add_plan(self, settings: Settings, table: dynamodb.ITable) -> backup.BackupPlan | None:
        rules = [
            self._rule("daily", "*", settings.daily_backup_retention_days, settings),
            self._rule("monthly", "1", settings.monthly_backup_retention_days, settings),
        ]
        kept = [rule for rule in rules if rule]
        if not kept:
            return None
        plan = backup.BackupPlan(
            self,
            "Plan",
            # Unique in the account, which the construct's own default is not
            # (https://github.com/aws/aws-cdk/issues/38318).
            backup_plan_name=Stack.of(self).stack_name,
            backup_vault=self.vault,
            backup_plan_rules=kept,
        )
        describe(plan, "When the table is backed up, and for how long that is kept")
        plan.add_selection(
            "Table",
            # A selection cannot be changed: one for another table takes the place
            # of this one while this one still exists.
            backup_selection_name=_selection_name(settings.table_name),
            # By ARN: from_construct silently selects nothing for a TableV2.
            resources=[backup.BackupResource.from_dynamo_db_table(table)],
            role=self.role,
            disable_default_backup_policy=True,
        )
        return plan

    def _rule(self, name: str, day: str, days: int, settings: Settings) -> backup.BackupPlanRule | None:
        if days == 0:
            return None
        hour, minute = settings.backup_time.split(":")
        return backup.BackupPlanRule(
            rule_name=name,
            schedule_expression=events.Schedule.cron(minute=str(int(minute)), hour=str(int(hour)), day=day),
            schedule_expression_timezone=TimeZone.of(settings.time_zone),
            delete_after=Duration.days(days),
            copy_actions=[self.copies.action(days)] if self.copies else None,
        )


def _selection_name(table: str) -> str:
    """A name of at most 50 characters, another one for every table."""
    digest = hashlib.sha256(table.encode()).hexdigest()[:8]
    return f"{table[:41]}-{digest}"


def _backup_statements(table: dynamodb.ITable, key: kms.IKey | None) -> list[iam.PolicyStatement]:
    """What AWS's own AWSBackupServiceRolePolicyForBackup allows for DynamoDB, for one table.

    https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForBackup.html
    """
    statements = [
        _allow(
            table.table_arn,
            "dynamodb:CreateBackup",
            "dynamodb:DescribeTable",
            "dynamodb:ListTagsOfResource",
            "dynamodb:StartAwsBackupJob",
        ),
        _allow(f"{table.table_arn}/backup/*", "dynamodb:DeleteBackup", "dynamodb:DescribeBackup"),
        _allow(recovery_points_arn(table), "backup:TagResource"),
        # CreateBackupSelection checks that its role may do this; the action
        # knows no resources.
        _allow("*", "tag:GetResources"),
    ]
    if key:
        statements += backup_key_statements(key.key_arn, "kms:Decrypt", "kms:GenerateDataKey")
    return statements


def _allow(resource: str, *actions: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=[resource])
