"""The custom resource that loads a dataset of any number of messages, and the state machine that does it in batches."""

from collections.abc import Sequence

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from seed.dataset_file import plain_file
from stacks.annotations import (
    acknowledge_called,
    acknowledge_own_policy,
    acknowledge_state_machine,
    acknowledge_wildcard,
)
from stacks.function import ProjectFunction, WaitingProvider, function_logs
from stacks.messages_table import MessagesTable
from stacks.permissions import allow, arn
from stacks.physical_names import state_machine_name
from stacks.settings import Settings

POLL_INTERVAL = Duration.seconds(5)
COUNTS = ("DatasetTotal", "DatasetWritten", "DatasetUnchanged", "DatasetPreserved")
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
CALL_TIMEOUT = Duration.minutes(15)
_RETRIED = (
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
    "Sandbox.Timedout",
    "States.Timeout",
    "TimeoutError",
    # botocore's names for a connection that breaks in the middle of an object.
    "IncompleteReadError",
    "ReadTimeoutError",
    "ResponseStreamingError",
)


class DatasetSeed(Construct):
    """Loads the dataset of ``settings`` into the table whenever the dataset changes.

    It only adds: what is in the table stays as it is, also what was removed from the dataset. A
    changed object under the same ``s3://`` address is not noticed.
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings, messages_table: MessagesTable) -> None:
        super().__init__(scope, id)
        self._logs = function_logs(self, "Logs")
        bucket, key, object_arn = self._dataset(settings)
        worker = self._task("Worker", "Writes a batch of the dataset's messages", "write_dataset.load", memory_mib=512)
        messages_table.grant_loading(worker.function)
        checker = None  # a local file was checked before the synth
        if not settings.dataset_file:
            checker = self._task(
                "Checking",
                "Checks the dataset before any message of it is written",
                "check_dataset.check",
                memory_mib=CHECKER_MIB,
                storage_mib=CHECKER_DISK_MIB,
            )
            checker.function.add_to_role_policy(allow(object_arn, "s3:GetObject"))
        loading = _DatasetMachine(self, "Loading", worker=worker, checker=checker, object_arn=object_arn)
        self.machine = loading.machine
        properties = {"TableName": messages_table.table.table_name, "Bucket": bucket, "Key": key}
        self.resource = self._add_provider(loading).resource(
            "MessageDataset", {**properties, "StateMachineArn": self.machine.state_machine_arn}
        )
        # Permissions are created before the load and deleted after it.
        self.resource.node.add_dependency(worker, loading, *([checker] if checker else []))
        self.counts = {name: self.resource.get_att_string(name) for name in COUNTS}

    def _dataset(self, settings: Settings) -> tuple[str, str, str]:
        """Bucket, key and ARN of the dataset in S3."""
        if not settings.dataset_file:
            bucket, key = settings.seed_dataset.removeprefix("s3://").split("/", 1)
            return bucket, key, s3.Bucket.from_bucket_name(self, "Bucket", bucket).arn_for_objects(key)
        # Its key is the hash of its content, so other content is another dataset.
        with plain_file(settings.dataset_file) as file:
            asset = s3_assets.Asset(self, "File", path=str(file))
        return asset.s3_bucket_name, asset.s3_object_key, asset.bucket.arn_for_objects(asset.s3_object_key)

    def _task(
        self, id: str, description: str, handler: str, *, memory_mib: int, storage_mib: int | None = None
    ) -> ProjectFunction:
        """A function that the state machine calls."""
        function = ProjectFunction(
            self,
            id,
            description=description,
            handler=f"functions.{handler}",
            log_group=self._logs,
            timeout=CALL_TIMEOUT,
            memory_mib=memory_mib,
            storage_mib=storage_mib,
        )
        acknowledge_called(function.function, "Step Functions")
        return function

    def _add_provider(self, loading: "_DatasetMachine") -> WaitingProvider:
        starting, watching = (
            ProjectFunction(
                self,
                id,
                description=f"{purpose} of the dataset when the stack is deployed",
                handler=f"functions.load_dataset.{handler}",
                log_group=self._logs,
                timeout=Duration.minutes(2),
            )
            for id, handler, purpose in (
                ("Starting", "on_event", "Starts and stops the load"),
                ("Watching", "is_complete", "Waits for the load"),
            )
        )
        loading.grant_start(starting.role)
        loading.grant_watch(watching.role)
        return WaitingProvider(
            self,
            "Provider",
            on_event=starting.function,
            is_complete=watching.function,
            log_group=self._logs,
            interval=POLL_INTERVAL,
        )


class _DatasetMachine(Construct):
    """Passes every line of a JSONL object in S3, in batches, to ``worker``; before that, the input to ``checker``.

    The input of an execution is ``{"Bucket": ..., "Key": ..., "Table": ...}``, its output the list
    of the function's results. One failed batch, or check, fails it.
    """

    def __init__(
        self, scope: Construct, id: str, *, worker: ProjectFunction, checker: ProjectFunction | None, object_arn: str
    ) -> None:
        super().__init__(scope, id)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            state_machine_name=state_machine_name(self, "Loading"),
            comment="Loads a dataset into the Messages table",
            # The library would grant every object of the bucket and every version of the function.
            role=role.without_policy_updates(),
            definition_body=sfn.DefinitionBody.from_chainable(self._definition(worker, checker)),
            timeout=LOAD_TIMEOUT,
        )
        # The library adds grants for the role in this policy too.
        self.machine.node.try_remove_child("DistributedMapPolicy")
        acknowledge_state_machine(self.machine)
        self._grant_load(role, [worker, checker] if checker else [worker], object_arn)

    def grant_start(self, role: iam.Role) -> None:
        """Let ``role`` start executions, list them and stop them."""
        role.add_to_policy(allow(self.machine.state_machine_arn, "states:StartExecution", "states:ListExecutions"))
        role.add_to_policy(allow(self._all(role, "execution", ":*"), "states:StopExecution"))

    def grant_watch(self, role: iam.Role) -> None:
        """Let ``role`` read the outcome of executions and of their batches."""
        for kind, rest, *actions in (
            ("execution", ":*", "states:DescribeExecution", "states:ListMapRuns"),
            ("execution", "/*", "states:DescribeExecution"),
            ("mapRun", "/*", "states:DescribeMapRun", "states:ListExecutions"),
        ):
            role.add_to_policy(allow(self._all(role, kind, rest), *actions))

    def _definition(self, worker: ProjectFunction, checker: ProjectFunction | None) -> sfn.IChainable:
        batches = sfn.DistributedMap(
            self,
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
        # A batch may come twice: writing it again changes nothing.
        load = batches.item_processor(self._call("Write", worker, result_path=None))
        if not checker:
            return load
        return self._call("Check", checker, result_path=sfn.JsonPath.DISCARD).next(load)

    def _call(self, id: str, called: ProjectFunction, *, result_path: str | None) -> tasks.LambdaInvoke:
        """A task that calls a function, with retries for errors that may pass."""
        task = tasks.LambdaInvoke(
            self,
            id,
            lambda_function=called.function,
            payload_response_only=True,
            result_path=result_path,
            retry_on_service_exceptions=False,  # which have no jitter, and ignore throttling
            task_timeout=sfn.Timeout.duration(CALL_TIMEOUT),
        )
        task.add_retry(
            errors=list(_RETRIED),
            interval=Duration.seconds(2),
            max_attempts=6,
            backoff_rate=2,
            max_delay=Duration.minutes(1),
            jitter_strategy=sfn.JitterType.FULL,
        )
        return task

    def _grant_load(self, role: iam.Role, called: Sequence[ProjectFunction], object_arn: str) -> None:
        """Grant what AWS's guide lists for Distributed Map states.

        https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
        """
        # Not inline in the role: the state machine depends on the role, and this on the state machine.
        policy = iam.Policy(self, "Policy", roles=[role])
        acknowledge_own_policy(policy)
        policy.add_statements(
            *(allow(each.function.function_arn, "lambda:InvokeFunction") for each in called),
            allow(object_arn, "s3:GetObject"),
            allow(self.machine.state_machine_arn, "states:StartExecution"),
            allow(self._all(policy, "execution", ":*"), "states:DescribeExecution", "states:StopExecution"),
        )

    def _all(self, grantee: Construct, kind: str, rest: str) -> str:
        """The ARN of every execution or Map Run of this state machine, for ``grantee``'s policy."""
        every = arn(self, "states", kind, f"{self.machine.state_machine_name}{rest}")
        acknowledge_wildcard(
            grantee, every, "Of this one state machine; Step Functions generates the rest of the name."
        )
        return every
