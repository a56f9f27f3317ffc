"""The seeding function's own time in a real deployment."""

import re
import subprocess
import tempfile
from functools import cache
from typing import Any

import boto3

from bench.seed import items
from bench.ways import KEYS
from local.process import Running
from tests.local.deployment import Deployment

_REPORT = re.compile(r"REPORT .*?\bDuration: ([\d.]+) ms")


def seconds_in_lambda(aws: Running, count: int) -> float:
    """Deploy the stack with ``count`` messages; the duration that Lambda reports for them."""

    @cache
    def client(service: str) -> Any:
        return boto3.client(service, endpoint_url=aws.endpoint, verify=aws.ca_file, **KEYS)

    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["cdk", "bootstrap", "aws://000000000000/us-east-1"], cwd=folder,
                       env=aws.environment(), check=True, capture_output=True)  # fmt: skip
    deployment = Deployment(client, "bench")
    outputs = deployment.deploy(items(count))
    assert outputs["SeededCount"] == str(count)
    groups = client("logs").describe_log_groups()["logGroups"]
    (group,) = [g["logGroupName"] for g in groups if deployment.stack in g["logGroupName"]]
    events = client("logs").filter_log_events(logGroupName=group)["events"]
    durations = [float(found[1]) for e in events if (found := _REPORT.search(e["message"]))]
    deployment.destroy()
    # The provider framework logs to the same group; it waits for the seeding function.
    return sorted(durations)[-2] / 1000
