"""What goes wrong in AWS Backup, sent to a topic.

AWS Backup sends its events best effort, within minutes
(https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html).
"""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.findings import RULE_DEAD_LETTERS, acknowledge
from stacks.table_backup import TableBackup

# By what an event knows of the stage. Restores say `status`, the other jobs `state`.
_FAILED = ["ABORTED", "EXPIRED", "FAILED", "PARTIAL"]


class BackupEvents(Construct):
    """Rules for jobs of backup, copy and restore that fail or expire, and points that expire.

    A recovery point is EXPIRED when AWS Backup could not delete it at the end
    of its retention: it stays, and is billed.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        topic: sns.ITopic,
        backup: TableBackup,
    ) -> None:
        super().__init__(scope, id)
        self._topic = topic
        vault = {"backupVaultName": [backup.vault.backup_vault_name]}
        copied = {"sourceBackupVaultArn": [backup.vault.backup_vault_arn]}
        restoring = [backup.restore_role, *([backup.testing.role] if backup.testing else [])]
        restored = {"iamRoleArn": [role.role_arn for role in restoring]}
        self._add("BackupJob", "Backup Job State Change", vault | {"state": _FAILED})
        self._add("CopyJob", "Copy Job State Change", copied | {"state": _FAILED})
        self._add("RestoreJob", "Restore Job State Change", restored | {"status": _FAILED})
        self._add(
            "RecoveryPoint",
            "Recovery Point State Change",
            vault | {"status": ["EXPIRED", "PARTIAL"]},
        )

    def _add(self, id: str, kind: str, detail: Mapping[str, Sequence[str]]) -> None:
        rule = events.Rule(
            self,
            id,
            description=f"{kind} that a person has to look at",
            event_pattern=events.EventPattern(
                source=["aws.backup"], detail_type=[kind], detail=dict(detail)
            ),
            targets=[targets.SnsTopic(self._topic)],
        )
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
        acknowledge(
            rule,
            RULE_DEAD_LETTERS,
            "EventBridge tries again for 24 hours; what is lost then is a notice, and AWS Backup "
            "itself goes on showing the state that it was of.",
        )
