"""The one place that makes boto3 clients, and checks that AWS sent the responses; tests replace it here."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ConnectTimeoutError, EndpointConnectionError, NoRegionError, SSLError

from cli.errors import NotFromAws, OpsError

_JSON, _XML = frozenset({"json", "rest-json"}), frozenset({"query", "rest-xml", "ec2"})


def check_answers(client: Any) -> None:
    """Have every request of a boto3 client raise NotFromAws for what no service answers.

    botocore reads a page in place of JSON as a response without fields, and ends in a
    ResponseParserError, which is none of its own errors, for a page in place of XML. A
    gateway's page with status 500 or more becomes an error that the SDK tries again.
    """
    client.meta.events.register_first("before-parse", _check)


def _check(*, operation_model: Any, response_dict: dict[str, Any], **_: object) -> None:
    protocol = operation_model.service_model.resolved_protocol
    if protocol not in _JSON | _XML or _is_payload(operation_model, response_dict):
        return
    known = _is_json if protocol in _JSON else _is_xml
    if known(operation_model, response_dict["status_code"], response_dict["body"].strip()):
        return
    if response_dict["status_code"] >= 500:
        response_dict["body"] = b""  # botocore then goes by the status
        return
    expected = "JSON" if protocol in _JSON else "XML"
    raise NotFromAws(
        f"{operation_model.name}: the response did not come from AWS: expected {expected}, got "
        f"{_kind(response_dict)}; check AWS_ENDPOINT_URL, and whether a proxy or a log-in page is "
        "on the way"
    )


def _is_payload(operation: Any, response: Mapping[str, Any]) -> bool:
    """Whether the body is data of a caller's own, such as an object of S3."""
    shape = operation.output_shape
    is_error = response["status_code"] >= 300
    return bool(shape and not is_error and "payload" in shape.serialization)


def _is_json(operation: Any, status: int, body: bytes) -> bool:
    if body:
        return body.startswith(b"{")
    if status >= 300:
        return status >= 400  # AWS redirects nobody here; a proxy does
    return not (operation.output_shape and operation.output_shape.members)


def _is_xml(operation: Any, _: int, body: bytes) -> bool:
    if not body:
        return bool(operation.service_model.resolved_protocol == "rest-xml")
    try:
        name = ElementTree.fromstring(body).tag.rpartition("}")[2]
    except ElementTree.ParseError:
        return False
    # A page may be XML too: of the protocol query every root is called so.
    if operation.service_model.resolved_protocol == "query":
        return name.endswith("Response")
    return name.lower() != "html"


def _kind(response: Mapping[str, Any]) -> str:
    kind = " ".join(str(response["headers"].get("Content-Type") or "no content type").split())
    empty = "an empty body, " if not response["body"] else ""
    return f"{empty}{kind}, status {response['status_code']}"


# AWS Backup publishes no request rate and its model has no throttling error, so
# the SDK's own list of throttling codes decides, with patience: legacy mode's
# five attempts give up on long lists.
_PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 8}, connect_timeout=5, read_timeout=30)
# The first call of every command: a wrong endpoint or no network shows at once.
_QUICK = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=5, read_timeout=10)


def session(*, region: str | None = None, profile: str | None = None) -> boto3.Session:
    """A boto3 session that looks for its region where the CDK CLI does.

    The other SDKs read AWS_REGION, boto3 only AWS_DEFAULT_REGION: without this
    a deployment and its backup could act in two regions
    (https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html).
    """
    region = region or os.environ.get("AWS_REGION") or None
    return boto3.Session(region_name=region, profile_name=profile)


class Clients:
    """``clients("backup")``: a boto3 client, made once per service."""

    def __init__(self, *, region: str | None = None, profile: str | None = None) -> None:
        self._aws = session(region=region, profile=profile)
        self._made: dict[str, Any] = {}
        self._nobody_there = _NobodyThere()

    @property
    def region(self) -> str:
        """The region commands act in. Raises NoRegionError when none is set."""
        region = self._aws.region_name
        if not region:
            raise NoRegionError()
        return str(region)

    @property
    def partition(self) -> str:
        """``aws``, or what the region's ARNs begin with instead."""
        return str(self._aws.get_partition_for_region(self.region))

    def identity(self) -> "Identity":
        """Whose account the credentials belong to, asked from AWS."""
        region = self.region
        sts = self._keep("sts", _made(self._aws.client, "sts", _QUICK))
        return Identity(account=sts.get_caller_identity()["Account"], region=region)

    def close(self) -> None:
        """Close the connections, which AWS would otherwise keep open for a while."""
        for made in self._made.values():
            made.close()

    def __call__(self, service: str) -> Any:
        if service not in self._made:
            self._keep(service, _made(self._aws.client, service, _PATIENT))
        return self._made[service]

    def resource(self, service: str, *, connections: int) -> Any:
        """A boto3 resource, whose client, for so many threads, is closed with the others."""
        config = _PATIENT.merge(Config(max_pool_connections=connections))
        resource = _made(self._aws.resource, service, config)
        self._keep(f"resource {service}", resource.meta.client)
        return resource

    def _keep(self, name: str, client: Any) -> Any:
        client.meta.events.register_first("needs-retry", self._nobody_there)
        check_answers(client)
        self._made[name] = client
        return client


class _NobodyThere:
    """Ends the SDK's retries early while nothing has answered yet.

    Patience is for a service that is busy, or away for a moment: a wrong
    endpoint, region or certificate would be tried for most of a minute.
    """

    ATTEMPTS = 2

    def __init__(self) -> None:
        self._answered = False

    def __call__(self, *, attempts: int, response: object, caught_exception: Exception | None, **_: object) -> None:
        """Handle botocore's event needs-retry, which comes after every attempt."""
        if response is not None:
            self._answered = True
        elif (
            isinstance(caught_exception, EndpointConnectionError | ConnectTimeoutError | SSLError)
            and not self._answered
            and attempts >= self.ATTEMPTS
        ):
            raise caught_exception


def _made(make: Callable[..., Any], service: str, config: Config) -> Any:
    """A client or resource. Raises OpsError where the environment's settings do not allow one."""
    try:
        return make(service, config=config)
    except BotoCoreError:
        raise
    except (ValueError, OSError) as error:  # a malformed endpoint, a CA file that is not there
        raise OpsError(f"{error}; check AWS_ENDPOINT_URL and AWS_CA_BUNDLE") from None


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Where a command acts."""

    account: str
    region: str
