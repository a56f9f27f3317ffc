"""The custom resource that loads a dataset of any number of messages, and the state machine that does it in batches."""

from collections.abc import Mapping

from aws_cdk import CustomResource, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from seed.dataset_file import plain_file
from stacks.annotations import STATE_MACHINE, acknowledge_all, acknowledge_called, acknowledge_own_policy
from stacks.function import ProjectFunction, custom_resource
from stacks.grants import Allow, accept_wildcards, arn, permit
from stacks.messages_table import MessagesTable
from stacks.pipeline.preview_limits import state_machine_name
from stacks.settings import Settings

POLL_INTERVAL = Duration.seconds(5)
# A processor of its own; and on disk 70 bytes for each of 20 million lines, as many as the
# machine can load, with room to spare.
CHECKER_MIB, CHECKER_DISK_MIB = 1769, 2048
# A batch is the input of a task, of at most 256 KiB; many short messages fit.
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
ITEMS_PER_BATCH = 1000
BYTES_PER_BATCH = 262_144
# One worker can use up the 4,000 write units a second of a new on-demand table; more hide latency
# and leave room in a new account's quota of 10 concurrent functions.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
MAX_CONCURRENCY = 5
# CloudFormation waits an hour for a custom resource.
LOAD_TIMEOUT = Duration.minutes(55)
# Longer than the writer retries by itself, and the longest that a function can run.
CALL_MINUTES = 15
_RETRIED = [
    *"Lambda.ClientExecutionTimeoutException Lambda.ServiceException Lambda.AWSLambdaException".split(),
    *"Lambda.SdkClientException Lambda.TooManyRequestsException Sandbox.Timedout States.Timeout TimeoutError".split(),
    # botocore's names for a connection that breaks in the middle of an object.
    *"IncompleteReadError ReadTimeoutError ResponseStreamingError".split(),
]


class DatasetSeed(Construct):
    """Loads the dataset of ``settings`` into the table whenever the dataset changes.

    It only adds: what is in the table stays as it is, also what was removed from the dataset. A
    changed object under the same ``s3://`` address is not noticed.
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings, messages_table: MessagesTable) -> None:
        super().__init__(scope, id)
        bucket, key, object_arn = self._dataset(settings)
        called = self._called(settings, messages_table, object_arn)
        loading = Construct(self, "Loading")
        self._add_machine(loading, called, object_arn)
        properties = {
            "TableName": messages_table.table.table_name,
            "Bucket": bucket,
            "Key": key,
            "StateMachineArn": self.machine.state_machine_arn,
        }
        self.resource = self._load(properties)
        # Permissions are created before the load and deleted after it.
        self.resource.node.add_dependency(loading, *called)

    def _called(self, settings: Settings, messages_table: MessagesTable, object_arn: str) -> list[ProjectFunction]:
        """The functions that the state machine calls; the last one writes, one before it checks."""
        worker = ProjectFunction(
            self,
            "Worker",
            description="Writes a batch of the dataset's messages",
            handler="write_dataset.load",
            minutes=CALL_MINUTES,
            memory_mib=512,
        )
        messages_table.grant_loading(worker.function)
        called = [worker]
        if not settings.dataset_file:  # a local file was checked before the synth
            checker = ProjectFunction(
                self,
                "Checking",
                description="Checks the dataset before any message of it is written",
                handler="check_dataset.check",
                minutes=CALL_MINUTES,
                memory_mib=CHECKER_MIB,
                storage_mib=CHECKER_DISK_MIB,
            )
            permit(checker.role, Allow(object_arn, "s3:GetObject"))
            called = [checker, worker]
        for each in called:
            acknowledge_called(each.function, "Step Functions")
        return called

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

    def _dataset(self, settings: Settings) -> tuple[str, str, str]:
        """Bucket, key and ARN of the dataset in S3."""
        if not settings.dataset_file:
            bucket, key = settings.seed_dataset.removeprefix("s3://").split("/", 1)
            return bucket, key, s3.Bucket.from_bucket_name(self, "Bucket", bucket).arn_for_objects(key)
        # Its key is the hash of its content, so other content is another dataset.
        with plain_file(settings.dataset_file) as file:
            asset = s3_assets.Asset(self, "File", path=str(file))
        return asset.s3_bucket_name, asset.s3_object_key, asset.bucket.arn_for_objects(asset.s3_object_key)

    def _add_machine(self, scope: Construct, called: list[ProjectFunction], object_arn: str) -> None:
        """Passes every line of the dataset, in batches, to the last function of ``called``, after a first one.

        The input of an execution, which the first function gets, is ``{"Bucket": ..., "Key": ..., "Table": ...}``;
        its output is the list of the last function's results. One failed batch, or check, fails it.
        """
        role = iam.Role(scope, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        *checker, worker = called
        # A batch may come twice: writing it again changes nothing.
        steps: sfn.IChainable = _batches(scope).item_processor(_call(scope, "Write", worker))
        if checker:
            steps = _call(scope, "Check", *checker, result_path=sfn.JsonPath.DISCARD).next(steps)
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
            *(Allow(each.function.function_arn, "lambda:InvokeFunction") for each in called),
            Allow(object_arn, "s3:GetObject"),
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


def _batches(scope: Construct) -> sfn.DistributedMap:
    return sfn.DistributedMap(
        scope,
        "Load",
        label="Batches",
        item_reader=sfn.S3JsonLItemReader(
            bucket_name_path=sfn.JsonPath.string_at("$.Bucket"), key=sfn.JsonPath.string_at("$.Key")
        ),
        # With its index, so that an error can name the line.
        item_selector={
            "Index": sfn.JsonPath.number_at("$$.Map.Item.Index"),
            "Message": sfn.JsonPath.object_at("$$.Map.Item.Value"),
        },
        item_batcher=sfn.ItemBatcher(
            max_items_per_batch=ITEMS_PER_BATCH,
            max_input_bytes_per_batch=BYTES_PER_BATCH,
            # The library leaves out the ".$" that marks a path.
            batch_input={"Table.$": "$.Table"},
        ),
        max_concurrency=MAX_CONCURRENCY,
        tolerated_failure_percentage=0,
        # On a throttled table a batch may take longer than the five minutes of an express execution.
        map_execution_type=sfn.StateMachineType.STANDARD,
    )


def _call(scope: Construct, id: str, called: ProjectFunction, *, result_path: str | None = None) -> tasks.LambdaInvoke:
    """A task that calls a function, with retries for errors that may pass."""
    task = tasks.LambdaInvoke(
        scope,
        id,
        lambda_function=called.function,
        payload_response_only=True,
        result_path=result_path,
        retry_on_service_exceptions=False,  # which have no jitter, and ignore throttling
        task_timeout=sfn.Timeout.duration(Duration.minutes(CALL_MINUTES)),
    )
    task.add_retry(
        errors=_RETRIED,
        interval=Duration.seconds(2),
        max_attempts=6,
        backoff_rate=2,
        max_delay=Duration.minutes(1),
        jitter_strategy=sfn.JitterType.FULL,
    )
    return task
