"""What the OnFailure destination of a mapping gets for a discarded batch.

Sources: guide, services-dynamodb-errors, "Configuring destinations for failed invocations" (the record; a queue or a
topic gets it alone, a bucket with the records; the bucket's keys; the permissions); the snapshots
test_dynamodb_event_source_mapping_with_on_failure_destination_config, ..._with_sns_on_failure_destination_config,
..._with_s3_on_failure_destination (its form to the field) and test_kinesis_maximum_record_age_exceeded (records that
became too old have no responseContext, and approximateInvokeCount 1 without any invocation: it counts the one that did
not take place, which is assumed for later ones too). A record that cannot be delivered is lost (guide:
DestinationDeliveryErrors).
"""

import datetime
import json
import logging
import time

import ministack.core.iam_evaluator as evaluator
import ministack.services.lambda_svc as engine
import ministack.services.s3 as s3
import ministack.services.sns as sns
import ministack.services.sqs as sqs

from embedded_aws.iam import roles
from embedded_aws.replies import Json
from embedded_aws.streams.stream_batches import Batch, arrival, sequence_number

RETRIES_EXHAUSTED = "RetryAttemptsExhausted"
# The engine says MaxRecordAgeExceeded; AWS, in records it delivered, RecordAgeExceeded.
AGE_EXCEEDED = "RecordAgeExceeded"
SHARD = "shardId-00000000000000000000-00000000"  # the engine's streams have this one
# The action for each kind of destination, as IAM and Lambda's messages name it.
SENDING = {"sqs": ("sqs:SendMessage", "SQS"), "sns": ("sns:Publish", "SNS"), "s3": ("s3:PutObject", "S3")}
_LOGGER = logging.getLogger(__name__)


def destination_of(mapping: Json) -> str:
    """The ARN of the mapping's OnFailure destination, or an empty string."""
    on_failure = (mapping.get("DestinationConfig") or {}).get("OnFailure") or {}
    return str(on_failure.get("Destination") or "")


def kind_of(destination: str) -> str:
    """The service of a destination's ARN; "" for one that takes no failure records."""
    name = (destination.split(":") + [""] * 3)[2]
    return name if name in SENDING else ""


def needs(destination: str) -> list[tuple[str, str]]:
    """The actions that the function's role needs for the destination, each with its resource."""
    action, _ = SENDING[kind_of(destination)]
    if kind_of(destination) == "s3":
        return [(action, f"{destination}/aws/lambda/*"), ("s3:ListBucket", destination)]
    return [(action, destination)]


def send(mapping: Json, config: Json, batch: Batch, condition: str) -> None:
    """Send the mapping's destination, if it has one, where ``batch`` stands in the stream.

    ``config`` is the function's.
    """
    destination, role = destination_of(mapping), str(config.get("Role", ""))
    if not destination:
        return
    if not _may_deliver(role, destination):
        _LOGGER.warning("record of a discarded batch lost: %s may not send to %s", role, destination)
        return
    now = time.time()
    record = _record(mapping, str(config.get("Version", "$LATEST")), batch, condition, now)
    kind = kind_of(destination)
    if kind == "sqs":
        _send_to_queue(destination, json.dumps(record))
    elif kind == "sns":
        sns._fanout(destination, engine.new_uuid(), json.dumps(record), "", "", {})
    else:
        key = f"aws/lambda/{mapping['UUID']}/{SHARD}/{_moment(now):%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{engine.new_uuid()}"
        _put_into_bucket(destination, key, record | {"payload": {"Records": list(batch.records)}})


def _may_deliver(role: str, destination: str) -> bool:
    """Whether the role may send to the destination, and no policy of the destination denies it."""
    policy, _ = evaluator._resource_policy(kind_of(destination), destination) or ("", "")
    for action, resource in needs(destination):
        context = roles.context_of(role, action, resource)
        denied = evaluator.evaluate_resource_policy(policy, context).decision == "Deny"
        if denied or not roles.allows(role, action, resource):
            return False
    return True


def _record(mapping: Json, version: str, batch: Batch, condition: str, now: float) -> Json:
    first, last = batch.records[0], batch.records[-1]
    expired = condition == AGE_EXCEEDED
    found: Json = {
        "requestContext": {
            "requestId": engine.new_uuid(),
            "functionArn": mapping["FunctionArn"],
            "condition": condition,
            "approximateInvokeCount": batch.invocations + expired,
        }
    }
    if not expired:
        found["responseContext"] = {"statusCode": 200, "executedVersion": version, "functionError": batch.error}
    return found | {
        "version": "1.0",
        "timestamp": _time(now, "milliseconds"),
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


def _send_to_queue(queue: str, body: str) -> None:
    # Lambda calls through TLS, and a queue's policy may demand it.
    evaluator.pin_request_origin("127.0.0.1", secure_transport=True)
    try:
        sqs._act_send_message({"MessageBody": body}, queue.rsplit(":", 1)[-1])
    except sqs._Err as error:
        _LOGGER.warning("record of a discarded batch lost: %s: %s", queue, error)


def _put_into_bucket(bucket: str, key: str, record: Json) -> None:
    status, _, answer = s3._put_object(bucket.rsplit(":", 1)[-1], key, json.dumps(record).encode(), {})
    if status >= 400:
        _LOGGER.warning("record of a discarded batch lost: %s: %s", bucket, answer)


def _moment(moment: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(moment, datetime.UTC)


def _time(moment: float, precision: str) -> str:
    return f"{_moment(moment).replace(tzinfo=None).isoformat(timespec=precision)}Z"
