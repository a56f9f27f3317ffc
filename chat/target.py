"""What a command acts on: the table, the stack and the users that its options name."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, BinaryIO, TypeAlias

from botocore.exceptions import ClientError

from cli.clients import Clients, StackDescription, chosen_stack, deployed_stack, missing_table
from cli.command_line import Parser, add_target, between, to_stderr
from cli.errors import OpsError, UsageError, code, message
from dynamo.parallel import MOST_SEGMENTS
from dynamo.table import Capacity
from model.messages import BODY_CHARACTERS, INDEX_NAME, conversation_id
from model.names import USER_POOL
from model.users import Directory, PlainNames, UnknownUser, pool_region, user_id

Commands: TypeAlias = "argparse._SubParsersAction[Parser]"
# DynamoDB accepts a Limit of twice as much.
MOST = 999_999_999
# How many to print; for ``add_argument(type=...)``.
count = between(1, MOST, int)


class Target:
    """One table in one region, its users, and how the command reports progress.

    ``say`` prints a line to standard error. Nothing is requested from AWS before it is needed.
    """

    def __init__(self, arguments: argparse.Namespace, *, say: Callable[[str], None] = to_stderr) -> None:
        self._arguments = arguments
        self._table_option: str | None = getattr(arguments, "table", None)
        self.clients = Clients(region=arguments.region, profile=arguments.profile)
        self._all_clients = [self.clients]
        self.say = say
        self.capacity = Capacity() if arguments.capacity else None

    @cached_property
    def table_name(self) -> str:
        """The value of --table, else the output of the stack that --stage or --stack names."""
        return self._stack.output("TableName") if self._table_option is None else self._table_option

    @cached_property
    def table(self) -> Any:
        """The boto3 DynamoDB Table; for one thread."""
        return self._dynamodb.Table(self.table_name)

    @property
    def client(self) -> Any:
        """The DynamoDB client that takes and returns Python values; for any thread."""
        return self._dynamodb.meta.client

    @cached_property
    def typed_client(self) -> Any:
        """The DynamoDB client that takes and returns DynamoDB JSON, as the API itself does."""
        client = self.clients("dynamodb")
        if self.capacity:
            self.capacity.watch(client)
        return client

    def stack_output(self, key: str) -> str:
        """An output of the stack; with --table there is none."""
        if self._table_option is not None:
            raise UsageError(f"this needs the stack output {key}; use --stage or --stack instead of --table")
        return self._stack.output(key)

    @cached_property
    def directory(self) -> Directory | PlainNames:
        """The users of the pool of --user-pool-id, else of the stack; without one, plain names are the ids."""
        pool = self._arguments.user_pool_id
        if pool is None and self._table_option is None:
            pool = self._stack.outputs.get("UserPoolId")
        if pool is None:
            return PlainNames()
        if not USER_POOL.fullmatch(pool):
            raise UsageError(f"'{pool}' is not the id of a user pool, such as eu-west-1_Ab1cD2eF3")
        clients = Clients(region=pool_region(pool), profile=self._arguments.profile)
        self._all_clients.append(clients)
        return Directory(clients("cognito-idp"), pool)

    def person(self, name: str) -> str:
        """The user that a person calls ``name``, as messages spell it."""
        with usage_errors():
            return self.directory.resolve(name)

    def conversation(self, pair: str) -> str:
        """The id of the conversation between the two users that ``pair`` joins, in any order and case."""
        with usage_errors():
            return conversation_id(*map(self.directory.resolve, pair.split("#")))

    def explained(self, error: ClientError) -> OpsError | None:
        """What DynamoDB's refusal means for this table, with the remedy; None for any other error."""
        region = self.clients.region
        if code(error) == "ResourceNotFoundException" and error.operation_name != "ListUsers":
            deleted = missing_table(self.clients, self._stack) if self._table_option is None else ""
            return OpsError(
                deleted
                or f"table {self.table_name} does not exist in {region}; deploy it, or name another one with "
                "--table, --stage, --stack or --region (a table that is being created cannot be used yet)"
            )
        if "does not have the specified index" in message(error):
            return OpsError(
                f"table {self.table_name} in {region} has no index {INDEX_NAME}; deploy its stack again, "
                "or name another table with --table, --stage or --stack"
            )
        if "backfilling" in message(error):
            return OpsError(
                f"the index {INDEX_NAME} of table {self.table_name} is still being created; try again later"
            )
        return None

    def close(self) -> None:
        """Close the connections, which AWS would otherwise keep open for a while."""
        for clients in self._all_clients:
            clients.close()

    @cached_property
    def _stack(self) -> StackDescription:
        return deployed_stack(self.clients, chosen_stack(stage=self._arguments.stage, stack=self._arguments.stack))

    @cached_property
    def _dynamodb(self) -> Any:
        resource = self.clients.resource("dynamodb", connections=MOST_SEGMENTS)
        if self.capacity:
            self.capacity.watch(resource.meta.client)
        return resource


def command(commands: Commands, name: str, summary: str, *, table: bool = True, writes: bool = False) -> Parser:
    """A parser for the command ``name`` with the options that all commands have.

    ``writes`` says that part of the work may be done when the command is interrupted.
    """
    parser = commands.add_parser(name, help=summary, description=summary)
    add_target(parser, table=table)
    parser.add_argument("--user-pool-id", metavar="ID", help="Cognito user pool of the users (default: the stack's)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--capacity", action="store_true", help="print the consumed read and write capacity units")
    parser.set_defaults(writes=writes)
    return parser


@contextlib.contextmanager
def usage_errors() -> Iterator[None]:
    """Turn a ValueError of the model into a UsageError, and UnknownUser into an OpsError."""
    try:
        yield
    except UnknownUser as error:
        raise OpsError(str(error)) from None
    except ValueError as error:
        raise UsageError(str(error)) from None


def pair(text: str) -> str:
    """``text``, two user names joined by #; for ``add_argument(type=...)``. Raises UsageError."""
    names = text.split("#")
    if len(names) != 2:
        raise UsageError(f"{text!r} is not a conversation: two users joined by #, like jerry#tom")
    with usage_errors():
        conversation_id(*names)
    return text


def user_name(text: str) -> str:
    """``text``, which can name a user; for ``add_argument(type=...)``. Raises UsageError."""
    with usage_errors():
        user_id(text)
    return text


def add_typed(parser: argparse.ArgumentParser) -> None:
    """The option for items that plain JSON cannot spell."""
    text = 'as DynamoDB JSON, {"Body": {"S": "Hi"}}, which distinguishes sets and binary from lists and text'
    parser.add_argument("--typed", action="store_true", help=text)


def body(text: str) -> str:
    """The text of a message; - reads it from standard input, without its last newline."""
    if text == "-":
        text = standard_input().removesuffix("\n").removesuffix("\r")
    if not text.strip():
        raise UsageError(f"the message is empty; it must have 1 to {BODY_CHARACTERS} characters")
    if len(text) > BODY_CHARACTERS:
        raise UsageError(f"the message has {len(text)} characters; at most {BODY_CHARACTERS} are allowed")
    return text


def standard_input() -> str:
    """The text of standard input, without a byte order mark."""
    try:
        return str(binary_input().read(), "utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"standard input is not UTF-8 at byte {error.start}") from None


def binary_input() -> BinaryIO:
    """Standard input, which the caller may have closed."""
    if sys.stdin is None:
        raise OpsError("standard input is closed, so - has nothing to read")
    return sys.stdin.buffer
