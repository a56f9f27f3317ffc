"""What the state machine of a dataset does: the states that check and load one object, or all objects of an export."""

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from model.dataset import CHECKS
from stacks.function import ProjectFunction

# A batch is the input of a task, of at most 256 KiB; many short messages fit.
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
ITEMS_PER_BATCH = 1000
BYTES_PER_BATCH = 262_144
# One worker can use up the 4,000 write units a second of a new on-demand table; more hide latency
# and leave room in a new account's quota of 10 concurrent functions.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
MAX_CONCURRENCY = 5
# Longer than the writer retries by itself, and the longest that a function can run.
CALL_MINUTES = 15
_RETRIED = [
    *"Lambda.ClientExecutionTimeoutException Lambda.ServiceException Lambda.AWSLambdaException".split(),
    *"Lambda.SdkClientException Lambda.TooManyRequestsException Sandbox.Timedout States.Timeout TimeoutError".split(),
    # botocore's names for a connection that breaks in the middle of an object.
    *"IncompleteReadError ReadTimeoutError ResponseStreamingError".split(),
]
_BUCKET = sfn.JsonPath.string_at("$.Bucket")


def object_states(scope: Construct, *, checker: ProjectFunction | None, worker: ProjectFunction) -> sfn.IChainable:
    """Passes every line of the object ``Key`` in ``Bucket`` to the worker, in batches, after one call of the checker.

    The output is the list of the worker's results. One failed batch, or check, fails it.
    """
    # A batch may come twice: writing it again changes nothing.
    lines = _map(
        scope,
        "Load",
        label="Batches",
        item_reader=sfn.S3JsonLItemReader(bucket_name_path=_BUCKET, key=sfn.JsonPath.string_at("$.Key")),
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
    )
    steps: sfn.IChainable = lines.item_processor(_call(scope, "Write", worker))
    if checker:
        steps = _call(scope, "Check", checker, result_path=sfn.JsonPath.DISCARD).next(steps)
    return steps


def export_states(scope: Construct, *, checker: ProjectFunction, worker: ProjectFunction) -> sfn.IChainable:
    """Passes every object below the prefix ``Key`` in ``Bucket`` to the checker, and then to the worker.

    Functions read the objects, and not Step Functions (LOAD_AND_FLATTEN): it passes on at most 256 KiB of an item of up
    to 400 KB, and what it does with the names and the empty files of exports is not known. The output is the list of
    the counts of all objects. One that fails fails it.
    """
    write = _call(scope, "Write", worker)
    # A call ends before its time is up, and the next one continues.
    loaded = sfn.Choice(scope, "Loaded").when(
        sfn.Condition.boolean_equals("$.Done", True), sfn.Pass(scope, "Counts", output_path="$.Counts")
    )
    check = _objects(scope, "Check", label=CHECKS, result_path=sfn.JsonPath.DISCARD)
    load = _objects(scope, "Load", label="Objects")
    check.item_processor(_call(scope, "Read", checker))
    load.item_processor(write.next(loaded.otherwise(write)))
    return check.next(load)


def _objects(scope: Construct, id: str, *, label: str, result_path: str | None = None) -> sfn.DistributedMap:
    reader = sfn.S3ObjectsItemReader(bucket_name_path=_BUCKET, prefix=sfn.JsonPath.string_at("$.Key"))
    selected = {
        "Table": sfn.JsonPath.string_at("$.Table"),
        "Bucket": _BUCKET,
        "Prefix": sfn.JsonPath.string_at("$.Key"),
        "Key": sfn.JsonPath.string_at("$$.Map.Item.Value.Key"),
        "After": 0,
        "Counts": [0, 0, 0],
    }
    return _map(scope, id, label=label, item_reader=reader, item_selector=selected, result_path=result_path)


def _map(scope: Construct, id: str, **properties: object) -> sfn.DistributedMap:
    return sfn.DistributedMap(
        scope,
        id,
        max_concurrency=MAX_CONCURRENCY,
        tolerated_failure_percentage=0,
        # On a throttled table a call may take longer than the five minutes of an express execution.
        map_execution_type=sfn.StateMachineType.STANDARD,
        **properties,  # type: ignore[arg-type]
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
