"""The custom resource that has a dataset of any number of messages loaded into the table."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from seed.dataset import plain_file
from stacks.dataset_machine import CALL_TIMEOUT, DatasetMachine
from stacks.function import ProjectFunction, function_logs
from stacks.messages_table import MessagesTable
from stacks.settings import Settings
from stacks.shared_findings import acknowledge_called
from stacks.waiting_provider import WaitingProvider

POLL_INTERVAL = Duration.seconds(5)

# A processor of its own; and on the disk 70 bytes for each of 20 million lines, as many as the
# machine can load, and room to spare.
CHECKER_MIB, CHECKER_DISK_MIB = 1769, 2048
COUNTS = ("DatasetTotal", "DatasetWritten", "DatasetUnchanged", "DatasetPreserved")


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

    def __init__(self, scope: Construct, id: str, *, settings: Settings, messages_table: MessagesTable) -> None:
        super().__init__(scope, id)
        log_group = function_logs(self, "Logs")
        dataset = self._dataset(settings)
        worker = self._add_worker(messages_table, log_group)
        # A local file was checked before the synth.
        checker = None if settings.dataset_file else self._add_checker(dataset, log_group)
        loading = DatasetMachine(
            self,
            "Loading",
            worker=worker.function,
            checker=checker.function if checker else None,
            object_arn=dataset.arn,
        )
        self.machine = loading.machine
        provider = self._add_provider(loading, log_group)
        self.resource = provider.resource(
            "MessageDataset",
            {
                "TableName": messages_table.table.table_name,
                "Bucket": dataset.bucket,
                "Key": dataset.key,
                "StateMachineArn": loading.machine.state_machine_arn,
            },
        )
        # Permissions come before the load and go after it.
        self.resource.node.add_dependency(worker, loading, *([checker] if checker else []))
        self.counts = {name: self.resource.get_att_string(name) for name in COUNTS}

    def _dataset(self, settings: Settings) -> _Object:
        if not settings.dataset_file:
            bucket, key = settings.seed_dataset.removeprefix("s3://").split("/", 1)
            arn = s3.Bucket.from_bucket_name(self, "Bucket", bucket).arn_for_objects(key)
            return _Object(bucket, key, arn)
        # Its key is the hash of its content, so another content is another dataset.
        with plain_file(settings.dataset_file) as file:
            asset = s3_assets.Asset(self, "File", path=str(file))
        arn = asset.bucket.arn_for_objects(asset.s3_object_key)
        return _Object(asset.s3_bucket_name, asset.s3_object_key, arn)

    def _add_worker(self, messages: MessagesTable, log_group: logs.ILogGroup) -> ProjectFunction:
        worker = ProjectFunction(
            self,
            "Worker",
            description="Writes a batch of the dataset's messages",
            handler="functions.write_dataset.load",
            log_group=log_group,
            timeout=CALL_TIMEOUT,
            memory_mib=512,
        )
        messages.grant_loading(worker.function)
        acknowledge_called(worker.function, "Step Functions")
        return worker

    def _add_checker(self, dataset: _Object, log_group: logs.ILogGroup) -> ProjectFunction:
        checker = ProjectFunction(
            self,
            "Checking",
            description="Checks the dataset before a message of it is written",
            handler="functions.check_dataset.check",
            log_group=log_group,
            timeout=CALL_TIMEOUT,
            memory_mib=CHECKER_MIB,
            storage_mib=CHECKER_DISK_MIB,
        )
        checker.function.add_to_role_policy(iam.PolicyStatement(actions=["s3:GetObject"], resources=[dataset.arn]))
        acknowledge_called(checker.function, "Step Functions")
        return checker

    def _add_provider(self, loading: DatasetMachine, log_group: logs.ILogGroup) -> WaitingProvider:
        starting = self._handler("Starting", "on_event", "Starts and stops the load", log_group)
        watching = self._handler("Watching", "is_complete", "Waits for the load", log_group)
        loading.grant_start(starting.role)
        loading.grant_watch(watching.role)
        return WaitingProvider(
            self,
            "Provider",
            on_event=starting.function,
            is_complete=watching.function,
            log_group=log_group,
            interval=POLL_INTERVAL,
        )

    def _handler(self, id: str, name: str, description: str, log_group: logs.ILogGroup) -> ProjectFunction:
        return ProjectFunction(
            self,
            id,
            description=f"{description} of the dataset when the stack is deployed",
            handler=f"functions.load_dataset.{name}",
            log_group=log_group,
            timeout=Duration.minutes(2),
        )
