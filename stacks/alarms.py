"""Whom alarms tell, and what they tell of."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from stacks.backup_events import BackupEvents, from_this_account
from stacks.description import describe
from stacks.findings import MAIL_DEAD_LETTERS, TOPIC_KEY, acknowledge
from stacks.settings import Settings
from stacks.table_backup import TableBackup

_CLOUDWATCH = iam.ServicePrincipal("cloudwatch.amazonaws.com")


class Alarms(Construct):
    """A topic that hears of every alarm and of what fails in AWS Backup.

    ``stacks.monitoring`` adds the alarms. Whoever subscribes hears; the stage's
    ``alarm_email`` does, after a click in the mail that AWS sends first.
    """

    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, backup: TableBackup, key: kms.Key | None
    ) -> None:
        super().__init__(scope, id)
        self.topic = sns.Topic(self, "Topic", master_key=key, enforce_ssl=True)
        describe(self.topic, "Hears of every alarm, and of backup jobs that fail or expire")
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[_CLOUDWATCH],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions=from_this_account(self),
            )
        )
        if key:
            self._let_publishers_use(key)
        else:
            acknowledge(
                self.topic,
                TOPIC_KEY,
                "It carries names of alarms and states of backup jobs, nothing of a message; "
                "the setting customer_key encrypts it.",
            )
        if settings.alarm_email:
            self._mail(settings.alarm_email)
        BackupEvents(self, "Backup", topic=self.topic, backup=backup, key=key)

    def _mail(self, address: str) -> None:
        subscription = self.topic.add_subscription(subscriptions.EmailSubscription(address))
        # https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
        acknowledge(
            subscription,
            MAIL_DEAD_LETTERS,
            "SNS tries for hours to deliver a mail; what still fails would lie in a queue that "
            "nobody reads, while the alarm stays red and AWS Backup shows the job.",
        )

    def _let_publishers_use(self, key: kms.Key) -> None:
        # AWS's own key of SNS cannot be used by other services. Whether CloudWatch names this
        # account to KMS is not documented; that SNS names the topic is. By a pattern, because the
        # topic refers to the key
        # (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html).
        topics = Stack.of(self).format_arn(service="sns", resource=f"{Stack.of(self).stack_name}-*")
        key.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AlarmsOfThisAccount",
                principals=[_CLOUDWATCH],
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=["*"],
                conditions={"StringLike": {"kms:EncryptionContext:aws:sns:topicArn": topics}},
            )
        )
