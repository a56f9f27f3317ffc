"""The one place that makes boto3 clients; tests replace it here."""

import os
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, NoRegionError

from ops.errors import OpsError

# AWS Backup publishes no request rate and its model has no throttling error, so
# the SDK's own list of throttling codes decides, with patience: legacy mode's
# five attempts give up on long lists.
_PATIENT = Config(
    retries={"mode": "standard", "total_max_attempts": 8}, connect_timeout=5, read_timeout=30
)
# The first call of every command: a wrong endpoint or no network shows at once.
_QUICK = Config(
    retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=5, read_timeout=10
)


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
        """Whose account the credentials belong to, asked from AWS.

        Raises OpsError when no client can be made with the environment's settings.
        """
        region = self.region
        try:
            sts = self._aws.client("sts", config=_QUICK)
        except BotoCoreError:
            raise
        except (ValueError, OSError) as error:  # a malformed endpoint, a CA file that is not there
            raise OpsError(f"{error}; check AWS_ENDPOINT_URL and AWS_CA_BUNDLE") from None
        self._made["sts"] = sts
        return Identity(account=sts.get_caller_identity()["Account"], region=region)

    def close(self) -> None:
        """Close the connections, which AWS would otherwise keep open for a while."""
        for made in self._made.values():
            made.close()

    def __call__(self, service: str) -> Any:
        if service not in self._made:
            self._made[service] = self._aws.client(service, config=_PATIENT)
        return self._made[service]


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Where a command acts."""

    account: str
    region: str
