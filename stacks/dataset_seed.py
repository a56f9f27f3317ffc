"""The custom resource that has a dataset of any number of messages loaded into the table."""

from dataclasses import dataclass

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import custom_resources as cr
from constructs import Construct, IConstruct

from stacks.dataset_machine import BATCH_TIMEOUT, DatasetMachine, acknowledge_unlogged
from stacks.findings import acknowledge_wildcard
from stacks.function import PROJECT, ProjectFunction, function_logs, logging_role
from stacks.messages_table import MessagesTable
from stacks.settings import Settings

# After the load's own end and before CloudFormation's, which waits an hour.
WAIT_TIMEOUT = Duration.minutes(58)
POLL_INTERVAL = Duration.seconds(5)

WORKER_FILES = [
    "chat/__init__.py", "chat/model.py", "seed/__init__.py", "seed/apply.py", "seed/changes.py",
    "seed/dataset_line.py", "seed/dataset_worker.py", "seed/wire.py", "seed/writer.py",
]  # fmt: skip
HANDLER_FILES = ["seed/__init__.py", "seed/dataset_handler.py"]
COUNTS = ("DatasetTotal", "DatasetWritten", "DatasetUnchanged", "DatasetPreserved")

# A transaction of Puts needs PutItem
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html).
_TABLE_USE = ("dynamodb:BatchGetItem", "dynamodb:PutItem")
# What DynamoDB documents for the users of a table under a customer key
# (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html).
_KEY_USE = (
    "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo",
)  # fmt: skip


@dataclass(frozen=True)
class _Object:
    """Where the dataset lies in S3."""

    bucket: str
    key: str
    arn: str


class DatasetSeed(Construct):
    """Loads the dataset of ``settings`` into the table whenever it is another one.

    It only adds: what is in the table stays as it is, also what left the
    dataset. A changed object under the same ``s3://`` address is not noticed.
    """

    def __init__(
        self, scope: Construct, id: str, *, settings: Settings, messages_table: MessagesTable
    ) -> None:
        super().__init__(scope, id)
        log_group = function_logs(self, "Logs")
        dataset = self._dataset(settings.seed_dataset)
        worker = self._add_worker(messages_table, log_group)
        loading = DatasetMachine(self, "Loading", worker=worker.function, object_arn=dataset.arn)
        provider = self._add_provider(loading, log_group)
        self.resource = CustomResource(
            self,
            "Resource",
            resource_type="Custom::MessageDataset",
            service_token=provider.service_token,
            properties={
                "TableName": messages_table.table.table_name,
                "Bucket": dataset.bucket,
                "Key": dataset.key,
                "StateMachineArn": loading.machine.state_machine_arn,
            },
        )
        # Permissions come before the load and go after it.
        self.resource.node.add_dependency(worker, loading)
        self.counts = {name: self.resource.get_att_string(name) for name in COUNTS}

    def _dataset(self, address: str) -> _Object:
        if address.startswith("s3://"):
            bucket, key = address.removeprefix("s3://").split("/", 1)
            arn = s3.Bucket.from_bucket_name(self, "Bucket", bucket).arn_for_objects(key)
            return _Object(bucket, key, arn)
        # Its key is the hash of its content, so another content is another dataset.
        asset = s3_assets.Asset(self, "File", path=str(PROJECT / address))
        arn = asset.bucket.arn_for_objects(asset.s3_object_key)
        return _Object(asset.s3_bucket_name, asset.s3_object_key, arn)

    def _add_worker(self, messages: MessagesTable, log_group: logs.ILogGroup) -> ProjectFunction:
        worker = ProjectFunction(
            self,
            "Worker",
            description="Writes a batch of the dataset's messages",
            handler="seed.dataset_worker.load",
            files=WORKER_FILES,
            log_group=log_group,
            timeout=BATCH_TIMEOUT,
            memory_mib=512,
        )
        messages.table.grant(worker.function, *_TABLE_USE)
        if messages.table.encryption_key:
            messages.table.encryption_key.grant(worker.function, *_KEY_USE).principal_statements[
                0
            ].add_condition("StringLike", {"kms:ViaService": "dynamodb.*.amazonaws.com"})
        return worker

    def _add_provider(self, loading: DatasetMachine, log_group: logs.ILogGroup) -> cr.Provider:
        starting = self._handler("Starting", "on_event", "Starts and stops the load", log_group)
        watching = self._handler("Watching", "is_complete", "Waits for the load", log_group)
        loading.grant_start(starting.role)
        loading.grant_watch(watching.role)
        starting_framework = logging_role(self, "StartingFrameworkRole", log_group=log_group)
        watching_framework = logging_role(self, "WatchingFrameworkRole", log_group=log_group)
        provider = cr.Provider(
            self,
            "Provider",
            on_event_handler=starting.function,
            is_complete_handler=watching.function,
            log_group=log_group,
            framework_on_event_role=starting_framework,
            framework_complete_and_timeout_role=watching_framework,
            query_interval=POLL_INTERVAL,
            total_timeout=WAIT_TIMEOUT,
            disable_waiter_state_machine_logging=True,
        )
        for role in (starting_framework, watching_framework):
            _acknowledge_versions(role, starting.function, watching.function)
        # Their ids are the library's.
        waited = [provider.node.find_child(f"framework-{of}") for of in ("isComplete", "onTimeout")]
        _acknowledge_versions(provider, *waited)
        acknowledge_unlogged(provider)
        return provider

    def _handler(
        self, id: str, name: str, description: str, log_group: logs.ILogGroup
    ) -> ProjectFunction:
        return ProjectFunction(
            self,
            id,
            description=f"{description} of the dataset when the stack is deployed",
            handler=f"seed.dataset_handler.{name}",
            files=HANDLER_FILES,
            log_group=log_group,
            timeout=Duration.minutes(2),
        )


def _acknowledge_versions(grantee: Construct, *functions: IConstruct) -> None:
    for function in functions:
        assert isinstance(function, lambda_.Function)
        acknowledge_wildcard(
            grantee,
            f"{function.function_arn}:*",
            "The provider framework may call every version of the functions it wraps.",
        )
