"""The stack of one stage: builds the constructs, tags them, and adds the outputs.

What only some stages have is imported where it is built, because the CDK's modules take long to load.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from aws_cdk import CfnOutput, Environment, Stack, Tags
from aws_cdk import aws_kms as kms
from constructs import Construct

from model.messages import Item
from model.names import STACK_TAG, stack_name
from stacks.backup_copies import CopiesStack
from stacks.conversation_index import ConversationIndex
from stacks.message_seed import MessageSeed
from stacks.messages_table import MessagesTable
from stacks.setting_fields import KEEP
from stacks.settings import Settings
from stacks.stage_key import StageKey
from stacks.table_backup import TableBackup

if TYPE_CHECKING:
    from stacks.alarms import Alarms
    from stacks.dataset_seed import DatasetSeed

_SEED_COUNTS = {
    "Total": "Messages in the seed",
    "Written": "Messages written by the last seed update",
    "Unchanged": "Messages that already matched the seed",
    "Preserved": "Messages not changed because a user had edited or deleted them",
    "Removed": "Messages removed because they were removed from the seed",
}
_DATASET_COUNTS = {
    "DatasetTotal": "Messages in the dataset",
    "DatasetWritten": "Messages written by the last load of the dataset",
    "DatasetUnchanged": "Messages that already matched the dataset",
    "DatasetPreserved": "Messages of the dataset not written because another item had their key",
}


def add_stacks(app: Construct, *, settings: Settings, items: Sequence[Item]) -> MessagesStack:
    """Add the stage's own stack, which is returned, and with ``copy_region`` that of the copies of its backups."""
    stack = MessagesStack(app, settings=settings, items=items)
    if settings.copy_region:
        # Deployed first and destroyed last: the backup plan names its vault.
        stack.add_stack_dependency(CopiesStack(app, settings=settings))
    return stack


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
        self.backup = TableBackup(self, "Backup", settings=settings, messages=self.messages)
        self.seed = MessageSeed(
            self, "Seed", messages_table=self.messages, items=items, user_pool_id=settings.user_pool_id
        )
        self.dataset = self._add_dataset(settings) if settings.seed_dataset else None
        self.alarms = self._add_alarms(settings, key) if settings.alarms else None
        for tag, value in {STACK_TAG: name, **settings.tags}.items():
            Tags.of(self).add(tag, value)
        self._add_outputs(settings)

    def _add_dataset(self, settings: Settings) -> DatasetSeed:
        from stacks.dataset_seed import DatasetSeed

        dataset = DatasetSeed(self, "Dataset", settings=settings, messages_table=self.messages)
        # The seed first: the first load of an empty table reads no items.
        dataset.resource.node.add_dependency(self.seed)
        return dataset

    def _add_alarms(self, settings: Settings, key: kms.Key | None) -> Alarms:
        from stacks.alarms import Alarms
        from stacks.monitoring import Monitoring

        alarms = Alarms(self, "Alarms", settings=settings, backup=self.backup, key=key)
        monitoring = Monitoring(self, "Monitoring", topic=alarms.topic)
        monitoring.watch_table(self.messages.table)
        monitoring.watch_conversations(self.conversations)
        monitoring.watch_seeding(self.seed, self.dataset)
        if self.backup.testing:
            monitoring.watch_restore_tests(self.backup.testing)
        return alarms

    def _add_outputs(self, settings: Settings) -> None:
        seeded = self.seed.resource
        outputs = {
            "TableName": ("Name of the table", self.messages.table.table_name),
            "TableArn": ("ARN of the table", self.messages.table.table_arn),
            "BackupVaultName": ("Vault with the table's backups", self.backup.vault.backup_vault_name),
            "BackupRoleArn": ("IAM role for AWS Backup", self.backup.role.role_arn),
            "RestoreRoleArn": ("IAM role for restores", self.backup.restore_role.role_arn),
            "FailureQueueUrl": ("Failure queue of the indexing function", self.conversations.failures.queue_url),
            "SeededCount": ("Messages of the seed in the table", seeded.get_att_string("Present")),
        }
        outputs |= {f"Seed{count}": (meaning, seeded.get_att_string(count)) for count, meaning in _SEED_COUNTS.items()}
        if self.backup.plan:
            outputs["BackupPlanId"] = ("Backup plan of the table", self.backup.plan.backup_plan_id)
        if settings.user_pool_id:
            outputs["UserPoolId"] = ("Cognito user pool of the users", settings.user_pool_id)
        if self.alarms:
            outputs["AlarmTopicArn"] = ("SNS topic for alarms and backup failures", self.alarms.topic.topic_arn)
        if self.dataset:
            loaded = self.dataset.resource
            outputs |= {count: (meaning, loaded.get_att_string(count)) for count, meaning in _DATASET_COUNTS.items()}
        for name, (description, value) in outputs.items():
            CfnOutput(self, name, description=description, value=value)
