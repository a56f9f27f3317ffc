"""The custom resource that loads a dataset of any number of messages, and the state machine that does it in batches."""

from collections.abc import Mapping

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from seed.dataset_file import plain_file
from stacks.annotations import STATE_MACHINE, acknowledge_all, acknowledge_called, acknowledge_own_policy
from stacks.dataset_states import CALL_MINUTES, export_states, object_states
from stacks.function import ProjectFunction, custom_resource
from stacks.grants import Allow, accept_wildcards, arn, permit
from stacks.messages_table import MessagesTable
from stacks.pipeline.preview_limits import state_machine_name
from stacks.settings import Settings

POLL_INTERVAL = Duration.seconds(5)
# A processor of its own; and on disk 70 bytes for each of 20 million lines, as many as the
# machine can load, with room to spare.
CHECKER_MIB, CHECKER_DISK_MIB = 1769, 2048
# CloudFormation waits an hour for a custom resource.
LOAD_TIMEOUT = Duration.minutes(55)


class DatasetSeed(Construct):
    """Loads the dataset of ``settings`` into the table whenever the dataset changes.

    It only adds: what is in the table stays as it is, also what was removed from the dataset. A
    changed object under the same ``s3://`` address is not noticed.
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings, messages_table: MessagesTable) -> None:
        super().__init__(scope, id)
        bucket, self._key, self._bucket = self._dataset(settings)
        self._is_export = settings.seed_dataset.endswith("/")
        worker = self._worker(messages_table)
        checker = None if settings.dataset_file else self._checker()  # a local file was checked before the synth
        called = [each for each in (checker, worker) if each]
        for each in called:
            acknowledge_called(each.function, "Step Functions")
        loading = Construct(self, "Loading")
        self._add_machine(loading, checker, worker)
        properties = {
            "TableName": messages_table.table.table_name,
            "Bucket": bucket,
            "Key": self._key,
            "StateMachineArn": self.machine.state_machine_arn,
        }
        self.resource = self._load(properties)
        # Permissions are created before the load and deleted after it.
        self.resource.node.add_dependency(loading, *called)

    def _worker(self, messages_table: MessagesTable) -> ProjectFunction:
        """The function that writes: a batch of an object's lines, or all of an object."""
        worker = ProjectFunction(
            self,
            "Worker",
            description="Writes a batch of the dataset's messages",
            handler="load_export.load" if self._is_export else "write_dataset.load",
            minutes=CALL_MINUTES,
            memory_mib=1024 if self._is_export else 512,
        )
        messages_table.grant_loading(worker.function)
        if self._is_export:
            permit(worker.role, self._reading())
        return worker

    def _checker(self) -> ProjectFunction:
        """The function that checks an object before anything is written."""
        checker = ProjectFunction(
            self,
            "Checking",
            description="Checks the dataset before any message of it is written",
            handler="load_export.check" if self._is_export else "check_dataset.check",
            minutes=CALL_MINUTES,
            memory_mib=CHECKER_MIB,
            storage_mib=CHECKER_DISK_MIB,
        )
        permit(checker.role, self._reading())
        return checker

    def _load(self, properties: Mapping[str, str]) -> CustomResource:
        """The custom resource that runs the state machine when its properties change, and waits for the end."""
        starting = ProjectFunction(
            self,
            "Starting",
            description="Starts and stops the load of a dataset",
            handler="load_dataset.on_event",
            minutes=2,
        )
        watching = ProjectFunction(
            self,
            "Watching",
            description="Waits for the load of a dataset",
            handler="load_dataset.is_complete",
            minutes=2,
        )
        permit(
            starting.role,
            Allow(self.machine.state_machine_arn, "states:StartExecution", "states:ListExecutions"),
            self._every("execution", ":*", "states:StopExecution"),
        )
        permit(
            watching.role,
            self._every("execution", ":*", "states:DescribeExecution", "states:ListMapRuns"),
            self._every("execution", "/*", "states:DescribeExecution"),
            self._every("mapRun", "/*", "states:DescribeMapRun", "states:ListExecutions"),
        )
        return custom_resource(
            self, "MessageDataset", properties, on_event=starting, is_complete=watching, interval=POLL_INTERVAL
        )

    def _dataset(self, settings: Settings) -> tuple[str, str, s3.IBucket]:
        """Bucket and key of the dataset in S3, or of the folder of an export, and the bucket itself."""
        if not settings.dataset_file:
            bucket, key = settings.seed_dataset.removeprefix("s3://").split("/", 1)
            return bucket, key, s3.Bucket.from_bucket_name(self, "Bucket", bucket)
        # Its key is the hash of its content, so other content is another dataset.
        with plain_file(settings.dataset_file) as file:
            asset = s3_assets.Asset(self, "File", path=str(file))
        return asset.s3_bucket_name, asset.s3_object_key, asset.bucket

    def _reading(self) -> Allow:
        """The permission to read the dataset."""
        if self._is_export:
            objects = self._bucket.arn_for_objects(f"{self._key}*")
            return Allow(objects, "s3:GetObject", because="Objects of this export, which DynamoDB names.")
        return Allow(self._bucket.arn_for_objects(self._key), "s3:GetObject")

    def _add_machine(self, scope: Construct, checker: ProjectFunction | None, worker: ProjectFunction) -> None:
        """The input of an execution is ``{"Bucket": ..., "Key": ..., "Table": ...}``; see stacks/dataset_states.py."""
        role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        if self._is_export:
            assert checker
            steps = export_states(scope, checker=checker, worker=worker)
            reading = Allow(self._bucket.bucket_arn, "s3:ListBucket", StringEquals={"s3:prefix": self._key})
        else:
            steps, reading = object_states(scope, checker=checker, worker=worker), self._reading()
        self.machine = sfn.StateMachine(
            scope,
            "Machine",
            state_machine_name=state_machine_name(self, "Loading"),
            comment="Loads a dataset into the Messages table",
            # The library would grant every object of the bucket and every version of the function.
            role=role.without_policy_updates(),
            definition_body=sfn.DefinitionBody.from_chainable(steps),
            timeout=LOAD_TIMEOUT,
        )
        # The library adds grants for the role in this policy too.
        self.machine.node.try_remove_child("DistributedMapPolicy")
        acknowledge_all(self.machine, STATE_MACHINE)
        # What AWS's guide lists for Distributed Map states
        # (https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html). Not inline
        # in the role: the state machine depends on the role, and this on the state machine.
        statements = [
            *(Allow(each.function.function_arn, "lambda:InvokeFunction") for each in (checker, worker) if each),
            reading,
            Allow(self.machine.state_machine_arn, "states:StartExecution"),
            self._every("execution", ":*", "states:DescribeExecution", "states:StopExecution"),
        ]
        policy = iam.Policy(scope, "Policy", roles=[role], statements=statements)
        acknowledge_own_policy(policy)
        accept_wildcards(policy, statements)

    def _every(self, kind: str, rest: str, *actions: str) -> Allow:
        """The permission for every execution or Map Run of the state machine."""
        every = arn(self, "states", f"{kind}:{self.machine.state_machine_name}{rest}")
        return Allow(
            every, *actions, because="Of this one state machine; Step Functions generates the rest of the name."
        )
