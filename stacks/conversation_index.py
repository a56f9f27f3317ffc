"""Keeps every user's list of conversations current: stream, function, failure queue."""

import jsii
from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from model.messages import CONVERSATION_PREFIX, MESSAGE_PREFIX, PARTITION_KEY, SORT_KEY
from model.names import TABLE_VARIABLE
from stacks.annotations import FUNCTION_DEAD_LETTERS, QUEUE_DEAD_LETTERS, acknowledge, describe
from stacks.function import ProjectFunction
from stacks.grants import Allow, permit
from stacks.messages_table import MessagesTable

# https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
_STREAM_ACTIONS = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
# The most that the indexer handles at once, and Lambda's own default.
BATCH_SIZE = 100
# After that a failing record goes to the failure queue, because the later ones of its shard wait behind it.
RETRIES, MAX_AGE = 10, Duration.hours(1)


class ConversationIndex(Construct):
    """The table's stream, read by the function that writes memberships.

    Changes of memberships, which the function makes itself, do not invoke it. A batch that fails is
    split until the failing record is alone; the message in the queue says where that is in the stream.
    """

    def __init__(self, scope: Construct, id: str, *, messages_table: MessagesTable) -> None:
        super().__init__(scope, id)
        self.failures = sqs.Queue(
            self,
            "Failures",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )
        describe(self.failures, "Stream positions of changes that could not be applied to the lists")
        acknowledge(self.failures, QUEUE_DEAD_LETTERS, "It is the dead-letter queue itself; no program reads it.")
        self.indexing = ProjectFunction(
            self,
            "Indexing",
            description="Keeps every user's list of conversations current",
            handler="indexer.handler",
            minutes=1,
            environment={TABLE_VARIABLE: messages_table.table.table_name},
        )
        messages_table.grant_indexing(self.indexing.function)
        self._follow(messages_table.table)

    def _follow(self, table: dynamodb.ITable) -> None:
        """Let the stream of ``table`` call the function."""
        stream, function = table.table_stream_arn, self.indexing.function
        assert stream, "the table has one"
        # Not table.grant_stream_read, which with a customer key lets the role decrypt anything: as a
        # user of the table the role may already use the key through DynamoDB.
        permit(
            self.indexing.role,
            Allow(stream, *_STREAM_ACTIONS),
            # As in AWSLambdaDynamoDBExecutionRole; the error of a mapping without it names the stream.
            Allow("*", "dynamodb:ListStreams", because="ListStreams, which names streams, does not support resources."),
        )
        prefixes = {PARTITION_KEY: CONVERSATION_PREFIX, SORT_KEY: MESSAGE_PREFIX}
        messages = {name: {"S": [{"prefix": prefix}]} for name, prefix in prefixes.items()}
        mapping = function.add_event_source_mapping(
            "Stream",
            event_source_arn=stream,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=BATCH_SIZE,
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            retry_attempts=RETRIES,
            max_record_age=MAX_AGE,
            on_failure=_FailureQueue(self.failures),
            filters=[dict(lambda_.FilterCriteria.filter({"dynamodb": {"Keys": messages}}))],
        )
        describe(mapping, "Passes changes of messages to the function, in order, 100 at a time")
        reason = "The stream invokes it; records that keep failing go to the failure queue of the mapping."
        acknowledge(function, FUNCTION_DEAD_LETTERS, reason)


@jsii.implements(lambda_.IEventSourceDlq)
class _FailureQueue:
    """The destination of batches that keep failing; aws_lambda_event_sources.SqsDlq grants more."""

    def __init__(self, queue: sqs.Queue) -> None:
        self._queue = queue

    def bind(
        self, _target: lambda_.IEventSourceMapping, target_handler: lambda_.IFunction
    ) -> lambda_.DlqDestinationConfig:
        self._queue.grant(target_handler, "sqs:SendMessage")
        return lambda_.DlqDestinationConfig(destination=self._queue.queue_arn)
