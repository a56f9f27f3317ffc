"""The role that AWS Backup restores the table's backups with."""

from aws_cdk import Stack, Tags
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from model.names import ROLE_PATH
from stacks.findings import acknowledge_wildcard
from stacks.settings import Settings
from stacks.shared_findings import acknowledge_own_policy
from stacks.stage_key import backup_key_statements

PURPOSE_TAG = "messages:purpose"
# AWS's own AWSBackupServiceRolePolicyForRestores, as far as it is about DynamoDB
# (https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForRestores.html).
_TARGET_ACTIONS = (
    "dynamodb:BatchWriteItem",
    "dynamodb:DeleteItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:RestoreTableFromAwsBackup",
    "dynamodb:Scan",
    "dynamodb:UpdateItem",
)
_KEY_USE = (
    "kms:Decrypt",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)


class RestoreRole(Construct):
    """Apart from the backup role, because it may write; it goes with the stack.

    A restore makes a new table, so the role reaches those whose name is the
    table's, a dot and more: ``Messages.restored``, and the temporary ones of a
    drill. ``Messages-prod`` it does not reach: a stage's name has no dot.
    ``targets`` is another pattern of names. Without ``table``, which has the
    backups that DynamoDB itself keeps, it restores those of AWS Backup alone.
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
            iam.PolicyStatement(actions=list(_TARGET_ACTIONS), resources=[targets]),
            *(iam.PolicyStatement(actions=["dynamodb:RestoreTableFromBackup"], resources=[arn]) for arn in backups),
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
        Tags.of(self.role).add(PURPOSE_TAG, "restore")
        acknowledge_own_policy(self.role)
        acknowledge_wildcard(self.role, targets, "A restore makes a table under a name of its own.")
        for arn in backups:
            acknowledge_wildcard(self.role, arn, "The table's backups; AWS makes up their ids.")
