"""The Messages table."""

from collections.abc import Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from model.messages import INDEX_NAME, INDEX_PARTITION_KEY, INDEX_SORT_KEY, PARTITION_KEY, SORT_KEY
from stacks.annotations import describe
from stacks.grants import THROUGH_DYNAMODB, actions
from stacks.setting_fields import DEFAULT_CAPACITY, ON_DEMAND
from stacks.settings import Settings

SEEDING_ACTIONS = actions({"dynamodb": "BatchGetItem BatchWriteItem DeleteItem PutItem Scan"})
# A transaction of Puts needs PutItem
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html).
LOADING_ACTIONS = actions({"dynamodb": "BatchGetItem PutItem"})
INDEXING_ACTIONS = actions({"dynamodb": "DeleteItem Query UpdateItem"})
# What DynamoDB documents for the users of a table under a customer key, families spelled out
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html).
_KEY_USE = actions(
    {"kms": "Decrypt DescribeKey Encrypt GenerateDataKey GenerateDataKeyWithoutPlaintext ReEncryptFrom ReEncryptTo"}
)


class MessagesTable(Construct):
    """The single table; its index orders the conversations of a user, its stream has every change.

    Replicas in other regions accept writes too, of which the last wins. The lists stay right: a
    change elsewhere arrives in this stream, and the function that reads it, only here, is the only
    writer of memberships; so two regions never write the same one
    (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html).
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings, key: kms.IKey | None) -> None:
        super().__init__(scope, id)
        self.key = key
        encryption = dynamodb.TableEncryptionV2
        removal = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if settings.retain_table else RemovalPolicy.DESTROY
        self.table = dynamodb.TableV2(
            self,
            "Table",
            table_name=settings.table_name,
            partition_key=_text(PARTITION_KEY),
            sort_key=_text(SORT_KEY),
            global_secondary_indexes=[
                dynamodb.GlobalSecondaryIndexPropsV2(
                    index_name=INDEX_NAME,
                    partition_key=_text(INDEX_PARTITION_KEY),
                    sort_key=_text(INDEX_SORT_KEY),
                    # Not taken over from the table, as provisioned capacity is.
                    max_read_request_units=settings.max_read_units,
                    max_write_request_units=settings.max_write_units,
                )
            ],
            dynamo_stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
            billing=_billing(settings),
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=settings.pitr_days > 0,
                recovery_period_in_days=settings.pitr_days or None,
            ),
            encryption=(encryption.customer_managed_key(key) if key else encryption.dynamo_owned_key()),
            deletion_protection=settings.deletion_protection,
            removal_policy=removal,
            replicas=[dynamodb.ReplicaTableProps(region=region) for region in settings.replica_regions],
        )
        describe(self.table, "Messages of conversations, and every user's list of conversations")

    def grant_seeding(self, grantee: iam.IGrantable) -> None:
        """Let ``grantee`` see whether the table is empty, and read, write and delete items."""
        self._grant(grantee, SEEDING_ACTIONS)

    def grant_loading(self, grantee: iam.IGrantable) -> None:
        """Let ``grantee`` add items to the table, and read those that exist already."""
        self._grant(grantee, LOADING_ACTIONS)

    def grant_indexing(self, grantee: iam.IGrantable) -> None:
        """Let ``grantee`` read conversations, and write the entries of the lists."""
        self._grant(grantee, INDEXING_ACTIONS)

    def _grant(self, grantee: iam.IGrantable, allowed: Sequence[str]) -> None:
        # Not table.grant, which would give the index as well.
        iam.Grant.add_to_principal(grantee=grantee, actions=list(allowed), resource_arns=[self.table.table_arn])
        if self.key:
            self.key.grant(grantee, *_KEY_USE).principal_statements[0].add_condition("StringLike", THROUGH_DYNAMODB)


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)


def _billing(settings: Settings) -> dynamodb.Billing:
    if settings.billing_mode == ON_DEMAND:
        return dynamodb.Billing.on_demand(
            max_read_request_units=settings.max_read_units, max_write_request_units=settings.max_write_units
        )
    read = settings.read_capacity or DEFAULT_CAPACITY
    write = settings.write_capacity or DEFAULT_CAPACITY
    # A global table's write capacity can only be scaled; equal bounds fix it.
    return dynamodb.Billing.provisioned(
        read_capacity=_scaled(read, most) if (most := settings.max_read_capacity) else dynamodb.Capacity.fixed(read),
        write_capacity=_scaled(write, settings.max_write_capacity or write),
    )


def _scaled(least: int, most: int) -> dynamodb.Capacity:
    """Capacity that scales. Without a seed CloudFormation refuses another billing mode, either way.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-dynamodb-globaltable-capacityautoscalingsettings.html
    """
    return dynamodb.Capacity.autoscaled(min_capacity=least, max_capacity=most, seed_capacity=least)
