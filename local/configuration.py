"""Durations and faults of an embedded AWS, changed while it runs."""

import json
import ssl
import urllib.request
from typing import Any

from local.process import Running


def configure(aws: Running, **values: object) -> dict[str, Any]:
    """Change settings of the additions (``embedded_aws.settings``); what they were before."""
    if not values:
        return {}
    request = urllib.request.Request(
        f"{aws.endpoint}/_ministack/config",
        data=json.dumps({f"additions.{name}": value for name, value in values.items()}).encode(),
        method="POST",
    )
    context = ssl.create_default_context(cafile=aws.ca_file)
    # Not through a proxy: it is on loopback, whatever the environment says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(request, timeout=10) as reply:
        before = json.load(reply)["before"]
    return {name: before[f"additions.{name}"] for name in values}
