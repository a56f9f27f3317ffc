"""Tables with a stream, functions that read it, and the batches that these received."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from embedded_aws.tests.support.steps import KEYED, create_backup_role, create_function, eventually, package

READING = ["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"]
LISTING = ["dynamodb:ListStreams"]
SENDING = ["sqs:SendMessage", "sns:Publish", "s3:PutObject", "s3:ListBucket"]

# Writes every batch to a file, a line each; an item's name says whether the function fails, reports or is slow.
CODE = """
import json, os, time
WORKER = os.getpid()

def handler(event, context):
    changes = [record["dynamodb"] for record in event["Records"]]
    names = [value["S"] for change in changes for value in change["Keys"].values()]
    with open(os.environ["NOTES"], "a") as notes:
        notes.write(json.dumps({"worker": WORKER, "names": names, "event": event}) + "\\n")
    answer = None
    for name, change in zip(names, changes):
        if name.startswith("slow"):
            time.sleep(10)
        if name.startswith("raise"):
            raise ValueError(name)
        if name.startswith("report") and answer is None:
            answer = {"batchItemFailures": [{"itemIdentifier": change["SequenceNumber"]}]}
    return answer
"""


class Streams:
    """A table with a stream and functions under one name; ``clean`` deletes them."""

    def __init__(
        self, client: Callable[..., Any], name: str, notes: Path, key: str = "pk", view: str = "NEW_AND_OLD_IMAGES"
    ) -> None:
        self.client, self.name, self.table = client, name, f"{name}-table"
        self._key, self._view = key, view
        self._notes, self._functions, self._mappings = notes, list[str](), list[str]()
        notes.touch()
        keyed = {
            "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
        }
        client("dynamodb").create_table(TableName=self.table, **KEYED | keyed)
        self.stream = self.switch_on()

    def switch_on(self) -> str:
        """Switch the table's stream on; its ARN."""
        specification = {"StreamEnabled": True, "StreamViewType": self._view}
        shown = self.client("dynamodb").update_table(TableName=self.table, StreamSpecification=specification)
        return str(shown["TableDescription"]["LatestStreamArn"])

    def put(self, *names: str) -> None:
        """Write one item after the other."""
        for name in names:
            self.write({self._key: {"S": name}})

    def write(self, item: dict[str, Any]) -> None:
        """Write one item."""
        self.client("dynamodb").put_item(TableName=self.table, Item=item)

    def function(self, *actions: str, suffix: str = "reader", code: str = CODE) -> str:
        """The name of a new function, and of its role, which may do these actions."""
        name = f"{self.name}-{suffix}"
        role = create_backup_role(self.client, name, "lambda.amazonaws.com", *actions)
        variables = {"Variables": {"NOTES": str(self._notes)}}
        files = package(("code.py", code, 0o644))
        create_function(self.client, name, role, files, Environment=variables, Timeout=30)
        self._functions.append(name)
        return name

    def reader(self, suffix: str = "reader", failures: str = "", code: str = CODE, **settings: Any) -> str:
        """The id of a mapping with these settings, whose function has all permissions; ``failures``: a destination."""
        if failures:
            settings["DestinationConfig"] = {"OnFailure": {"Destination": failures}}
        return self.map(self.function(*READING, *LISTING, *SENDING, suffix=suffix, code=code), **settings)

    def map(self, function: str, **settings: Any) -> str:
        """The id of a new mapping of the stream."""
        defaults = {"EventSourceArn": self.stream, "StartingPosition": "TRIM_HORIZON"}
        made = self.client("lambda").create_event_source_mapping(FunctionName=function, **(defaults | settings))
        self._mappings.append(made["UUID"])
        return str(made["UUID"])

    def queue(self) -> tuple[str, str]:
        """The URL and the ARN of a new queue."""
        url = str(self.client("sqs").create_queue(QueueName=self.name)["QueueUrl"])
        return url, f"arn:aws:sqs:us-east-1:000000000000:{self.name}"

    def received(self, queue: str) -> Any:
        """The body of the next message of the queue, once there is one; it is deleted."""
        sqs = self.client("sqs")
        (message,) = eventually(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return json.loads(message["Body"])

    def invocations(self) -> list[dict[str, Any]]:
        """The notes of the functions, the oldest first."""
        return [json.loads(line) for line in self._notes.read_text().splitlines()]

    def batches(self) -> list[list[str]]:
        """The items of every batch that was sent, the oldest first."""
        return [invocation["names"] for invocation in self.invocations()]

    def sent(self, last: str) -> list[list[str]]:
        """All batches, once the latest one ends with the item ``last``."""

        def found() -> list[list[str]]:
            batches = self.batches()
            return batches if batches and batches[-1][-1] == last else []

        return list(eventually(found))

    def clean(self) -> None:
        """Delete the mappings and functions that the test has not deleted."""
        api = self.client("lambda")
        for call, names in (
            (lambda name: api.delete_event_source_mapping(UUID=name), self._mappings),
            (lambda name: api.delete_function(FunctionName=name), self._functions),
        ):
            for name in names:
                with contextlib.suppress(api.exceptions.ResourceNotFoundException):
                    call(name)
