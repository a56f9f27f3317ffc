"""The boto3 clients of every command, and the stack that a command acts on.

Clients are made only here, so tests replace them here.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore import exceptions as sdk
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import OpsError, UsageError, code, is_denied, message
from model.names import PREFIX, STAGE, STAGE_RULE, table_name

# AWS Backup publishes no request rate and its model has no throttling error, so the SDK's own list of throttling codes
# decides, with patience: legacy mode's five attempts give up on long lists.
_PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 8}, connect_timeout=5, read_timeout=30)
CONNECTIONS = 20  # of one client, for requests in parallel
# The first call of commands that ask for the account: a wrong endpoint or no network shows at once.
_QUICK = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=5, read_timeout=10)
_UNREACHABLE = sdk.EndpointConnectionError, sdk.ConnectTimeoutError, sdk.SSLError
_STACK = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


class NotFromAws(BotoCoreError):  # type: ignore[misc]  # botocore has no types
    """The response is a web page."""

    fmt = (
        "{operation}: the response did not come from AWS: got {kind}, status {status}; check AWS_ENDPOINT_URL, and "
        "whether a proxy or a log-in page responded"
    )


class Clients:
    """``clients("backup")``: a boto3 client, made once per service."""

    def __init__(self, *, region: str | None = None, profile: str | None = None) -> None:
        import boto3  # takes a tenth of a second: a command that needs it later starts other processes first

        # The other SDKs read AWS_REGION, boto3 only AWS_DEFAULT_REGION: without this a deployment and its backup could
        # act in two regions (https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html).
        region = region or os.environ.get("AWS_REGION") or None
        self._aws = boto3.Session(region_name=region, profile_name=profile)
        self._made: dict[str, Any] = {}
        self._responded = False

    @property
    def region(self) -> str:
        """The region commands act in. Raises NoRegionError when none is set."""
        region = self._aws.region_name
        if not region:
            raise sdk.NoRegionError()
        return str(region)

    @property
    def partition(self) -> str:
        """``aws``, or what the region's ARNs begin with instead."""
        return str(self._aws.get_partition_for_region(self.region))

    def account(self) -> str:
        """The account of the credentials, as STS reports it. Raises NoRegionError when no region is set."""
        assert self.region
        sts = self._keep("sts", _made(self._aws.client, "sts", _QUICK))
        return str(sts.get_caller_identity()["Account"])

    def close(self) -> None:
        """Close the connections, which would otherwise stay open for a while."""
        for made in self._made.values():
            made.close()

    def __call__(self, service: str) -> Any:
        if service not in self._made:
            config = _PATIENT.merge(Config(max_pool_connections=CONNECTIONS))
            self._keep(service, _made(self._aws.client, service, config))
        return self._made[service]

    def resource(self, service: str, *, connections: int) -> Any:
        """A boto3 resource for ``connections`` threads, whose client is closed with the others."""
        resource = _made(self._aws.resource, service, _PATIENT.merge(Config(max_pool_connections=connections)))
        self._keep(f"resource {service}", resource.meta.client)
        return resource

    def _keep(self, name: str, client: Any) -> Any:
        client.meta.events.register_first("needs-retry", self._give_up_early)
        client.meta.events.register_first("before-parse", _refuse_web_page)
        self._made[name] = client
        return client

    def _give_up_early(
        self, *, attempts: int, response: object, caught_exception: Exception | None, **_: object
    ) -> None:
        """End the SDK's retries after two attempts while AWS has not responded to any request.

        Patience is for a service that is busy: a wrong endpoint, region or certificate would be tried for most of a
        minute. Handles botocore's event needs-retry, which follows every attempt.
        """
        self._responded |= response is not None
        if isinstance(caught_exception, _UNREACHABLE) and not self._responded and attempts > 1:
            raise caught_exception


def _refuse_web_page(*, operation_model: Any, response_dict: dict[str, Any], **_: object) -> None:
    """Handle botocore's event before-parse, which would read a proxy's page as a response without fields.

    The SDK tries a page with status 500 or more again, and its parser must not fail on it.
    """
    kind, status = str(response_dict["headers"].get("Content-Type")), response_dict["status_code"]
    if "html" in kind and status >= 500:
        response_dict["body"] = b""
    elif "html" in kind:
        raise NotFromAws(operation=operation_model.name, kind=kind, status=status)


def _made(make: Callable[..., Any], service: str, config: Config) -> Any:
    """A client or resource. Raises OpsError for wrong AWS settings in the environment."""
    try:
        return make(service, config=config)
    except BotoCoreError:
        raise
    except (ValueError, OSError) as error:  # a malformed endpoint, a missing CA file
        raise OpsError(f"{error}; check AWS_ENDPOINT_URL and AWS_CA_BUNDLE") from None


@dataclass(frozen=True, kw_only=True)
class StackDescription:
    """A stack as CloudFormation describes it."""

    name: str
    status: str
    reason: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    created: datetime | None = None

    def output(self, key: str) -> str:
        """The output ``key``. Raises OpsError when the stack has no such output."""
        try:
            return self.outputs[key]
        except KeyError:
            raise OpsError(f"stack {self.name} has no output {key} (status {self.status}); deploy it again") from None


def chosen_stack(*, stage: str, stack: str | None = None) -> str:
    """The stack that ``--stage`` or ``--stack`` means. Raises UsageError for a bad name."""
    if stack is None and not STAGE.fullmatch(stage):
        raise UsageError(f"'{stage}' is not a stage: {STAGE_RULE}; pass --stage NAME or --stack NAME")
    if stack is not None and not _STACK.fullmatch(stack):
        raise UsageError(
            f"'{stack}' is not a stack name: at most 128 letters, digits and hyphens, starting with a letter; "
            "pass --stack NAME"
        )
    return PREFIX + stage if stack is None else stack


def default_table(stack: str) -> str | None:
    """The table's name in stack ``Messages-<stage>`` unless a setting says otherwise."""
    return table_name(stack.removeprefix(PREFIX)) if stack.startswith(PREFIX) else None


def find_stack(clients: Clients, name: str) -> StackDescription | None:
    """The deployed stack ``name``, or None when there is none (deleted ones included)."""
    found = _described(clients("cloudformation"), name)
    return found if found and found.status != "DELETE_COMPLETE" else None


def deployed_stack(clients: Clients, name: str) -> StackDescription:
    """The deployed stack ``name``. Raises OpsError if there is none, or it is being deleted."""
    found = find_stack(clients, name)
    if found is None:
        raise OpsError(
            f"stack {name} does not exist in {clients.region}; deploy it, or name another one "
            "with --stage, --stack or --region"
        )
    if found.status.startswith("DELETE_"):
        raise OpsError(f"stack {name} is being deleted (status {found.status})")
    return found


def deleted_stacks(clients: Clients, name: str) -> Iterator[StackDescription]:
    """Earlier stacks of that name; CloudFormation remembers them for 90 days."""
    cloudformation = clients("cloudformation")
    for page in cloudformation.get_paginator("list_stacks").paginate():
        for summary in page["StackSummaries"]:
            deleted = summary["StackName"] == name and summary["StackStatus"] == "DELETE_COMPLETE"
            # A deleted stack is known by its id only.
            if deleted and (found := _described(cloudformation, summary["StackId"])):
                yield found


def _described(cloudformation: Any, name_or_id: str) -> StackDescription | None:
    try:
        (described,) = cloudformation.describe_stacks(StackName=name_or_id)["Stacks"]
    except ClientError as error:
        if code(error) == "ValidationError" and "does not exist" in message(error):
            return None
        raise
    return StackDescription(
        name=described["StackName"],
        status=described["StackStatus"],
        reason=described.get("StackStatusReason", ""),
        outputs={o["OutputKey"]: o["OutputValue"] for o in described.get("Outputs", [])},
        created=described.get("CreationTime"),
    )


def missing_table(clients: Clients, found: StackDescription | None) -> str:
    """One line that names the missing table of ``found``, and what to do; empty if it exists or that is unknown."""
    table = found.outputs.get("TableName") if found else None
    if not found or not table or found.status.startswith("DELETE_") or found.status.endswith("_IN_PROGRESS"):
        return ""
    try:
        clients("dynamodb").describe_table(TableName=table)
        return ""
    except ClientError as error:
        if is_denied(error):
            return ""
        if code(error) != "ResourceNotFoundException":
            raise
    where = f"--stack {found.name} --region {clients.region}"
    return (
        f"table {table} of stack {found.name} does not exist in {clients.region} although the stack is "
        "deployed: it was deleted outside CloudFormation. Destroy the stack (with `backups_on_destroy: delete` only "
        "DynamoDB's own backups survive that), deploy it again, then run "
        f"`python -m ops recover ARN {where}`; `python -m ops backups {where}` lists the backups"
    )
