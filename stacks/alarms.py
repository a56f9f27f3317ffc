"""The SNS topic for alarms and backup failures, and the rules that send the latter.

AWS Backup sends its events best effort, within minutes
(https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html).
"""

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.annotations import (
    MAIL_DEAD_LETTERS,
    RULE_DEAD_LETTERS,
    TOPIC_KEY,
    acknowledge,
    acknowledge_own_policy,
    describe,
)
from stacks.grants import Allow, arn, from_this_account, permit
from stacks.settings import Settings
from stacks.table_backup import TableBackup

_KEY_USE = ["kms:Decrypt", "kms:GenerateDataKey"]
_FAILED = ["ABORTED", "EXPIRED", "FAILED", "PARTIAL"]


class Alarms(Construct):
    """A topic for every alarm and for failures in AWS Backup; ``stacks.monitoring`` adds the alarms.

    The stage's ``alarm_email`` is subscribed, once its owner confirms the mail that AWS sends first.
    """

    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, backup: TableBackup, key: kms.Key | None
    ) -> None:
        super().__init__(scope, id)
        self.topic = sns.Topic(self, "Topic", master_key=key, enforce_ssl=True)
        describe(self.topic, "Receives every alarm, and backup jobs that fail or expire")
        publish = Allow(self.topic.topic_arn, "sns:Publish", **from_this_account(self))
        self.topic.add_to_resource_policy(_of_alarms(publish))
        if key:
            # Whether CloudWatch names this account to KMS is not documented; that SNS names the topic is.
            # By a pattern, because the topic refers to the key
            # (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html).
            topics = {"kms:EncryptionContext:aws:sns:topicArn": arn(self, "sns", f"{Stack.of(self).stack_name}-*")}
            key.add_to_resource_policy(_of_alarms(Allow("*", *_KEY_USE, StringLike=topics)))
        else:
            reason = "It carries alarms and job states, and no messages; the setting customer_key encrypts it."
            acknowledge(self.topic, TOPIC_KEY, reason)
        if settings.alarm_email:
            subscription = self.topic.add_subscription(subscriptions.EmailSubscription(settings.alarm_email))
            # https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
            reason = "SNS retries a mail for hours; afterwards the alarm and AWS Backup still show the state."
            acknowledge(subscription, MAIL_DEAD_LETTERS, reason)
        self._send_backup_events(Construct(self, "Backup"), backup, key)

    def _send_backup_events(self, scope: Construct, backup: TableBackup, key: kms.IKey | None) -> None:
        """Rules for jobs of backup, copy and restore that fail or expire, and for recovery points that expire.

        A recovery point is EXPIRED when AWS Backup could not delete it at the end of its retention: it
        stays, and is billed.
        """
        # EventBridge supports no conditions in a topic's policy, which would allow every account; a role it
        # assumes for this account alone
        # (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html).
        role = iam.Role(
            scope,
            "Role",
            description=f"Publishes backup events to the alarm topic of {Stack.of(self).stack_name}",
            assumed_by=iam.ServicePrincipal("events.amazonaws.com", conditions=from_this_account(self)),
        )
        permit(role, Allow(self.topic.topic_arn, "sns:Publish"))
        if key:
            permit(role, Allow(key.key_arn, *_KEY_USE))
        acknowledge_own_policy(role)
        target = targets.SnsTopic(self.topic, role=role.without_policy_updates())
        vault = {"backupVaultName": [backup.vault.backup_vault_name]}
        copied = {"sourceBackupVaultArn": [backup.vault.backup_vault_arn]}
        restoring = [backup.restore_role, *([backup.testing.role] if backup.testing else [])]
        restored = {"iamRoleArn": [role.role_arn for role in restoring]}
        # By what each event knows of the stage. Restores have `status`, the other jobs `state`.
        for id, kind, detail in (
            ("BackupJob", "Backup Job State Change", vault | {"state": _FAILED}),
            ("CopyJob", "Copy Job State Change", copied | {"state": _FAILED}),
            ("RestoreJob", "Restore Job State Change", restored | {"status": _FAILED}),
            ("RecoveryPoint", "Recovery Point State Change", vault | {"status": ["EXPIRED", "PARTIAL"]}),
        ):
            rule = events.Rule(
                scope,
                id,
                description=f"{kind} that needs attention",
                event_pattern=events.EventPattern(source=["aws.backup"], detail_type=[kind], detail=detail),
                targets=[target],
            )
            # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
            acknowledge(rule, RULE_DEAD_LETTERS, "EventBridge retries for 24 hours; AWS Backup still shows the state.")


def _of_alarms(statement: Allow) -> Allow:
    """The statement for CloudWatch, in the policy of a resource."""
    statement.sid = "AlarmsOfThisAccount"
    statement.add_principals(iam.ServicePrincipal("cloudwatch.amazonaws.com"))
    return statement
