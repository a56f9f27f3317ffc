"""The seeding function's own time in a real deployment."""

import re
from collections.abc import Callable
from typing import Any

from bench.seed import items
from embedded_aws.process import Running
from embedded_aws.tests.support.engine import clients_of
from tests.support.deployment import Deployment, bootstrap

_REPORT = re.compile(r"REPORT .*?\bDuration: ([\d.]+) ms")


def seconds_in_lambda(aws: Running, count: int) -> float:
    """Deploy the stack with ``count`` messages; the duration that Lambda reports for them."""
    client = clients_of(aws)
    bootstrap(client)
    deployment = Deployment(client, "bench")
    outputs = deployment.deploy(items(count))
    assert outputs["SeededCount"] == str(count)
    group = _seed_logs(client, deployment.stack)
    events = client("logs").filter_log_events(logGroupName=group)["events"]
    durations = [float(found[1]) for e in events if (found := _REPORT.search(e["message"]))]
    deployment.destroy()
    # The provider framework logs to the same group; it waits for the seeding function.
    return sorted(durations)[-2] / 1000


def _seed_logs(client: Callable[[str], Any], stack: str) -> str:
    """The log group of the stack's seeding functions; others of its functions have their own."""
    resources = client("cloudformation").describe_stack_resources(StackName=stack)
    (group,) = (
        resource["PhysicalResourceId"]
        for resource in resources["StackResources"]
        if resource["ResourceType"] == "AWS::Logs::LogGroup" and resource["LogicalResourceId"].startswith("Seed")
    )
    return str(group)
