"""What goes wrong in AWS Backup, sent to a topic.

AWS Backup sends its events best effort, within minutes
(https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html).
"""

from collections.abc import Mapping, Sequence

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.findings import RULE_DEAD_LETTERS, acknowledge
from stacks.shared_findings import acknowledge_own_policy
from stacks.table_backup import TableBackup

# By what an event knows of the stage. Restores say `status`, the other jobs `state`.
_FAILED = ["ABORTED", "EXPIRED", "FAILED", "PARTIAL"]


class BackupEvents(Construct):
    """Rules for jobs of backup, copy and restore that fail or expire, and points that expire.

    A recovery point is EXPIRED when AWS Backup could not delete it at the end
    of its retention: it stays, and is billed.
    """

    def __init__(
        self, scope: Construct, id: str, *, topic: sns.ITopic, backup: TableBackup, key: kms.IKey | None
    ) -> None:
        super().__init__(scope, id)
        role = self._add_role(topic, key)
        self._target = targets.SnsTopic(topic, role=role.without_policy_updates())
        vault = {"backupVaultName": [backup.vault.backup_vault_name]}
        copied = {"sourceBackupVaultArn": [backup.vault.backup_vault_arn]}
        restoring = [backup.restore_role, *([backup.testing.role] if backup.testing else [])]
        restored = {"iamRoleArn": [role.role_arn for role in restoring]}
        self._add("BackupJob", "Backup Job State Change", vault | {"state": _FAILED})
        self._add("CopyJob", "Copy Job State Change", copied | {"state": _FAILED})
        self._add("RestoreJob", "Restore Job State Change", restored | {"status": _FAILED})
        self._add("RecoveryPoint", "Recovery Point State Change", vault | {"status": ["EXPIRED", "PARTIAL"]})

    def _add_role(self, topic: sns.ITopic, key: kms.IKey | None) -> iam.Role:
        """The role that the rules publish as, which EventBridge assumes for this account alone.

        Without it the topic would let EventBridge publish for every account: EventBridge supports
        no conditions in a topic's policy
        (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html).
        """
        role = iam.Role(
            self,
            "Role",
            description=f"Tells the alarms' topic of {Stack.of(self).stack_name} of backups",
            assumed_by=iam.ServicePrincipal("events.amazonaws.com", conditions=from_this_account(self)),
        )
        role.add_to_policy(iam.PolicyStatement(actions=["sns:Publish"], resources=[topic.topic_arn]))
        if key:
            role.add_to_policy(
                iam.PolicyStatement(actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[key.key_arn])
            )
        acknowledge_own_policy(role)
        return role

    def _add(self, id: str, kind: str, detail: Mapping[str, Sequence[str]]) -> None:
        rule = events.Rule(
            self,
            id,
            description=f"{kind} that a person has to look at",
            event_pattern=events.EventPattern(source=["aws.backup"], detail_type=[kind], detail=dict(detail)),
            targets=[self._target],
        )
        # https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
        acknowledge(
            rule,
            RULE_DEAD_LETTERS,
            "EventBridge tries again for 24 hours; what is lost then is a notice, and AWS Backup "
            "itself goes on showing the state that it was of.",
        )


def from_this_account(scope: Construct) -> dict[str, dict[str, str]]:
    """The condition against a confused deputy: what acts for another account is not ours."""
    return {"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
