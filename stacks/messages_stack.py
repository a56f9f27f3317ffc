"""The stack of one stage: builds the constructs, tags them, says what came of it."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, Environment, Stack, Tags
from aws_cdk import aws_kms as kms
from constructs import Construct

from model.messages import Item
from model.names import STACK_TAG, stack_name
from stacks.alarms import Alarms
from stacks.conversation_index import ConversationIndex
from stacks.dataset_seed import DatasetSeed
from stacks.message_seed import MessageSeed
from stacks.messages_table import MessagesTable
from stacks.settings import KEEP, Settings
from stacks.stage_key import StageKey
from stacks.table_backup import TableBackup

_COUNTS = {
    "Total": "Messages in the seed",
    "Written": "Messages that the last change of the seed wrote",
    "Unchanged": "Messages that were as the seed has them",
    "Preserved": "Messages left alone because somebody edited or deleted them",
    "Removed": "Messages removed because they left the seed",
}
_DATASET_COUNTS = {
    "DatasetTotal": "Messages in the dataset",
    "DatasetWritten": "Messages that the last load of the dataset wrote",
    "DatasetUnchanged": "Messages that were as the dataset has them",
    "DatasetPreserved": "Messages of the dataset left alone because another item was there",
}


class MessagesStack(Stack):
    """The Messages table of one stage, backed up and seeded."""

    def __init__(self, scope: Construct, *, settings: Settings, items: Sequence[Item]) -> None:
        name = stack_name(settings.stage)
        super().__init__(
            scope,
            name,
            description=f"Messages table, stage {settings.stage}: backed up and seeded",
            env=Environment(region=settings.region) if settings.region else None,
        )
        key = None
        if settings.customer_key:
            kept = settings.retain_table or settings.backups_on_destroy == KEEP
            key = StageKey(self, "StageKey", kept=kept).key
        self.messages = MessagesTable(self, "Messages", settings=settings, key=key)
        self.conversations = ConversationIndex(self, "Conversations", messages_table=self.messages)
        self.backup = TableBackup(self, "Backup", settings=settings, table=self.messages.table, key=key)
        self.seed = MessageSeed(
            self, "Seed", messages_table=self.messages, items=items, user_pool_id=settings.user_pool_id
        )
        self.dataset = self._add_dataset(settings)
        self.alarms = self._add_alarms(settings, key)
        for tag, value in {STACK_TAG: name, **settings.tags}.items():
            Tags.of(self).add(tag, value)
        self._add_outputs(settings)

    def _add_dataset(self, settings: Settings) -> DatasetSeed | None:
        if not settings.seed_dataset:
            return None
        dataset = DatasetSeed(self, "Dataset", settings=settings, messages_table=self.messages)
        # The first load of an empty table checks no item, so it comes first.
        dataset.resource.node.add_dependency(self.seed)
        return dataset

    def _add_alarms(self, settings: Settings, key: kms.Key | None) -> Alarms | None:
        if not settings.alarms:
            return None
        alarms = Alarms(self, "Alarms", settings=settings, backup=self.backup, key=key)
        # Here, because its library takes a second to load, which other stages save.
        from stacks.monitoring import Monitoring

        monitoring = Monitoring(self, "Monitoring", topic=alarms.topic)
        monitoring.watch_table(self.messages.table)
        monitoring.watch_conversations(self.conversations)
        monitoring.watch_seeding(self.seed, self.dataset)
        if self.backup.testing:
            monitoring.watch_restore_tests(self.backup.testing)
        return alarms

    def _add_outputs(self, settings: Settings) -> None:
        outputs = {
            "TableName": ("The table's name", self.messages.table.table_name),
            "TableArn": ("The table's ARN", self.messages.table.table_arn),
            "BackupVaultName": ("Holds the table's backups", self.backup.vault.backup_vault_name),
            "BackupRoleArn": ("AWS Backup works as this role", self.backup.role.role_arn),
            "RestoreRoleArn": ("AWS Backup restores as this role", self.backup.restore_role.role_arn),
            "FailureQueueUrl": (
                "Holds what the lists of conversations could not follow",
                self.conversations.failures.queue_url,
            ),
            "SeededCount": ("Messages of the seed in the table", self.seed.counts["Present"]),
        }
        for count, meaning in _COUNTS.items():
            outputs[f"Seed{count}"] = (meaning, self.seed.counts[count])
        if self.backup.plan:
            outputs["BackupPlanId"] = ("Backs the table up", self.backup.plan.backup_plan_id)
        if settings.user_pool_id:
            outputs["UserPoolId"] = ("Knows the users' names", settings.user_pool_id)
        if self.alarms:
            outputs["AlarmTopicArn"] = ("Hears of every alarm", self.alarms.topic.topic_arn)
        if self.dataset:
            for count, meaning in _DATASET_COUNTS.items():
                outputs[count] = (meaning, self.dataset.counts[count])
        for name, (description, value) in outputs.items():
            CfnOutput(self, name, description=description, value=value)
