"""What the OnFailure destination gets of a batch that is given up.

Source: guide, services-dynamodb-errors, "Configuring destinations for failed invocations"; its
form to the field is the snapshot test_dynamodb_event_source_mapping_with_on_failure_destination.
A record that cannot be delivered is lost (there: DestinationDeliveryErrors).
"""

import datetime
import json
import logging
import time

import ministack.core.iam_evaluator as evaluator
import ministack.services.lambda_svc as engine
import ministack.services.sns as sns
import ministack.services.sqs as sqs

from embedded_aws.replies import Json
from embedded_aws.streams import permissions
from embedded_aws.streams.batches import Batch, arrival, sequence_number

RETRIES = "RetryAttemptsExhausted"
# The engine says MaxRecordAgeExceeded; AWS, in records it delivered, RecordAgeExceeded.
AGE = "RecordAgeExceeded"
SHARD = "shardId-00000000000000000000-00000000"  # the engine's streams have this one
_LOGGER = logging.getLogger(__name__)


def report(mapping: Json, batch: Batch, condition: str) -> None:
    """Send the mapping's destination, if it has one, where ``batch`` stands in the stream."""
    destination = destination_of(mapping)
    if not destination:
        return
    _, config = engine._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
    role = (config or {}).get("Role", "")
    if not permissions.delivers(role, destination):
        _LOGGER.warning("record of a discarded batch lost: %s may not send to %s", role, destination)
        return
    version = (config or {}).get("Version", "$LATEST")
    body = json.dumps(failure_record(mapping, version, batch, condition))
    if permissions.service(destination) == "sqs":
        _send(destination, body)
    else:
        sns._fanout(destination, engine.new_uuid(), body, "", "", {})


def failure_record(mapping: Json, version: str, batch: Batch, condition: str) -> Json:
    """The document that is sent; the records themselves are not in it."""
    first, last = batch.records[0], batch.records[-1]
    found: Json = {
        "requestContext": {
            "requestId": engine.new_uuid(),
            "functionArn": mapping["FunctionArn"],
            "condition": condition,
            "approximateInvokeCount": batch.invocations,
        }
    }
    if batch.invocations:
        found["responseContext"] = {"statusCode": 200, "executedVersion": version, "functionError": batch.error}
    return found | {
        "version": "1.0",
        "timestamp": _time(time.time(), "milliseconds"),
        "DDBStreamBatchInfo": {
            "shardId": SHARD,
            "startSequenceNumber": sequence_number(first),
            "endSequenceNumber": sequence_number(last),
            "approximateArrivalOfFirstRecord": _time(arrival(first), "seconds"),
            "approximateArrivalOfLastRecord": _time(arrival(last), "seconds"),
            "batchSize": len(batch.records),
            "streamArn": mapping["EventSourceArn"],
        },
    }


def destination_of(mapping: Json) -> str:
    """The ARN of the mapping's OnFailure destination, or an empty string."""
    on_failure = (mapping.get("DestinationConfig") or {}).get("OnFailure") or {}
    return str(on_failure.get("Destination") or "")


def _send(queue: str, body: str) -> None:
    # Lambda calls through TLS, and a queue's policy may demand it.
    evaluator.pin_request_origin("127.0.0.1", secure_transport=True)
    try:
        sqs._act_send_message({"MessageBody": body}, queue.rsplit(":", 1)[-1])
    except sqs._Err as error:
        _LOGGER.warning("record of a discarded batch lost: %s: %s", queue, error)


def _time(moment: float, precision: str) -> str:
    when = datetime.datetime.fromtimestamp(moment, datetime.UTC).replace(tzinfo=None)
    return f"{when.isoformat(timespec=precision)}Z"
