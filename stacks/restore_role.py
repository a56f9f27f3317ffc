"""The role with which AWS Backup restores the table's backups."""

from aws_cdk import Stack, Tags
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from model.names import ROLE_PATH
from stacks.annotations import acknowledge_own_policy, acknowledge_wildcard
from stacks.permissions import actions, allow, backup_key_statements
from stacks.settings import Settings

# AWS's own AWSBackupServiceRolePolicyForRestores, reduced to DynamoDB
# (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForRestores.html).
_TARGET_ACTIONS = [
    *actions({"dynamodb": "BatchWriteItem DeleteItem DescribeTable GetItem PutItem Query"}),
    *actions({"dynamodb": "RestoreTableFromAwsBackup Scan UpdateItem"}),
]
_KEY_USE = actions({"kms": "Decrypt Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo"})


class RestoreRole(Construct):
    """Separate from the backup role, because it may write; it is deleted with the stack.

    A restore creates a new table, so the role reaches tables whose name begins with the stage's and a
    dot, as ``Messages.restored``, but not ``Messages-prod``. ``targets`` is another pattern of names.
    Without ``table``, it cannot restore backups kept by DynamoDB itself, which have the table's ARN.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        settings: Settings,
        table: dynamodb.ITable | None,
        key: kms.IKey | None,
        targets: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        targets = Stack.of(self).format_arn(
            service="dynamodb", resource="table", resource_name=targets or f"{settings.table_name}.*"
        )
        backups = [f"{table.table_arn}/backup/*"] if table else []
        statements = [
            allow(targets, *_TARGET_ACTIONS),
            *(allow(arn, "dynamodb:RestoreTableFromBackup") for arn in backups),
            *(backup_key_statements(key.key_arn, *_KEY_USE) if key else []),
        ]
        self.role = iam.Role(
            self,
            "Role",
            path=ROLE_PATH,
            description=f"Restores backups of the table of {Stack.of(self).stack_name}",
            assumed_by=iam.ServicePrincipal("backup.amazonaws.com"),
            inline_policies={"RestoreTable": iam.PolicyDocument(statements=statements)},
        )
        Tags.of(self.role).add("messages:purpose", "restore")
        acknowledge_own_policy(self.role)
        acknowledge_wildcard(self.role, targets, "A restore creates a table with a name of its own.")
        for arn in backups:
            acknowledge_wildcard(self.role, arn, "The table's backups; AWS generates their ids.")
