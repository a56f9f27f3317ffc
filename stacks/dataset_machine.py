"""The state machine that has a dataset written, batch by batch."""

from collections.abc import Sequence

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from stacks.findings import acknowledge_wildcard
from stacks.preview_names import state_machine_name
from stacks.shared_findings import acknowledge_own_policy, acknowledge_state_machine

# A batch is the input of a task, of at most 256 KiB; many short messages fit.
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
ITEMS_PER_BATCH = 1000
BYTES_PER_BATCH = 262_144
# A new on-demand table takes 4,000 write units a second, which one worker with
# its threads can use up; more hide latency and leave room in a new account's
# quota of 10 concurrent functions.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
MAX_CONCURRENCY = 5
# CloudFormation waits an hour for a custom resource.
LOAD_TIMEOUT = Duration.minutes(55)
# Longer than the writer tries by itself, and the longest that a function can run.
CALL_TIMEOUT = Duration.minutes(15)
# botocore's names for a connection that breaks in the middle of an object.
S3_INTERRUPTIONS = ("IncompleteReadError", "ReadTimeoutError", "ResponseStreamingError")


class DatasetMachine(Construct):
    """Every line of a JSONL object in S3, in batches, to a function.

    The input of an execution is ``{"Bucket": ..., "Key": ..., "Table": ...}``,
    its output the list of the function's answers. One failed batch fails it, and
    so does the ``checker``, which gets the input before anything is written.
    ``object_arn`` is what the machine may read.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        worker: lambda_.IFunction,
        checker: lambda_.IFunction | None,
        object_arn: str,
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
        # Grants for the role, too, though it takes none.
        self.machine.node.try_remove_child("DistributedMapPolicy")
        acknowledge_state_machine(self.machine)
        self._grant_load(role, [worker, *([checker] if checker else [])], object_arn)

    def grant_start(self, role: iam.Role) -> None:
        """Let ``role`` start executions, list them and stop them."""
        machine = self.machine.state_machine_arn
        role.add_to_policy(_allow(machine, "states:StartExecution", "states:ListExecutions"))
        role.add_to_policy(_allow(self._all(role, "execution", ":*"), "states:StopExecution"))

    def grant_watch(self, role: iam.Role) -> None:
        """Let ``role`` read what became of executions and of their batches."""
        for kind, rest, *actions in (
            ("execution", ":*", "states:DescribeExecution", "states:ListMapRuns"),
            ("execution", "/*", "states:DescribeExecution"),
            ("mapRun", "/*", "states:DescribeMapRun", "states:ListExecutions"),
        ):
            role.add_to_policy(_allow(self._all(role, kind, rest), *actions))

    def _definition(self, worker: lambda_.IFunction, checker: lambda_.IFunction | None) -> sfn.IChainable:
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
            # On a throttled table a batch may take longer than the five minutes of an
            # express execution; a thousand messages share the price of a standard one.
            map_execution_type=sfn.StateMachineType.STANDARD,
        )
        # A batch that comes twice does no harm.
        load = batches.item_processor(self._call("Write", worker, result_path=None))
        if not checker:
            return load
        return self._call("Check", checker, result_path=sfn.JsonPath.DISCARD).next(load)

    def _call(self, id: str, function: lambda_.IFunction, *, result_path: str | None) -> tasks.LambdaInvoke:
        """A task that calls ``function``, again where its error may pass."""
        task = tasks.LambdaInvoke(
            self,
            id,
            lambda_function=function,
            payload_response_only=True,
            result_path=result_path,
            retry_on_service_exceptions=False,  # which has no jitter, and no throttling
            task_timeout=sfn.Timeout.duration(CALL_TIMEOUT),
        )
        task.add_retry(
            errors=[
                "Lambda.ClientExecutionTimeoutException",
                "Lambda.ServiceException",
                "Lambda.AWSLambdaException",
                "Lambda.SdkClientException",
                "Lambda.TooManyRequestsException",
                "Sandbox.Timedout",
                "States.Timeout",
                "TimeoutError",
                *S3_INTERRUPTIONS,
            ],
            interval=Duration.seconds(2),
            max_attempts=6,
            backoff_rate=2,
            max_delay=Duration.minutes(1),
            jitter_strategy=sfn.JitterType.FULL,
        )
        return task

    def _grant_load(self, role: iam.Role, functions: Sequence[lambda_.IFunction], object_arn: str) -> None:
        """What the guide's "IAM policies for using Distributed Map states" lists.

        https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
        """
        # Apart from the role: the state machine waits for that, and this for the state machine.
        policy = iam.Policy(self, "Policy", roles=[role])
        acknowledge_own_policy(policy)
        policy.add_statements(
            *(_allow(function.function_arn, "lambda:InvokeFunction") for function in functions),
            _allow(object_arn, "s3:GetObject"),
            _allow(self.machine.state_machine_arn, "states:StartExecution"),
            _allow(self._all(policy, "execution", ":*"), "states:DescribeExecution", "states:StopExecution"),
        )

    def _all(self, grantee: Construct, kind: str, rest: str) -> str:
        """The ARN of every execution or Map Run of this state machine, for ``grantee``'s policy."""
        arn = Stack.of(self).format_arn(
            service="states",
            resource=kind,
            resource_name=f"{self.machine.state_machine_name}{rest}",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        acknowledge_wildcard(grantee, arn, "Of this one state machine; Step Functions makes up the rest of the name.")
        return arn


def _allow(resource: str, *actions: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=[resource])
