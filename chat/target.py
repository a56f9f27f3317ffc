"""What a command acts on: made here, from the options that all commands have."""

import argparse
from collections.abc import Callable
from functools import cached_property
from typing import Any

from cli.clients import Clients, StackDescription, deployed_stack, missing_table, stack_name
from cli.command_line import to_stderr
from cli.errors import UsageError
from cli.polling import SYSTEM_CLOCK, Clock
from dynamo.parallel import MOST_SEGMENTS
from dynamo.table import Capacity, note_lost_tries
from model.names import TABLE_NAME, USER_POOL
from model.users import Directory, PlainNames, pool_region


class Target:
    """One table of one region, how a command speaks about it, and what it consumed.

    ``say`` prints a line of progress to standard error. Nothing is asked from
    AWS before it is needed.
    """

    def __init__(
        self, arguments: argparse.Namespace, *, say: Callable[[str], None] = to_stderr, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._arguments = arguments
        self._clients = Clients(region=arguments.region, profile=arguments.profile)
        self._all_clients = [self._clients]
        self.say, self.clock = say, clock
        self.capacity = Capacity()

    @property
    def region(self) -> str:
        """The region. Raises NoRegionError when none is set."""
        return self._clients.region

    @cached_property
    def table_name(self) -> str:
        """What --table says, else the output of the stack that --stage or --stack names.

        Raises UsageError for what cannot name a table, OpsError without such a stack.
        """
        name = getattr(self._arguments, "table", None)
        if name is None:
            return self._stack.output("TableName")
        if not TABLE_NAME.fullmatch(name):
            raise UsageError(f"'{name}' is not a table name: 3 to 255 of A-Z, a-z, 0-9, _ . and -")
        return str(name)

    def missing_table(self) -> str:
        """What to say where the stack's table is gone; empty while it is not, and for --table."""
        if getattr(self._arguments, "table", None) is not None:
            return ""
        return missing_table(self._clients, self._stack)

    @cached_property
    def table(self) -> Any:
        """The boto3 DynamoDB Table; ``table.meta.client`` is its client, for threads."""
        name = self.table_name  # first, because a wrong one is wrong in any region
        return self._dynamodb.Table(name)

    @cached_property
    def directory(self) -> Directory | PlainNames:
        """Who the users are: those of a user pool, or names that stand for themselves.

        The pool is what --user-pool-id says, else the output of the stack; a
        table of --table has none. Raises as ``table_name`` does.
        """
        pool = self._arguments.user_pool_id
        if pool is None and getattr(self._arguments, "table", None) is None:
            pool = self._stack.outputs.get("UserPoolId")
        if pool is None:
            return PlainNames()
        if not USER_POOL.fullmatch(pool):
            raise UsageError(f"'{pool}' is not the id of a user pool, such as eu-west-1_Ab1cD2eF3")
        clients = Clients(region=pool_region(pool), profile=self._arguments.profile)
        self._all_clients.append(clients)
        return Directory(clients("cognito-idp"), pool)

    @cached_property
    def _stack(self) -> StackDescription:
        name = stack_name(stage=self._arguments.stage, stack=self._arguments.stack)
        return deployed_stack(self._clients, name)

    @property
    def client(self) -> Any:
        """The DynamoDB client, for calls that concern no table; takes and gives Python values."""
        return self._dynamodb.meta.client

    @cached_property
    def typed_client(self) -> Any:
        """The DynamoDB client that takes and gives DynamoDB JSON, as the API itself does."""
        client = self._clients("dynamodb")
        self.capacity.watch(client)
        return client

    def service(self, name: str) -> Any:
        """The client of another service than DynamoDB, for example ``sqs``."""
        return self._clients(name)

    def output(self, key: str) -> str:
        """An output of the stack. Raises UsageError for a table of --table, OpsError without it."""
        if getattr(self._arguments, "table", None) is not None:
            raise UsageError(f"--table names no stack, whose {key} is needed; use --stage or --stack")
        return self._stack.output(key)

    @cached_property
    def _dynamodb(self) -> Any:
        resource = self._clients.resource("dynamodb", connections=MOST_SEGMENTS)
        note_lost_tries(resource.meta.client)
        self.capacity.watch(resource.meta.client)
        return resource

    def close(self) -> None:
        """Close the connections, which AWS would otherwise keep open for a while."""
        for clients in self._all_clients:
            clients.close()
