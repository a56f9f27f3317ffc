"""What a stage's backup plan and role need to copy backups to another region."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_backup as backup
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from model.names import copies_stack_name, copies_vault_name
from stacks.findings import acknowledge_wildcard
from stacks.settings import Settings
from stacks.stage_key import backup_key_statements


class BackupCopies(Construct):
    """The vault of a ``CopiesStack``, seen from the stage's own region.

    By name: a reference between regions would take a custom resource.
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        assert settings.region, "the settings demand it with copy_region"
        self._settings = settings
        name = copies_vault_name(settings.stage, settings.region, keyed=settings.customer_key)
        self._vault_arn = self._arn("backup-vault", name)
        self._points_arn = recovery_points_arn(self, settings.copy_region)
        self._vault = backup.BackupVault.from_backup_vault_arn(self, "Vault", self._vault_arn)

    def action(self, days: int) -> backup.BackupPlanCopyActionProps:
        """The copy of a backup that is itself kept for ``days``."""
        kept = self._settings.copy_retention_days or days
        return backup.BackupPlanCopyActionProps(destination_backup_vault=self._vault, delete_after=Duration.days(kept))

    def statements(self) -> list[iam.PolicyStatement]:
        """What AWSBackupServiceRolePolicyForBackup allows for copies, for this vault alone."""
        statements = [
            _allow(self._vault_arn, "backup:CopyIntoBackupVault", "backup:DescribeBackupVault"),
            # AWS's own policy asks for no backup:CopyTargets here: into which vault is said above,
            # and whether the copies of a plan have that key is not documented.
            _allow(recovery_points_arn(self), "backup:CopyFromBackupVault"),
            _allow(self._points_arn, "backup:TagResource"),
        ]
        if self._settings.customer_key:
            statements += self._key_statements()
        return statements

    def acknowledge(self, role: iam.Role) -> None:
        """Accept the wildcards of ``statements`` in the policy of ``role``."""
        acknowledge_wildcard(role, self._points_arn, "The stage's own copies get tags; AWS makes up their ids.")
        if self._settings.customer_key:
            acknowledge_wildcard(
                role,
                self._arn("key", "*", service="kms"),
                "The key of the copies is made in another region; only its alias is known here, "
                "and a condition demands that.",
            )

    def _key_statements(self) -> list[iam.PolicyStatement]:
        keys = self._arn("key", "*", service="kms")
        statements = backup_key_statements(keys, "kms:Decrypt", "kms:GenerateDataKey")
        for statement in statements:
            for test, condition in self._own_key.items():
                statement.add_condition(test, condition)
        return statements

    @property
    def _own_key(self) -> Mapping[str, Any]:
        """The condition that a key has the alias that the copies' stack gives it.

        https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
        """
        assert self._settings.region
        stack = copies_stack_name(self._settings.stage, self._settings.region)
        return {"ForAnyValue:StringLike": {"kms:ResourceAliases": f"alias/{stack}-*"}}

    def _arn(self, resource: str, name: str, *, service: str = "backup") -> str:
        slash = service == "kms"
        return Stack.of(self).format_arn(
            service=service,
            region=self._settings.copy_region,
            resource=resource,
            resource_name=name,
            arn_format=ArnFormat.SLASH_RESOURCE_NAME if slash else ArnFormat.COLON_RESOURCE_NAME,
        )


def recovery_points_arn(scope: IConstruct, region: str | None = None) -> str:
    """The account's recovery points in ``region``, by default the stack's; AWS makes up ids."""
    return Stack.of(scope).format_arn(
        service="backup",
        region=region,
        resource="recovery-point",
        resource_name="*",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def _allow(resource: str, *actions: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=[resource])


def kept_for(settings: Settings) -> Sequence[int]:
    """How many days the copies of each rule's backups are kept."""
    return [settings.copy_retention_days or days for days in settings.retentions]
