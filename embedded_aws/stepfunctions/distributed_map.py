"""A Distributed Map with an ItemReader: what its children get, what its role must allow, what its Map Run counts.

Sources: Guide, "Using Map state in Distributed mode" (a bad dataset is States.ItemReaderFailed, a
Map Run over its threshold of failures ends immediately, and so does one whose execution is stopped),
and botocore's model of DescribeMapRun. Maps without an ItemReader are the engine's own. "ItemBatcher
(Map)": the input of a child execution is an object with ``Items`` and, where the state has one,
``BatchInput``; a batch ends at either limit, and a lone item above the byte limit fails the state;
without an ItemBatcher each item is the input of a child.
"ItemReader (Map)": input files may be compressed with GZIP, for example ``myObject.jsonl.gz``. The
Guide names no other sign than the end of the key, so here it is the only one. A reader of
listObjectsV2 gives what S3 lists below a prefix, for which the role needs s3:ListBucket ("IAM
policies for using Distributed Map states"), or with LOAD_AND_FLATTEN the items of these objects.
"""

import contextvars
import copy
import gzip
import json
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import ministack.services.stepfunctions as engine
from ministack.services import s3

from embedded_aws.encryption import key_of_object
from embedded_aws.replies import Json
from embedded_aws.stepfunctions.execution_roles import require

_ENDED = "succeeded failed timedOut aborted"
_COUNTS = f"pending running {_ENDED} total resultsWritten failuresNotRedrivable pendingRedrive".split()
_FAILED = "States.ItemReaderFailed"
MAX_BYTES = 262_144


def run_map(original: Callable[..., Any], state: Json, raw: Any, effective: Any, *rest: Json) -> Any:
    """Run a Distributed Map; those without an ItemReader are the engine's own."""
    if "ItemReader" not in state:
        return original(state, raw, effective, *rest)
    processor, execution, ctx = rest
    require(execution, "states:StartExecution", execution["stateMachineArn"], "States.Runtime")
    inputs = _inputs(state, effective, execution, ctx)
    results = _MapRun(state, processor, execution, inputs).run(ctx)
    output = engine._apply_result_selector(state, results)
    output = engine._apply_result_path(state, raw, output)
    return engine._apply_output_path(state, output, ctx), engine._next_or_end(state)


def _inputs(state: Json, effective: Any, execution: Json, ctx: Json) -> list[Any]:
    """The inputs of the children: batches, or items, each item as the ItemSelector has it."""
    reader, batcher = state["ItemReader"], state.get("ItemBatcher")
    _require_reading(reader, effective, execution, ctx)
    try:
        items = _selected(state, engine._read_map_items(reader, effective, ctx), effective, ctx)
        if batcher is None:
            return items
        given = engine._resolve_params_obj(batcher.get("BatchInput"), effective, ctx)
        return list(batched(items, batcher, given))
    except ValueError as error:
        raise engine._ExecutionError(_FAILED, str(error)) from error


def _require_reading(reader: Json, effective: Any, execution: Json, ctx: Json) -> None:
    """Raise the state's error unless the role may list, read and decrypt the objects.

    Source of the last: S3 guide, "Using server-side encryption with AWS KMS keys": a reader needs kms:Decrypt.
    """
    source = engine._resolve_params_obj(reader.get("Parameters") or {}, effective, ctx)
    bucket, keys = str(source.get("Bucket")), [str(source.get("Key"))]
    if reader["Resource"].endswith("s3:listObjectsV2"):
        prefix = str(source.get("Prefix", ""))
        require(execution, "s3:ListBucket", f"arn:aws:s3:::{bucket}", _FAILED, **{"s3:prefix": prefix})
        loaded = (reader.get("ReaderConfig") or {}).get("Transformation") == "LOAD_AND_FLATTEN"
        listed = (s3._buckets.get(bucket) or {"objects": {}})["objects"] if loaded else {}
        keys = [key for key in listed if key.startswith(prefix)]
    objects = [f"arn:aws:s3:::{bucket}/{key}" for key in keys]
    for one in objects:
        require(execution, "s3:GetObject", one, _FAILED)
    for encrypted in filter(None, map(key_of_object, objects)):
        require(execution, "kms:Decrypt", encrypted, _FAILED)


def _selected(state: Json, items: list[Any], effective: Any, ctx: Json) -> list[Any]:
    selector = state.get("ItemSelector")
    if not selector:
        return items
    return [
        engine._resolve_params_obj(selector, effective, {**ctx, "Map": {"Item": {"Index": index, "Value": item}}})
        for index, item in enumerate(items)
    ]


class _MapRun:
    """One Map Run and its child executions."""

    def __init__(self, state: Json, processor: Json, execution: Json, inputs: list[Any]) -> None:
        self._state, self._processor, self._parent = state, processor, execution
        self._inputs = inputs
        self._lock = threading.Lock()
        self._machine = f"{execution['stateMachineArn']}/{state.get('Label') or 'Map'}"
        self._record = self._new_record(sum(map(self._items, inputs)))
        engine._map_runs[self._record["mapRunArn"]] = self._record

    def run(self, ctx: Json) -> list[Any]:
        """The children's outputs in the order of the batches. Raises the Map Run's error."""
        most = int(self._state.get("MaxConcurrency") or 0) or 64
        with ThreadPoolExecutor(most) as pool:
            futures = [pool.submit(contextvars.copy_context().run, self._child, batch, ctx) for batch in self._inputs]
        results = [future.result() for future in futures]
        stopped = self._parent["status"] != "RUNNING"
        self._record["status"] = "ABORTED" if stopped else "FAILED" if self._exceeded else "SUCCEEDED"
        self._record["stopDate"] = engine.now_iso()
        if self._exceeded:
            text = "The specified tolerated failure threshold was exceeded"
            raise engine._ExecutionError("States.ExceedToleratedFailureThreshold", text)
        return results

    @property
    def _exceeded(self) -> bool:
        counts = self._record["itemCounts"]
        number = float(self._state.get("ToleratedFailureCount") or 0)
        share = float(self._state.get("ToleratedFailurePercentage") or 0)
        return bool(counts["failed"] > max(number, share * counts["total"] / 100))

    def _items(self, given: Any) -> int:
        """How many items the input of a child has."""
        return len(given["Items"]) if "ItemBatcher" in self._state else 1

    def _child(self, batch: Any, ctx: Json) -> Any:
        if self._parent["status"] != "RUNNING" or self._exceeded:
            self._count(batch, "pending", "aborted")
            return None
        child = self._new_child(batch)
        self._count(batch, "pending", "running")
        try:
            output = engine._run_sub_machine(
                self._processor["States"], self._processor["StartAt"], batch, child, copy.deepcopy(ctx)
            )
        except engine._ExecutionError as error:
            child.update(status="FAILED", error=error.error, cause=error.cause)
            output = None
        else:
            child.update(status="SUCCEEDED", output=json.dumps(output))
        child["stopDate"] = engine.now_iso()
        self._count(batch, "running", child["status"].lower())
        return output

    def _count(self, batch: Any, before: str, after: str) -> None:
        with self._lock:
            for counts, many in (("itemCounts", self._items(batch)), ("executionCounts", 1)):
                self._record[counts][before] -= many
                self._record[counts][after] += many

    def _new_record(self, items: int) -> Json:
        zero = dict.fromkeys(_COUNTS, 0)
        children = len(self._inputs)
        name = self._machine.replace(":stateMachine:", ":mapRun:")
        return {
            "mapRunArn": f"{name}:{engine.new_uuid()}",
            "executionArn": self._parent["executionArn"],
            "status": "RUNNING",
            "startDate": engine.now_iso(),
            "maxConcurrency": int(self._state.get("MaxConcurrency") or 0),
            "toleratedFailurePercentage": self._state.get("ToleratedFailurePercentage") or 0,
            "toleratedFailureCount": self._state.get("ToleratedFailureCount") or 0,
            "itemCounts": zero | {"total": items, "pending": items},
            "executionCounts": zero | {"total": children, "pending": children},
            "redriveCount": 0,
            "_stateMachineArn": self._machine,
        }

    def _new_child(self, batch: Any) -> Json:
        name = engine.new_uuid()
        child = {
            "executionArn": f"{self._machine.replace(':stateMachine:', ':execution:')}:{name}",
            "stateMachineArn": self._machine,
            "name": name,
            "status": "RUNNING",
            "startDate": engine.now_iso(),
            "stopDate": None,
            "input": json.dumps(batch),
            "output": None,
            "mapRunArn": self._record["mapRunArn"],
            "events": [],
            "testCase": "",
            "mockAttempts": {},
        }
        engine._executions[child["executionArn"]] = child
        return child


def batched(items: Sequence[Any], batcher: Json, batch_input: Json | None) -> Iterator[Json]:
    """The children's inputs. Raises ValueError for an item that fits no batch."""
    most = int(batcher.get("MaxItemsPerBatch") or len(items) or 1)
    room = min(int(batcher.get("MaxInputBytesPerBatch") or MAX_BYTES), MAX_BYTES)
    envelope: Json = {} if batch_input is None else {"BatchInput": batch_input}
    empty = _size(envelope | {"Items": []})
    batch: list[Any] = []
    size = empty
    for item in items:
        more = _size(item) + 1
        if empty + more > room:
            raise ValueError(f"an item of {more} bytes does not fit a batch of {room}")
        if batch and (len(batch) == most or size + more > room):
            yield envelope | {"Items": batch}
            batch, size = [], empty
        batch.append(item)
        size += more
    if batch:
        yield envelope | {"Items": batch}


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def object_text(original: Callable[[str, str], str], bucket: str, key: str) -> str:
    """The text of an object; the engine reads only plain text."""
    status, _, body = s3._get_object(bucket, key, {}, {}) if key.endswith(".gz") else (0, None, b"")
    if status != 200:
        return original(bucket, key)  # which says what is wrong
    try:
        return gzip.decompress(body).decode()
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{key} cannot be unpacked: {error}") from error
