"""The custom resource that seeds the table.

Runs behind the CDK provider framework: what it returns becomes the resource's attributes, what it raises the reason for
the failure (https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.custom_resources-readme.html).

Seeds name users as people do, so that the template is the same in every stage. In a stage with a user pool this
function puts the users' ids in place of the names.
"""

import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

import boto3
from botocore.exceptions import ClientError

from dynamo.changes import Outcome
from dynamo.writer import CLIENT, Table, apply
from functions.log import log
from model.messages import PARTITION_KEY, conversation_id, conversation_key, key_of
from model.users import Directory, Names, pool_region
from model.wire import Typed, from_wire

# The codes of HeadObject, whose response has no body, and of GetObject.
_MISSING = frozenset({"404", "403", "NoSuchKey", "NoSuchBucket", "AccessDenied"})
# The function may not ask the user pool, or the pool was deleted.
_POOL_IS_CLOSED = frozenset({"AccessDeniedException", "ResourceNotFoundException"})


class SourceMissing(Exception):
    """The file of a seed no longer exists, or may not be read."""


def on_event(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Bring the table from the old seed to the new one; a Delete leaves the data alone.

    The id never changes: a changed id would make CloudFormation delete the "old" resource after every update.
    """
    physical_id = event.get("PhysicalResourceId") or f"{event['LogicalResourceId']}-seed"
    if event["RequestType"] == "Delete":
        return {"PhysicalResourceId": physical_id}
    properties, old_properties = event["ResourceProperties"], event.get("OldResourceProperties")
    s3 = boto3.client("s3", config=CLIENT)
    table = Table(boto3.client("dynamodb", config=CLIENT), properties["TableName"])
    new = _under_ids_of(properties, items(s3, properties))
    counts = _counts(apply(table, old=_old(s3, properties, old_properties), new=new))
    log("seeded", request=event["RequestType"], table=properties["TableName"], **counts)
    return {"PhysicalResourceId": physical_id, "Data": counts}


def _old(s3: Any, properties: Mapping[str, Any], old_properties: Mapping[str, Any] | None) -> Iterator[Typed] | None:
    """The previous seed; None if there was none, or it can no longer be read."""
    # A table that replaced another one starts without anything of the old seed.
    if old_properties is None or old_properties["TableName"] != properties["TableName"]:
        return None

    def unknown(error: ValueError) -> None:
        """A user who was deleted or renamed since: the messages written for them cannot be found, and stay."""
        log("a user of the old seed is unknown", reason=str(error))

    try:
        return _under_ids_of(old_properties, items(s3, old_properties), unknown=unknown)
    except SourceMissing as error:
        # For example after `cdk gc`. Without it nothing can be told from an edit, so nothing is rewritten or removed.
        log("old seed is missing", reason=str(error))
    except ClientError as error:
        # A stage that changed its pool may no longer ask the old one.
        if error.response["Error"]["Code"] not in _POOL_IS_CLOSED:
            raise
        log("users of the old seed are unknown", reason=str(error))
    return None


def items(s3: Any, properties: Mapping[str, Any]) -> Iterator[Typed]:
    """The items that ``properties`` name, in the order of their keys.

    ``Messages`` has the items themselves, in the order of the seed; ``Bucket`` and ``Key`` name a file with one item a
    line, already in order. It is fetched whole before the first item is used: S3 would end a stream that has to wait
    for a throttled table. Raises SourceMissing.
    """
    if "Messages" in properties:
        return iter(sorted(map(from_wire, properties["Messages"]), key=key_of))
    bucket, key = properties["Bucket"], properties["Key"]
    file = io.BytesIO()
    try:
        s3.download_fileobj(bucket, key, file)
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING:
            # S3 answers 403 for both, and names no permission for a HEAD.
            raise SourceMissing(
                f"s3://{bucket}/{key}: {error}; the object does not exist, or the function's role is not "
                "authorized to perform: s3:GetObject"
            ) from error
        raise
    file.seek(0)
    return (from_wire(json.loads(line)) for line in file)


def _under_ids_of(
    properties: Mapping[str, Any], named: Iterator[Typed], *, unknown: Callable[[ValueError], None] | None = None
) -> Iterator[Typed]:
    """``named`` with the ids of the pool's users; as it is without a user pool."""
    pool = properties.get("UserPoolId")
    if not pool:
        return named
    cognito = boto3.client("cognito-idp", region_name=pool_region(pool), config=CLIENT)
    return under_ids(named, Directory(cognito, pool), unknown=unknown)


def under_ids(
    items: Iterable[Typed], users: Names, *, unknown: Callable[[ValueError], None] | None = None
) -> Iterator[Typed]:
    """``items`` with ids for users, in their keys too, and in the order of these keys.

    ``items`` are in the order of their own keys, so that a conversation's items follow one another. All are read before
    this returns: an unknown name shows before anything is written. It raises ValueError, or is reported to ``unknown``
    and its conversation left out. Times and ids of messages stay.
    """
    found: dict[str, list[bytes]] = {}  # as JSON, which takes a fraction of the memory
    for _, conversation in groupby(items, key=lambda item: key_of(item)[0]):
        try:
            messages = [json.dumps(_under_ids(item, users)).encode() for item in conversation]
            first = json.loads(messages[0])
            key = key_of(first)[0]
            if key in found:
                names = " and ".join(first[side]["S"] for side in ("FromUser", "ToUser"))
                raise ValueError(f"two names in the seed belong to one user: conversation {names} would exist twice")
        except ValueError as error:
            if unknown is None:
                raise
            unknown(error)
        else:
            found[key] = messages
    return (json.loads(message) for key in sorted(found) for message in found[key])


def _under_ids(item: Typed, users: Names) -> Typed:
    sender, recipient = (users.resolve(item[side]["S"]) for side in ("FromUser", "ToUser"))
    conversation = conversation_id(sender, recipient)
    return {
        **item,
        PARTITION_KEY: {"S": conversation_key(conversation)},
        "ConversationId": {"S": conversation},
        "FromUser": {"S": sender},
        "ToUser": {"S": recipient},
    }


def _counts(outcomes: Counter[Outcome]) -> dict[str, int]:
    """The resource's attributes. Total is the seed's size, Present the number of its items in the table."""
    present = sum(outcomes[o] for o in (Outcome.WRITTEN, Outcome.UNCHANGED, Outcome.EDITED))
    preserved = sum(outcomes[o] for o in (Outcome.EDITED, Outcome.DELETED, Outcome.KEPT))
    return {
        "Total": present + outcomes[Outcome.DELETED],
        "Present": present,
        "Written": outcomes[Outcome.WRITTEN],
        "Unchanged": outcomes[Outcome.UNCHANGED],
        "Preserved": preserved,
        "Removed": outcomes[Outcome.REMOVED],
    }
