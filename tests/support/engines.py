"""Two DynamoDB engines of different authors: what holds on both is not one engine's error."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from typing import Any

from embedded_aws.environment import PROJECT, server_environment
from embedded_aws.tests.support.engine import session
from model.messages import INDEX_NAME, INDEX_PARTITION_KEY, INDEX_SORT_KEY, PARTITION_KEY, SORT_KEY

# Not dynalite's own command, which cannot let the kernel pick a free port. It ends when its stdin does.
_DYNALITE = """
const server = require("dynalite")({createTableMs: 0, deleteTableMs: 0, updateTableMs: 0});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("close", () => process.exit()).resume();
"""


@contextlib.contextmanager
def dynalite() -> Iterator[str]:
    """The endpoint of a dynalite, which ends with this process. Raises RuntimeError when it does not start."""
    with subprocess.Popen(
        ["node", "--eval", _DYNALITE],
        cwd=PROJECT,  # where node_modules is
        env=server_environment(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a Ctrl-C meant for pytest is not meant for the engine
    ) as process:
        assert process.stdin and process.stdout and process.stderr  # noqa: PT018 (for mypy)
        port = process.stdout.readline().strip()
        if not port:
            raise RuntimeError(f"dynalite did not start: {process.stderr.read().strip()}")
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def messages_table(dynamodb: Any, name: str, *, stream: bool) -> Iterator[Any]:
    """An empty table with the keys and the index of the data model, as a boto3 Table.

    ``dynamodb`` is a boto3 resource; ``stream`` says whether the table has one.
    """
    keys = PARTITION_KEY, SORT_KEY, INDEX_PARTITION_KEY, INDEX_SORT_KEY
    images = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}
    index = {
        "IndexName": INDEX_NAME,
        "KeySchema": _schema(INDEX_PARTITION_KEY, INDEX_SORT_KEY),
        "Projection": {"ProjectionType": "ALL"},
    }
    table = dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=_schema(PARTITION_KEY, SORT_KEY),
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        GlobalSecondaryIndexes=[index],
        **images if stream else {},
    )
    table.meta.client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    try:
        yield table
    finally:
        table.delete()


def dynalite_resource(url: str) -> Any:
    """A boto3 resource of the dynalite at ``url``; it takes any credentials."""
    return session().resource("dynamodb", endpoint_url=url)


def _schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]
